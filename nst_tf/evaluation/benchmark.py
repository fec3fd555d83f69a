"""Models x sizes x threads -> table, numbers and plot of what they cost."""

import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tqdm

from nst_tf.config.benchmark import BenchmarkSettings
from nst_tf.core import files
from nst_tf.core.errors import UserError, expected
from nst_tf.core.results import CommandResult
from nst_tf.evaluation.origin import describe_origin
from nst_tf.inference import latency
from nst_tf.runs import plots

WRITTEN = ("table.md", "numbers.json", "latency.png")
HEADINGS = (
    "model",
    "picture",
    "threads",
    "MB",
    "load, ms",
    "first, ms",
    "median, ms",
    "MP/s",
    "peak, MB",
    "x first model",
)


@dataclasses.dataclass(frozen=True)
class Row:
    """What one model costs at one size: medians over rounds; times in seconds.

    Attributes:
        name, threads: of the job.
        side, size, load, first, memory: as in `latency.Timing`.
        seconds: of a picture after the first.
        ratio: of `seconds` to that of the first model at the same size and threads, of
            each round, then the median; NaN if that had another size.
    """

    name: str
    threads: int
    side: int
    size: int
    load: float
    first: float
    seconds: float
    memory: int
    ratio: float


def benchmark(
    settings: BenchmarkSettings, log: Callable[[str], None] = print
) -> list[Row]:
    """Times all models, each in processes of its own, in turn, and writes `WRITTEN`
    into --output, if given.

    A model that cannot be timed is named and left out.

    Raises:
        UserError: none could be timed, or results are there already.
    """
    folder = Path(settings.output) if settings.output else None
    if (
        folder
        and not settings.overwrite
        and any((folder / name).exists() for name in WRITTEN)
    ):
        raise expected(
            "an --output without results",
            str(folder),
            "Choose another, or add --overwrite.",
        )
    if folder:  # now, and not after minutes of timing
        files.ensure_writable_folder(folder)
    jobs = [
        (name, path, side, threads)
        for side in settings.sizes
        for threads in settings.threads
        for name, path in settings.named_models
    ]
    found: dict[tuple, list] = {}
    failed = {}
    with tqdm.tqdm(
        total=settings.rounds * len(jobs), unit="run", file=sys.stderr
    ) as bar:
        for _ in range(settings.rounds):
            # In turn, so that a slow minute of the machine meets all models.
            for name, path, side, threads in jobs:
                bar.set_postfix_str(f"{name} {side} x{threads}")
                if name not in failed:
                    try:
                        found.setdefault((name, side, threads), []).append(
                            latency.time_alone(path, side, threads, settings.repeats)
                        )
                    except UserError as error:
                        failed[name] = str(error)
                bar.update()
    for name, reason in failed.items():
        log(f"error: left out: {name}: {reason}")
    rows = _rows(
        settings,
        {key: timings for key, timings in found.items() if key[0] not in failed},
    )
    if not rows:
        raise expected("a model that can be timed", "none", "See the lines above.")
    text = table(rows)
    log(text)
    if folder:
        points: dict[str, list] = {}
        for row in rows:
            points.setdefault(f"{row.name}, {row.threads} threads", []).append(
                (row.side, 1000 * row.seconds)
            )
        numbers = {
            "origin": describe_origin(),
            "settings": vars(settings),
            "rows": [dataclasses.asdict(row) for row in rows],
        }
        contents = (
            f"{text}\n".encode(errors="backslashreplace"),
            json.dumps(numbers, indent=1).encode(),
            plots.plot_curves(points, "side of the picture, pixels", "median, ms"),
        )
        for name, data in zip(WRITTEN, contents):
            files.write_atomically(folder / name, data, overwrite=True)
        log(f"wrote {', '.join(str(folder / name) for name in WRITTEN)}")
    return rows


def summarize(settings: BenchmarkSettings, rows: list[Row]) -> CommandResult:
    """Returns all rows; status 1 if a model could not be timed."""
    missing = len(settings.named_models) - len({row.name for row in rows})
    values = {"rows": [dataclasses.asdict(row) for row in rows]}
    return CommandResult(values, 1 if missing else 0)


def table(rows: list[Row]) -> str:
    """Returns the markdown table."""
    lines = [HEADINGS, ("---",) * len(HEADINGS)]
    for row in rows:
        lines.append(
            (
                row.name,
                f"{row.side}x{row.side}",
                str(row.threads),
                f"{row.size / 1e6:.2f}",
                *(f"{1000 * seconds:.0f}" for seconds in (row.load, row.first)),
                f"{1000 * row.seconds:.1f}",
                f"{row.side**2 / 1e6 / row.seconds:.2f}",
                f"{row.memory / 1e6:.0f}",
                "-" if np.isnan(row.ratio) else f"{row.ratio:.2f}",
            )
        )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _rows(settings, found):
    first_name = settings.named_models[0][0]
    rows = []
    for (name, side, threads), timings in found.items():
        others = found.get((first_name, side, threads), [])
        ratios = [
            np.median(own.seconds) / np.median(other.seconds)
            for own, other in zip(timings, others)
            if own.side == other.side
        ]
        rows.append(
            Row(
                name,
                threads,
                timings[0].side,
                timings[0].size,
                *(
                    float(np.median([value(timing) for timing in timings]))
                    for value in (
                        lambda timing: timing.load,
                        lambda timing: timing.first,
                        lambda timing: np.median(timing.seconds),
                    )
                ),
                max(timing.memory for timing in timings),
                float(np.median(ratios)) if ratios else float("nan"),
            )
        )
    # A model of a fixed size has been timed at it once for each size asked for.
    return list({(row.name, row.side, row.threads): row for row in rows}.values())
