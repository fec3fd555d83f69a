"""Flags made from a settings dataclass: its fields are the one list of names, defaults and help."""

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def quiet_start() -> Iterator[None]:
    """Leaves out what TensorFlow, imported inside, says about CPU and missing GPUs;
    errors are shown.

    Whoever sets TF_CPP_MIN_LOG_LEVEL gets what he asked for instead, and all that
    import says.
    """
    if "TF_CPP_MIN_LOG_LEVEL" in os.environ:
        yield
        return
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
    noise = r"[IW]\d{4} |WARNING: All log messages before"
    if not os.path.exists("/dev/nvidiactl"):  # made by NVIDIA's driver
        noise += r"|E\d{4} .*failed call to cuInit"
    # That level counts only once the libraries are loaded, and they talk from C++
    # before.
    with tempfile.TemporaryFile() as held:
        stderr = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
            # A machine without a GPU is complained of at the first look for one: look
            # now.
            sys.modules["tensorflow"].config.list_physical_devices("GPU")
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)
            held.seek(0)
            for line in held.read().decode(errors="replace").splitlines():
                if not re.match(noise, line):
                    print(line, file=sys.stderr)
