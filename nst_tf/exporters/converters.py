"""Packages that convert networks: their versions, and their silence."""

import contextlib
import importlib.metadata
import logging
from collections.abc import Iterator


def describe_packages(*names: str) -> str:
    """Returns packages with their versions: "onnx 1.23.2, onnxruntime 1.32.0"."""
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)


@contextlib.contextmanager
def silence(*names: str, below: int) -> Iterator[None]:
    """Keeps what loggers report below a level to themselves, for the block.

    Args:
        names: of the loggers.
        below: a level of `logging`.
    """
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(below)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels):
            logger.setLevel(level)
