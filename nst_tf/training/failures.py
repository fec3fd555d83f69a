"""What TensorFlow raises in a training, and how it is told in one line."""

import re

import tensorflow as tf

# What the workers that are left get when one has died; which one depends on what they
# were doing.
LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
    tf.errors.FailedPreconditionError,
)


def describe(error: BaseException) -> str:
    """Returns what happened in one line, without TensorFlow's places in the graph."""
    text = re.sub(r"\{\{.*?\}\} ?", "", str(error))
    place = r"\s*$|Graph execution error|Detected at node|  File|    |<stack traces"
    lines = [line for line in text.splitlines() if not re.match(place, line)]
    return lines[0].rstrip(".:") if lines else type(error).__name__
