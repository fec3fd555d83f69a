"""What goes through the pipeline, and what every worker is told."""

import dataclasses
from typing import Any

from nst_tf.config.painting.batch import BatchSettings

NAMESPACE = "nst_tf.batch"  # of the metrics
PAINTED, SKIPPED, LEFT_OUT = "painted", "skipped", "left_out"
FAILED = "failed"  # the output of the steps that has `Failure`s, too
COUNTERS = (PAINTED, SKIPPED, FAILED, LEFT_OUT)
MILLISECONDS, PIXELS = "milliseconds", "pixels"  # distributions


@dataclasses.dataclass(frozen=True)
class Job:
    """One run of the command, the same for all workers.

    Attributes:
        settings: of the command; paths are absolute or URLs.
        root: the folder from which on the photos' folders are kept.
        run: number of the run in the output folder, from 1.
        model_sha256, settings_sha256: see `nst_tf.pipelines.identity`.
        style: what the model paints in, as `Model.prepare` takes it; for a model of any
            style the code, so that workers need no style pictures.
    """

    settings: BatchSettings
    root: str
    run: int
    model_sha256: str
    settings_sha256: str
    style: Any


@dataclasses.dataclass(frozen=True)
class Task:
    """A photo that is to be painted.

    Attributes:
        photo: its path.
        output: the path of its picture.
        sha256: of the bytes that the picture's name speaks of; empty for any.
    """

    photo: str
    output: str
    sha256: str = ""


@dataclasses.dataclass(frozen=True)
class Encoded:
    """A picture as the bytes of its file: the photo that was read, or what was painted.

    Decoded pictures do not go from step to step: Beam pickles some of what does, to
    learn its size.

    Attributes:
        task: its paths.
        sha256: of the photo's file.
        data: the bytes.
        pixels: of what was painted.
    """

    task: Task
    sha256: str
    data: bytes
    pixels: int = 0


@dataclasses.dataclass(frozen=True)
class Failure:
    """A photo that was not painted, and why, in one line."""

    input: str
    reason: str

    @classmethod
    def of(cls, photo: str, error: BaseException) -> "Failure":
        """Returns the failure that an error means for a photo."""
        return cls(photo, " ".join(str(error).split()))
