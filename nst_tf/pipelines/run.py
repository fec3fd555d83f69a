"""From settings to a job on Beam, and to its numbers; imports Beam when it is called."""

import importlib.util
import logging
import time
from collections.abc import Mapping
from typing import Any

from nst_tf.config.painting.batch import BatchSettings
from nst_tf.core.errors import expected
from nst_tf.core.results import CommandResult

ADVICE = "pip install 'nst_tf[beam]'"


def batch(settings: BatchSettings) -> CommandResult:
    """Paints the photos; prints how many, and where it says why others failed.

    Raises:
        UserError: Beam is missing, an option of Beam's that it does not have, a model
            that cannot be opened or does not paint so, or no photos.
    """
    _require_beam()
    _quiet_beam()
    from nst_tf.pipelines import pipeline, planning, runners, storage

    options = runners.make_options(settings)
    job = planning.plan(settings)
    began = time.monotonic()
    numbers = runners.run_job(job, options)
    numbers["job_seconds"] = round(time.monotonic() - began, 3)
    if not numbers["painted"] + numbers["skipped"] + numbers["failed"]:
        raise expected(
            "photos",
            f"{settings.content} (there are none, but {numbers['left_out']} other files)",
            "Check --content.",
        )
    failures = storage.join(job.settings.output, pipeline.DEAD_LETTERS)
    _report(numbers, failures)
    return CommandResult(
        {**numbers, "failures": failures}, 1 if numbers["failed"] else 0
    )


def _report(numbers: Mapping[str, Any], failures: str) -> None:
    print(
        f"photos painted: {numbers['painted']}, skipped: {numbers['skipped']}, failed: {numbers['failed']}"
    )
    if numbers["painted"]:
        print(
            f"painting took {numbers['seconds']:.1f} s for {numbers['pixels'] / 1e6:.1f} megapixels, "
            f"the job {numbers['job_seconds']:.1f} s"
        )
    if numbers["left_out"]:
        print(f"files left out, which are no photos: {numbers['left_out']}")
    if numbers["failed"]:
        print(f"why photos failed: {failures}")


def _require_beam() -> None:
    if importlib.util.find_spec("apache_beam") is None:
        raise expected(
            "the package apache-beam, which runs nst batch",
            "no such package",
            f"Type {ADVICE}",
        )


def _quiet_beam() -> None:
    """Hides what Beam notes for its developers in this process; errors are shown."""
    logging.getLogger("apache_beam").setLevel(logging.ERROR)
    # A worker inside this process logs the errors that it raises, too.
    for name in ("worker", "common"):
        logging.getLogger(f"apache_beam.runners.{name}").setLevel(logging.CRITICAL)
    # Some of it goes to the root logger itself, whose filter leaves other loggers alone.
    logging.getLogger().addFilter(_is_error)


def _is_error(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.ERROR
