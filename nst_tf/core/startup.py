"""A start of TensorFlow that says nothing but errors."""

import contextlib
import importlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator

from nst_tf.core.interrupts import leave_on_interrupt_inside


@contextlib.contextmanager
def quiet_start() -> Iterator[None]:
    """Imports TensorFlow, inside at the latest, without what it says about CPU and
    missing GPUs; errors are shown.

    Where TF_CPP_MIN_LOG_LEVEL is set, it decides instead, and all that the import says
    is shown.
    """
    if "TF_CPP_MIN_LOG_LEVEL" in os.environ:
        with leave_on_interrupt_inside(2):
            yield
        return
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
    noise = r"[IW]\d{4} |WARNING: All log messages before"
    if not os.path.exists("/dev/nvidiactl"):  # made by NVIDIA's driver
        noise += r"|E\d{4} .*failed call to cuInit"
    # The level counts only once the libraries are loaded; before, they write from C++.
    with filter_stderr(noise) as stderr, leave_on_interrupt_inside(stderr):
        yield
        # TensorFlow reports a missing GPU at the first look for one: look now.
        importlib.import_module("tensorflow").config.list_physical_devices("GPU")


@contextlib.contextmanager
def filter_stderr(noise: str) -> Iterator[int]:
    """Holds back what is written to stderr inside, from C++ too, and then shows it
    without some lines.

    Args:
        noise: a regular expression that the lines left out begin with.

    Yields:
        A file descriptor whose text is shown at once.
    """
    try:
        held, stderr = tempfile.TemporaryFile(), os.dup(2)
    except OSError:  # no stderr, or nowhere to hold it: everything is shown
        held = None
    if held is None:
        yield 2
        return
    with held:
        os.dup2(held.fileno(), 2)
        try:
            yield stderr
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)
            held.seek(0)
            for line in held.read().decode(errors="replace").splitlines():
                if not re.match(noise, line):
                    print(line, file=sys.stderr)
