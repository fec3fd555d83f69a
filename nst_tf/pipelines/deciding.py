"""Which photos have to be painted: not those whose pictures are there and up to date."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.transforms.window import GlobalWindows

from nst_tf.core.errors import UserError, expected
from nst_tf.pipelines import manifest, naming, storage
from nst_tf.pipelines.records import FAILED, NAMESPACE, SKIPPED, Failure, Job, Task

PHOTOS, LINES = "photos", "lines"
# What a line says differently, for the message.
_OTHERS = {
    "input": "another path of its photo",
    "input_sha256": "another photo",
    "model_sha256": "another model",
    "settings_sha256": "other settings",
}
_CLAIMS = 1000  # pictures that one part of the manifest claims


class ChooseByPath(beam.DoFn):
    """(picture's path in the folder, {PHOTOS: paths, LINES: lines on it}) -> tasks, and failures.

    Pictures are claimed in the manifest before their tasks go on. A bundle that runs
    again chooses the same tasks.
    """

    def __init__(self, job: Job):
        self._job = job
        self._skipped = Metrics.counter(NAMESPACE, SKIPPED)

    def start_bundle(self) -> None:
        self._chosen: list[Task] = []

    def process(self, group: tuple[str, Mapping[str, Iterable[Any]]]) -> Iterator[Any]:
        name, found = group
        photos = sorted(set(found[PHOTOS]))
        target = storage.join(self._job.settings.output, name)
        try:
            if len(photos) > 1:
                raise expected(
                    "photos with an output file each",
                    f"{' and '.join(photos)}, which would all become {target}",
                    "Rename them, or use --names=hash.",
                )
            for photo in photos:
                newest = manifest.choose_newest(found[LINES])
                if self._is_to_paint(photo, target, newest):
                    self._chosen.append(Task(photo, target))
                else:
                    self._skipped.inc()
        except UserError as error:
            for photo in photos:
                yield beam.pvalue.TaggedOutput(FAILED, Failure.of(photo, error))
        if len(self._chosen) >= _CLAIMS:
            yield from self._claim()

    def finish_bundle(self) -> Iterator[Any]:
        yield from map(GlobalWindows.windowed_value, self._claim())

    def _claim(self) -> list[Task]:
        chosen, self._chosen = self._chosen, []
        if chosen:
            folder = self._job.settings.output
            lines = [
                {"output": task.output[len(folder) + 1 :], "input": task.photo}
                for task in chosen
            ]
            manifest.write_part(folder, self._job.run, manifest.CLAIMED, lines)
        return chosen

    def _is_to_paint(
        self, photo: str, target: str, newest: manifest.Line | None
    ) -> bool:
        overwrite = self._job.settings.overwrite
        if not storage.exists(target):
            return True
        if newest is None:
            if overwrite:
                return True
            raise expected(
                "an output file that does not exist",
                f"{target}, which no line of the manifest speaks of",
                "Use --overwrite, or another --output.",
            )
        if newest["state"] == manifest.CLAIMED:  # a run that was killed left it
            return True
        made_of = {
            "input": photo,
            "input_sha256": hashlib.sha256(storage.read(photo)).hexdigest(),
            "model_sha256": self._job.model_sha256,
            "settings_sha256": self._job.settings_sha256,
        }
        changed = [_OTHERS[key] for key in made_of if newest[key] != made_of[key]]
        if changed and not overwrite:
            raise expected(
                "a picture of the same photo, model and settings",
                f"{target}, painted with {' and '.join(changed)}",
                "Use --overwrite to paint it again, or another --output.",
            )
        return bool(changed)


class ChooseByHash(beam.DoFn):
    """Photos' paths -> tasks whose pictures are not there, and failures.

    The name is proof: what is there was made of these bytes by this model.
    """

    def __init__(self, job: Job):
        self._job = job
        self._skipped = Metrics.counter(NAMESPACE, SKIPPED)

    def process(self, photo: str) -> Iterator[Any]:
        try:
            sha256 = hashlib.sha256(storage.read(photo)).hexdigest()
        except UserError as error:
            yield beam.pvalue.TaggedOutput(FAILED, Failure.of(photo, error))
        else:
            target = naming.name_by_hash(
                photo,
                sha256,
                self._job.model_sha256,
                self._job.settings_sha256,
                self._job.settings.output,
            )
            if storage.exists(target):
                self._skipped.inc()
            else:
                yield Task(photo, target, sha256)
