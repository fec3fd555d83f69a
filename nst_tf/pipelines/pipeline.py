"""The pipeline: paths -> what has to be painted -> read -> paint -> write."""

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from apache_beam.io import fileio
from apache_beam.metrics import Metrics
from apache_beam.ml.inference.base import RunInference

from nst_tf.config.painting.batch import PATH_NAMES
from nst_tf.core.errors import UserError
from nst_tf.pipelines import deciding, manifest, naming, painting, sources, storage
from nst_tf.pipelines.records import FAILED, NAMESPACE, Failure, Job

DEAD_LETTERS = "failed.jsonl"  # in the output folder


def build(pipeline: beam.Pipeline, job: Job) -> None:
    """Puts all steps of a batch into a pipeline.

    Args:
        pipeline: an empty one.
        job: what to do.
    """
    paths, *failed = sources.find_photos(pipeline, job)
    if job.settings.names == PATH_NAMES:
        named = paths | "Name" >> _split(_Name(job))
        failed.append(named[FAILED])
        lines = (
            pipeline
            | "Manifest" >> fileio.MatchFiles(manifest.find_parts(job.settings.output))
            | "Parts" >> beam.Map(lambda metadata: metadata.path)
            | "Lines" >> beam.io.ReadAllFromText()
            | "Line" >> beam.Map(manifest.read_line)
        )
        groups = {
            deciding.PHOTOS: named["main"],
            deciding.LINES: lines,
        } | "Join" >> beam.CoGroupByKey()
        chosen = groups | "Choose" >> _split(deciding.ChooseByPath(job))
    else:
        # A barrier: what finds photos runs in one worker, what paints them in all.
        spread = paths | "Spread" >> beam.Reshuffle()
        chosen = spread | "Choose" >> _split(deciding.ChooseByHash(job))
    photos = chosen["main"] | "Read" >> _split(painting.ReadPhoto())
    painted = photos["main"] | "Paint" >> RunInference(painting.StyleModelHandler(job))
    written = painted | "Write" >> _split(painting.WritePicture(job))
    failed += [chosen[FAILED], photos[FAILED], written[FAILED]]
    _write_failures(failed, job)


def _write_failures(failed: list[beam.PCollection], job: Job) -> None:
    """Writes one line for each failure, once, whatever runs again."""
    place = storage.join(job.settings.output, DEAD_LETTERS)
    _ = (
        failed
        | "Failures" >> beam.Flatten()
        | "Count" >> beam.Map(_count_failure)
        | "Failed" >> beam.io.WriteToText(place, num_shards=1, shard_name_template="")
    )


def _split(step: beam.DoFn) -> beam.PTransform:
    return beam.ParDo(step).with_outputs(FAILED, main="main")


def _count_failure(failure: Failure) -> str:
    Metrics.counter(NAMESPACE, FAILED).inc()
    return json.dumps(dataclasses.asdict(failure))


class _Name(beam.DoFn):
    """Paths of photos -> (path of the picture in the folder, path of the photo), and failures."""

    def __init__(self, job: Job):
        self._job = job

    def process(self, photo: str) -> Iterator[Any]:
        output = self._job.settings.output
        try:
            target = naming.name_by_path(photo, self._job.root, output)
        except UserError as error:
            yield beam.pvalue.TaggedOutput(FAILED, Failure.of(photo, error))
        else:
            yield target[len(output) + 1 :], photo
