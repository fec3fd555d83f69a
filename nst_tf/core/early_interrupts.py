"""Ctrl-C while a command's modules are imported is one line, not a stack trace.

Imported by `nst_tf.config.flags` before all else. A program that has a hook of its own
keeps it.
"""

import sys
from types import TracebackType


def _tell(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


if sys.excepthook is sys.__excepthook__:
    sys.excepthook = _tell
