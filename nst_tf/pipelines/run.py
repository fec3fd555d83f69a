"""From settings to a job on Beam: what can be refused at once, the pipeline, the numbers."""

import argparse
import dataclasses
import importlib.util
import re
import shlex
import time
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from nst_tf.config.painting.batch import LOCAL_RUNNERS, BatchSettings
from nst_tf.core.errors import UserError, expected
from nst_tf.core.results import CommandResult
from nst_tf.core.shares import normalize_shares
from nst_tf.core.startup import quiet_start
from nst_tf.inference.model import Style
from nst_tf.inference.open_model import find_artifact, load_model

if TYPE_CHECKING:
    from nst_tf.pipelines.records import Job

ADVICE = "pip install 'nst_tf[beam]'"
COUNTERS = ("painted", "skipped", "failed", "left_out")
# Beam's options that settings of ours stand for.
_OURS = ("runner", "direct_num_workers", "direct_running_mode")
_USER_ERROR = re.compile(r"nst_tf\.core\.errors\.UserError: (Expected .*)")


def batch(settings: BatchSettings) -> CommandResult:
    """Paints the photos; prints how many, and what failed where.

    Raises:
        UserError: Beam is missing, an option of Beam's that it does not have, a model
            that cannot be opened or does not paint so, or no photos.
    """
    _require_beam()
    from nst_tf.pipelines import pipeline as steps, storage

    options = make_options(settings)
    job = plan(settings)
    began = time.monotonic()
    numbers = _run(job, options)
    values = {
        **numbers,
        "job_seconds": round(time.monotonic() - began, 3),
        "failures": storage.join(job.settings.output, steps.DEAD_LETTERS),
    }
    if not sum(numbers[name] for name in COUNTERS[:3]):
        raise expected(
            "photos",
            f"{settings.content} (there are none, but {numbers['left_out']} other files)",
            "Check --content.",
        )
    print(", ".join(f"photos {name}: {numbers[name]}" for name in COUNTERS[:3]))
    if numbers["painted"]:
        print(
            f"painting took {numbers['seconds']:.1f} s for {numbers['pixels'] / 1e6:.1f} megapixels, "
            f"the job {values['job_seconds']:.1f} s"
        )
    if numbers["left_out"]:
        print(f"other files left out: {numbers['left_out']}")
    if numbers["failed"]:
        print(f"why photos failed: {values['failures']}")
    return CommandResult(values, 1 if numbers["failed"] else 0)


def plan(settings: BatchSettings) -> "Job":
    """Returns the job of some settings, after all checks that need no pipeline.

    The model is opened here once, so that a style that it does not have costs no
    cluster.

    Raises:
        UserError: as `batch`.
    """
    from nst_tf.pipelines import identity, manifest, naming, sources, storage
    from nst_tf.pipelines.records import Job

    output = storage.normalize(settings.output)
    if settings.is_list:
        if not storage.exists(settings.content):
            raise expected(
                "a list of photos that can be read", settings.content, "Check the path."
            )
        if settings.is_table:
            sources.check_columns(settings.content, settings.column)
        root = storage.normalize(
            settings.root or naming.find_root(settings.content) or "."
        )
        content = storage.normalize(settings.content)
    else:
        root = naming.find_root(settings.content)
        if storage.is_inside(root, output):
            raise expected(
                "an --output that does not hold the photos",
                f"--output={settings.output} --content={settings.content}",
                "Choose another folder: originals are never replaced.",
            )
        content = settings.content
        if storage.is_local(content) and not content.endswith("/"):
            content = storage.normalize(content)
    if find_artifact(settings.model).suffix != ".tflite":
        with quiet_start():
            pass
    with load_model(settings.model, style_size=settings.style_size) as model:
        style = _find_style(model, settings)
        model.prepare(style, settings.strength, preserve_color=settings.preserve_color)
        any_style = not model.styles
    return Job(
        settings=dataclasses.replace(settings, content=content, output=output),
        root=root,
        run=manifest.number_run(output),
        model_sha256=identity.hash_model(settings.model),
        settings_sha256=identity.hash_settings(settings, any_style),
        style=style,
    )


def make_options(settings: BatchSettings) -> Any:
    """Returns Beam's options of some settings.

    Raises:
        UserError: an option that Beam does not have, or that a setting stands for.
    """
    from apache_beam.options.pipeline_options import PipelineOptions

    try:
        words = shlex.split(settings.beam_options)
    except ValueError as error:
        raise expected(
            "--beam_options as a shell would read them",
            f"{settings.beam_options} ({error})",
            "Check its quotes.",
        ) from error
    _check_options(words)
    words.append(f"--runner={settings.runner}")
    if settings.runner in LOCAL_RUNNERS and settings.processes > 1:
        words += [
            f"--direct_num_workers={settings.processes}",
            "--direct_running_mode=multi_processing",
        ]
    return PipelineOptions(words)


def _check_options(words: list[str]) -> None:
    from apache_beam.options.pipeline_options import PipelineOptions

    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> NoReturn:
            raise expected("options of Beam's in --beam_options", message, "Check it.")

    # Beam itself reports what it does not know by a log line, and goes on.
    parser = Parser(add_help=False, allow_abbrev=False)
    for each in {str(each): each for each in PipelineOptions.__subclasses__()}.values():
        each._add_argparse_args(parser)
    known, unknown = parser.parse_known_args(words)
    if unknown:
        raise expected(
            "options of Beam's in --beam_options",
            " ".join(unknown),
            "Check their spelling: the pages of Beam's runners list them.",
        )
    for name in _OURS:
        if getattr(known, name) != parser.get_default(name):
            raise expected(
                "--runner and --processes for what runs the pipeline",
                f"--{name} in --beam_options",
                "Leave it out there.",
            )


def _find_style(model: Any, settings: BatchSettings) -> Style:
    """Returns the style for workers: for a model of any style a code, else what was asked for."""
    style = settings.style_argument
    if model.styles or not isinstance(style, dict):
        return style
    codes = np.stack([model.encode(name) for name in style])
    shares = normalize_shares(list(style.values()))
    return np.tensordot(shares, codes, 1).astype(np.float32)


def _run(job: "Job", options: Any) -> dict[str, Any]:
    """Runs the pipeline; returns its numbers."""
    import apache_beam as beam

    from nst_tf.pipelines import pipeline as steps
    from nst_tf.pipelines.records import NAMESPACE

    pipeline = beam.Pipeline(options=options)
    steps.build(pipeline, job)
    try:
        result = pipeline.run()
        state = result.wait_until_finish()
    except Exception as error:
        # Workers send their errors as texts of stack traces.
        found = _USER_ERROR.findall(str(error))
        if not found:
            raise
        raise UserError(found[-1]) from error
    if state != beam.runners.runner.PipelineState.DONE:
        raise expected("a job that ends with DONE", state, "See the runner's own log.")
    chosen = beam.metrics.MetricsFilter().with_namespace(NAMESPACE)
    found = result.metrics().query(chosen)
    counted = {each.key.metric.name: each.result for each in found["counters"]}
    sums = {each.key.metric.name: each.result.sum for each in found["distributions"]}
    numbers = {name: counted.get(name, 0) for name in COUNTERS}
    numbers["seconds"] = sums.get("milliseconds", 0) / 1000
    numbers["pixels"] = sums.get("pixels", 0)
    return numbers


def _require_beam() -> None:
    if importlib.util.find_spec("apache_beam") is None:
        raise expected(
            "the package apache-beam, which runs nst batch",
            "no such package",
            f"Type {ADVICE}",
        )
