"""Where the photos of a batch come from: a glob, a list or a table."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from apache_beam.io import fileio
from apache_beam.io.filesystem import FileMetadata
from apache_beam.io.filesystems import FileSystems
from apache_beam.metrics import Metrics

from nst_tf.config.painting.batch import BatchSettings
from nst_tf.core.errors import expected, first_line
from nst_tf.pipelines import naming, storage
from nst_tf.pipelines.records import FAILED, LEFT_OUT, NAMESPACE, Failure, Job


def find_photos(
    pipeline: beam.Pipeline, job: Job
) -> tuple[beam.PCollection[str], beam.PCollection[Failure]]:
    """Returns the paths of the photos that --content stands for, each once, and failures.

    Args:
        pipeline: gets the steps that find them.
        job: what to do.
    """
    settings = job.settings
    if settings.is_list:
        once = _read_list(pipeline, job) | "Once" >> beam.Distinct()
        check = beam.ParDo(_CheckListed(settings.output))
        checked = once | "Check" >> check.with_outputs(FAILED, main="main")
        return checked["main"], checked[FAILED]
    found = (
        pipeline
        | "Patterns" >> beam.Create(naming.find_patterns(settings.content))
        | "Match" >> fileio.MatchAll()
        | "Path" >> beam.ParDo(_TakePath()).with_outputs(FAILED, main="main")
    )
    once = found["main"] | "Once" >> beam.Distinct()
    return once | "Photos" >> beam.ParDo(_ChooseFound(job)), found[FAILED]


def _read_list(pipeline: beam.Pipeline, job: Job) -> beam.PCollection[str]:
    path, column = job.settings.content, job.settings.column
    if path.lower().endswith(".parquet"):
        rows = pipeline | "Table" >> beam.io.ReadFromParquet(path, columns=[column])
        return rows | "Column" >> beam.Map(lambda row: str(row[column]))
    header = 1 if job.settings.is_table else 0
    lines = pipeline | "List" >> beam.io.ReadFromText(path, skip_header_lines=header)
    filled = lines | "Strip" >> beam.Map(str.strip) | "Filled" >> beam.Filter(bool)
    if not job.settings.is_table:
        return filled
    return filled | "Column" >> beam.Map(_read_field, find_column(path, column))


def check_list(path: str, settings: BatchSettings) -> None:
    """Raises `UserError` for a list or table that cannot be read, or lacks the column."""
    if not storage.exists(path):
        raise expected("a list of photos that can be read", path, "Check the path.")
    if path.lower().endswith(".csv"):
        find_column(path, settings.column)
    if path.lower().endswith(".parquet"):
        import pyarrow.parquet

        try:
            schema = pyarrow.parquet.read_schema(FileSystems.open(path))
        except (OSError, ValueError) as error:
            raise expected(
                "a table that can be read",
                f"{path} ({first_line(error)})",
                "Write it again.",
            ) from error
        _find_name(path, settings.column, schema.names)


def find_column(path: str, column: str) -> int:
    """Returns the place of a column in a CSV file, by its first line."""
    with FileSystems.open(path) as file:
        # Its own buffer: not every filesystem's file is one that csv could read.
        line = io.BufferedReader(file).readline().decode("utf-8-sig")
    return _find_name(path, column, next(csv.reader([line]), []))


def _find_name(path: str, column: str, names: list[str]) -> int:
    if column not in names:
        raise expected(
            f"a column {column} in {path}",
            ", ".join(names) or "none",
            "Name one with --column.",
        )
    return names.index(column)


def _read_field(line: str, index: int) -> str:
    # A short row is no photo: the whole line is what fails by name.
    fields = next(csv.reader([line]))
    return fields[index].strip() if index < len(fields) else line


class _TakePath(beam.DoFn):
    """What a filesystem tells of files -> their paths, and failures."""

    def process(self, metadata: FileMetadata) -> Iterator[Any]:
        path = metadata.path
        try:
            path.encode()
        except UnicodeEncodeError:
            # Beam sends texts between workers in UTF-8 alone.
            error = expected("a file's name in UTF-8", ascii(path), "Rename the file.")
            yield beam.pvalue.TaggedOutput(FAILED, Failure.of(path, error))
        else:
            yield path


class _ChooseFound(beam.DoFn):
    """Paths that a folder or a glob stands for -> those of photos."""

    def __init__(self, job: Job):
        self._job = job
        self._left_out = Metrics.counter(NAMESPACE, LEFT_OUT)

    def process(self, path: str) -> Iterator[str]:
        settings, root = self._job.settings, self._job.root
        if storage.is_inside(path, settings.output):
            pass  # an earlier run wrote it
        elif path == settings.content or naming.is_photo(path, root):
            yield path
        else:
            self._left_out.inc()


class _CheckListed(beam.DoFn):
    """Paths of a list -> the same in every process, and failures for results of ours."""

    def __init__(self, output: str):
        self._output = output

    def process(self, path: str) -> Iterator[Any]:
        path = storage.normalize(path)
        if storage.is_inside(path, self._output):
            error = expected(
                "photos that do not lie in --output",
                path,
                "Choose another --output: originals are never replaced.",
            )
            yield beam.pvalue.TaggedOutput(FAILED, Failure.of(path, error))
        else:
            yield path
