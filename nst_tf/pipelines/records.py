"""What goes through the pipeline, and what every worker is told."""

import dataclasses
from typing import Any

from nst_tf.config.painting.batch import BatchSettings
from nst_tf.images import io as image_io

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


@dataclasses.dataclass(frozen=True, eq=False)
class Decoded:
    """A photo that was read.

    Attributes:
        task: its paths.
        sha256: of its file.
        picture: what is painted.
    """

    task: Task
    sha256: str
    picture: image_io.Image


@dataclasses.dataclass(frozen=True)
class Failure:
    """A photo that was not painted, and why, in one line."""

    input: str
    reason: str

    @classmethod
    def of(cls, photo: str, error: BaseException) -> "Failure":
        """Returns the failure that an error means for a photo."""
        return cls(photo, " ".join(str(error).split()))
