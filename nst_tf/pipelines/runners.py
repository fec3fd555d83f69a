"""Runs a job on one of Beam's runners, with Beam's own options."""

import argparse
import re
import shlex
from typing import Any, NoReturn

import apache_beam as beam
from apache_beam.metrics import MetricsFilter
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_provision_api_pb2
from apache_beam.runners.portability.fn_api_runner import fn_runner
from apache_beam.runners.portability.portable_runner import JobServiceHandle
from apache_beam.runners.runner import PipelineRunner, PipelineState

from nst_tf.config.painting.batch import LOCAL_RUNNERS, RUNNERS, BatchSettings
from nst_tf.core.errors import UserError, expected
from nst_tf.core.interrupts import interrupt_on_terminate
from nst_tf.pipelines.pipeline import build
from nst_tf.pipelines.records import COUNTERS, MILLISECONDS, NAMESPACE, PIXELS, Job

# Beam's options that settings of ours stand for.
_OURS = ("runner", "direct_num_workers", "direct_running_mode")
_USER_ERROR = re.compile(
    r"nst_tf\.core\.errors\.UserError: (Expected .*?)(?: \[while running .*)?$",
    re.MULTILINE,
)
_DEAD = "Channel closed prematurely"  # how Beam calls a worker of this machine that was killed
_GOES_ON = "what is painted stays, and the same command goes on"
_LEVEL = "default_sdk_harness_log_level"


def make_options(settings: BatchSettings) -> PipelineOptions:
    """Returns Beam's options of some settings.

    Raises:
        UserError: an option that Beam does not have, or that a setting stands for.
    """
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
    if settings.runner in LOCAL_RUNNERS:
        if settings.processes > 1:
            words.append(f"--direct_num_workers={settings.processes}")
            words.append("--direct_running_mode=multi_processing")
        if not any(word.startswith(f"--{_LEVEL}") for word in words):
            # Else every process tells its life on this terminal.
            words.append(f"--{_LEVEL}=ERROR")
    return PipelineOptions(words)


def run_job(job: Job, options: PipelineOptions) -> dict[str, Any]:
    """Runs a job to its end; returns its numbers by name.

    Raises:
        UserError: a worker met what a user can mend, or the job did not end well.
        KeyboardInterrupt: after Ctrl-C or SIGTERM; what is written is whole.
    """
    pipeline = beam.Pipeline(_choose_runner(job.settings.runner, options), options)
    build(pipeline, job)
    try:
        with interrupt_on_terminate():
            result = pipeline.run()
            state = result.wait_until_finish()
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_GOES_ON) from None
    except Exception as error:
        # Workers send their errors as the texts of stack traces; one in this process
        # raises them itself, with the name of the step.
        if "KeyboardInterrupt [while running" in str(error):
            raise KeyboardInterrupt(_GOES_ON) from None
        kind = type(error)
        text = f"{kind.__module__}.{kind.__qualname__}: {error}"
        found = _USER_ERROR.findall(text)
        if found:
            raise UserError(found[-1]) from error
        if _DEAD in str(error):
            raise expected(
                "workers that live as long as the job",
                "one that ended, most often for want of memory",
                "The same command goes on; take fewer --processes or an --image_size.",
            ) from error
        raise
    if state != PipelineState.DONE:
        raise expected("a job that ends with DONE", state, "See the runner's own log.")
    chosen = MetricsFilter().with_namespace(NAMESPACE)
    metrics = result.metrics().query(chosen)
    counted = {each.key.metric.name: each.result for each in metrics["counters"]}
    sums = {each.key.metric.name: each.result.sum for each in metrics["distributions"]}
    return {
        **{name: counted.get(name, 0) for name in COUNTERS},
        "seconds": sums.get(MILLISECONDS, 0) / 1000,
        "pixels": sums.get(PIXELS, 0),
    }


def _choose_runner(name: str, options: PipelineOptions) -> str | PipelineRunner:
    """Returns what `beam.Pipeline` takes as its runner.

    Beam starts the processes of a `FnApiRunner` that it makes itself without the
    options, of which filesystems need theirs.
    """
    if name != RUNNERS[0]:
        return name
    encoded = JobServiceHandle.encode_pipeline_options(options.get_all_options())
    provision = beam_provision_api_pb2.ProvisionInfo(pipeline_options=encoded)
    return fn_runner.FnApiRunner(
        provision_info=fn_runner.ExtendedProvisionInfo(provision)
    )


def _check_options(words: list[str]) -> None:
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
