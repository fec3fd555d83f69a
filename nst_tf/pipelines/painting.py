"""The steps of a batch that read, paint and write one photo."""

import dataclasses
import hashlib
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.ml.inference.base import ModelHandler

from nst_tf.config.painting.batch import BatchSettings
from nst_tf.core.errors import UserError, expected
from nst_tf.images import io as image_io
from nst_tf.images.codecs import NamedBytes
from nst_tf.inference.folder import paint_photo, read_photo
from nst_tf.inference.model import Paint
from nst_tf.inference.model_identity import hash_model
from nst_tf.inference.open_model import load_model
from nst_tf.pipelines import manifest, storage
from nst_tf.pipelines.planning import open_runtime
from nst_tf.pipelines.records import (
    FAILED,
    MILLISECONDS,
    NAMESPACE,
    PAINTED,
    PIXELS,
    Encoded,
    Failure,
    Job,
    Task,
)

_FLUSH = 30  # seconds of painted pictures that a killed worker paints again at most


class ReadPhoto(beam.DoFn):
    """Tasks -> photos' files, and failures."""

    def process(self, task: Task) -> Iterator[Any]:
        try:
            data = storage.read(task.photo)
            sha256 = hashlib.sha256(data).hexdigest()
            if task.sha256 not in ("", sha256):
                raise expected(
                    "a photo that stays as it is while it is painted",
                    f"{task.photo}, which changed",
                    "Run the command again.",
                )
        except UserError as error:
            yield beam.pvalue.TaggedOutput(FAILED, Failure.of(task.photo, error))
        else:
            yield Encoded(task, sha256, data)


class Painter:
    """An opened model that several threads may call: one paints, the others wait.

    Painting uses all cores already, a LiteRT interpreter is for one thread at a time,
    and so only one picture's features are in memory.
    """

    def __init__(self, paint: Paint, settings: BatchSettings):
        self._paint = paint
        self._settings = settings
        self._milliseconds = Metrics.distribution(NAMESPACE, MILLISECONDS)
        self._lock = threading.Lock()

    def __call__(self, photo: Encoded) -> Encoded:
        """Decodes, paints and encodes one photo; raises `UserError` where it cannot."""
        settings, task = self._settings, photo.task
        named = NamedBytes(photo.data, task.photo)
        picture = read_photo(named, settings.image_size, settings.max_pixels)
        with self._lock:
            began = time.monotonic()
            rgb = paint_photo(self._paint, picture.rgb, task.photo)
            self._milliseconds.update(int(1000 * (time.monotonic() - began)))
        metadata = None if settings.strip_metadata else picture.metadata
        drawn = dataclasses.replace(picture, rgb=rgb, metadata=metadata)
        suffix = task.output.rpartition(".")[2]
        data = image_io.encode(drawn, suffix, settings.quality)
        height, width = drawn.size
        return Encoded(task, photo.sha256, data, height * width)


class StyleModelHandler(ModelHandler[Encoded, Any, Painter]):
    """Opens a SavedModel, a .keras or a .tflite for `RunInference`, which shares it among
    the threads of a process.

    A batch is one photo: see docs/deploy/batch.md for what more of them gain.
    """

    def __init__(self, job: Job):
        super().__init__(min_batch_size=1, max_batch_size=1)
        self._job = job

    def load_model(self) -> Painter:
        """Opens the model.

        Raises:
            UserError: it is not the one that the command was started with.
        """
        settings = self._job.settings
        found = hash_model(settings.model)
        if found != self._job.model_sha256:
            raise expected(
                f"the model with the hash {self._job.model_sha256} on every worker",
                f"{settings.model} with {found}",
                "Put the same files of it on all machines.",
            )
        open_runtime(settings.model)
        model = load_model(settings.model, style_size=settings.style_size)
        paint = model.prepare(
            self._job.style,
            settings.strength,
            preserve_color=settings.preserve_color,
        )
        return Painter(paint, settings)

    def run_inference(
        self,
        batch: Sequence[Encoded],
        model: Painter,
        inference_args: dict[str, Any] | None = None,
    ) -> Iterator[Encoded | Failure]:
        for photo in batch:
            try:
                yield model(photo)
            except UserError as error:
                yield Failure.of(photo.task.photo, error)

    def get_num_bytes(self, batch: Sequence[Encoded]) -> int:
        return sum(len(photo.data) for photo in batch)


class WritePicture(beam.DoFn):
    """Painted photos -> files and lines of the manifest; failures of earlier steps go through.

    It has no main output.
    """

    def __init__(self, job: Job):
        self._job = job
        self._painted = Metrics.counter(NAMESPACE, PAINTED)
        self._pixels = Metrics.distribution(NAMESPACE, PIXELS)

    def start_bundle(self) -> None:
        self._lines: list[manifest.Line] = []
        self._flushed = time.monotonic()

    def process(self, painted: Encoded | Failure) -> Iterator[Any]:
        if isinstance(painted, Failure):
            yield beam.pvalue.TaggedOutput(FAILED, painted)
        else:
            try:
                self._write(painted)
            except UserError as error:
                failure = Failure.of(painted.task.photo, error)
                yield beam.pvalue.TaggedOutput(FAILED, failure)

    def finish_bundle(self) -> None:
        lines, self._lines = self._lines, []
        self._flushed = time.monotonic()
        if lines:
            folder = self._job.settings.output
            manifest.write_part(folder, self._job.run, manifest.PAINTED, lines)

    def _write(self, painted: Encoded) -> None:
        task, settings = painted.task, self._job.settings
        storage.write(task.output, painted.data)
        self._painted.inc()
        self._pixels.update(painted.pixels)
        self._lines.append(
            {
                "output": task.output[len(settings.output) + 1 :],
                "input": task.photo,
                "input_sha256": painted.sha256,
                "model_sha256": self._job.model_sha256,
                "settings_sha256": self._job.settings_sha256,
            }
        )
        if time.monotonic() - self._flushed > _FLUSH:
            self.finish_bundle()
