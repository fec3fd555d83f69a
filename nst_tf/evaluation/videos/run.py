"""Models x clips x one style -> table, numbers, plots over time and strips of frames."""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tqdm

from nst_tf.config.evaluate import EvaluateSettings
from nst_tf.core import files
from nst_tf.core.errors import expected
from nst_tf.core.results import CommandResult
from nst_tf.data import style_images
from nst_tf.evaluation import contenders, score
from nst_tf.evaluation.contenders import Contender, Photo
from nst_tf.evaluation.origin import describe_origin
from nst_tf.evaluation.videos import report
from nst_tf.evaluation.videos.clips import Clip, open_clips
from nst_tf.evaluation.videos.errors import Chain, WarpErrors, find_flat
from nst_tf.evaluation.videos.report import VideoMeasured
from nst_tf.features import extractors, precision
from nst_tf.images import contact_sheet, io as image_io
from nst_tf.inference.video.coherent_painter import CoherentPainter
from nst_tf.losses.perceptual import LossWeights
from nst_tf.video.moves import Move, MoveEstimator

WRITTEN = ("table.md", "numbers.json", "strips.png")
JUDGED = ("content", "style")
STRIP = 4  # consecutive frames of a clip that are shown


@dataclasses.dataclass(frozen=True)
class VideoEvaluation:
    """What was measured.

    Attributes:
        rows: one a model and clip, the clip itself first.
    """

    rows: list[VideoMeasured]

    def summarize(self) -> CommandResult:
        """Returns all values by clip and model."""
        clips: dict[str, dict] = {}
        for row in self.rows:
            clips.setdefault(row.clip, {})[row.name] = row.values
        return CommandResult({"clips": clips})


def evaluate_videos(
    settings: EvaluateSettings, log: Callable[[str], None] = print
) -> VideoEvaluation:
    """Measures all models on all clips, and writes `WRITTEN` and a plot a clip into --output.

    Frames are judged as they would be written: rounded to bytes.

    Args:
        settings: with at least one of --videos.
        log: takes lines for the user.

    Raises:
        UserError: anything that the user can mend.
    """
    folder = Path(settings.output)
    if not settings.overwrite and any((folder / name).exists() for name in WRITTEN):
        raise expected(
            "an --output without results",
            str(folder),
            "Choose another, or add --overwrite.",
        )
    clips = open_clips(settings.videos, settings.image_size, settings.video_frames)
    data, digest = style_images.fetch_style(settings.style_image, settings.style_sha256)
    settings = dataclasses.replace(settings, style_sha256=digest)
    style = image_io.read_image(
        data, short_side=settings.style_size, max_pixels=settings.max_pixels
    )
    models = contenders.open_models(settings.models, style.rgb)
    settings = precision.resolve_precision(settings, log)
    weights = LossWeights.of(settings)
    judge = score.PerceptualScore(
        extractors.open_extractor(settings, weights.layers), style, weights
    )
    files.ensure_writable_folder(folder)
    rows: list[VideoMeasured] = []
    strips = []
    for clip in clips:
        measured, strip = measure_clip(clip, models, settings, judge)
        rows += measured
        strips += strip
        curves = folder / f"{clip.name}_over_time.png"
        plot = report.plot_over_time(measured)
        if plot is not None:
            files.write_atomically(curves, plot, overwrite=True)
    text = report.write_table(rows)
    title = (
        f"{len(clips)} clips at {settings.image_size} pixels, style {settings.style_image} at "
        f"{settings.style_size}, judged by {settings.feature_network}"
    )
    log(f"{title}\n\n{text}")
    numbers = {
        "origin": describe_origin(),
        "judged": title,
        "settings": vars(settings),
        "rows": [dataclasses.asdict(row) for row in rows],
    }
    sheet = contact_sheet.make_contact_sheet(strips, cell=settings.image_size)
    contents = (
        f"{title}\n\n{text}\n".encode(errors="backslashreplace"),
        json.dumps(numbers, indent=1).encode(),
        image_io.encode_rgb8(sheet, "png"),
    )
    for name, written in zip(WRITTEN, contents):
        files.write_atomically(folder / name, written, overwrite=True)
    log(f"wrote {', '.join(str(folder / name) for name in WRITTEN)}, and plots")
    return VideoEvaluation(rows)


def measure_clip(
    clip: Clip,
    models: Sequence[Contender],
    settings: EvaluateSettings,
    judge: score.PerceptualScore,
) -> tuple[list[VideoMeasured], list[list[tuple[str, np.ndarray]]]]:
    """Returns what the clip itself and each model measure on it, and strips of frames."""
    count = clip.count()
    if count < 2:
        raise expected(
            "clips of at least two frames", f"{clip.source}: {count}", "Leave it out."
        )
    places = np.linspace(0, count - 1, settings.judged_frames + 1)[1:]
    judged = {round(place) for place in places}
    shown = range(max(0, (count - STRIP) // 2), (count - STRIP) // 2 + STRIP)
    runners = [_Runner("the clip itself", None)]
    for model in models:
        runners.append(_Runner(model.name, model))
        if model.timed and settings.coherence:
            runners.append(
                _Runner(f"{model.name}, coherent", model, settings.coherence)
            )
    truths = [clip.find_truth(number) for number in range(count - 1)]
    is_true = any(truths)
    estimator, chain = MoveEstimator(), Chain()
    last: np.ndarray | None = None
    progress = tqdm.tqdm(clip.read(), clip.name, count, unit="frame", file=sys.stderr)
    for number, (name, rgb) in enumerate(progress):
        move: Move | None = None
        flat: np.ndarray | None = None
        if last is not None:
            flat = find_flat(last)
            estimated = None if is_true else estimator.estimate(last, rgb)
            move = truths[number - 1] if is_true else estimated
        long_move = chain.add(move) if last is not None else None
        last, plain = rgb, None
        for runner in runners:
            plain = runner.paint(Photo(name, f"{clip.source}: {name}", rgb), plain)
            picture = image_io.to_uint8(plain if runner.is_plain else runner.picture)
            runner.errors.add(number, picture, move, long_move, flat)
            if number in judged:
                runner.judge(judge, picture, rgb, number)
            if number in shown:
                runner.strip.append((f"{runner.name}, {name}", picture))
    flow = "true" if is_true else "estimated"
    rows = [runner.summarize(clip.name, flow) for runner in runners]
    return rows, [runner.strip for runner in runners]


class _Runner:
    """Paints a clip in one way, and gathers what is measured.

    Args:
        name: of the row.
        model: what paints; None for the clip itself.
        coherence: 0 for frame by frame; else the frame that is painted by itself comes
            from the row before, and only its time is added.
    """

    def __init__(self, name: str, model: Contender | None, coherence: float = 0.0):
        self.name, self._model = name, model
        self.is_plain = not coherence
        self.errors = WarpErrors()
        self.strip: list[tuple[str, np.ndarray]] = []
        self.picture: np.ndarray | None = None
        self._plain: np.ndarray | None = None
        self._scores: dict[str, list[tuple[int, float]]] = {name: [] for name in JUDGED}
        self._seconds: list[float] = []
        self._painter = None
        if coherence:
            self._painter = CoherentPainter(lambda rgb: self._plain, coherence)

    def paint(self, photo: Photo, plain: np.ndarray | None) -> np.ndarray:
        """Paints the next frame; returns what the model paints of it by itself.

        Args:
            photo: the frame.
            plain: what the row before returned.
        """
        started = time.perf_counter()
        if self._model is None:
            return photo.rgb
        if self._painter is None:
            drawn = self._model.draw(photo)
            if drawn.shape != photo.rgb.shape or not np.isfinite(drawn).all():
                raise expected(
                    f"finite pictures as large as the frames of {self.name}",
                    f"{drawn.shape[1]}x{drawn.shape[0]} of {photo.source}",
                    "Train or export the model again.",
                )
        else:
            assert plain is not None
            self._plain = drawn = plain
            self.picture = self._painter.paint(photo.rgb)
        self._seconds.append(time.perf_counter() - started)
        return drawn

    def judge(self, judge, picture, rgb, number) -> None:
        """Scores a frame, uint8."""
        terms = judge.terms(image_io.to_float(picture), rgb)
        for name in JUDGED:
            self._scores[name].append((number, terms[name]))

    def summarize(self, clip: str, flow: str) -> VideoMeasured:
        """Returns the row of a clip that has been painted."""
        errors = self.errors
        values = {
            "e_warp": errors.short.value,
            "e_warp_10": errors.long.value,
            "e_flat": errors.flat.value,
        }
        steps = {"e_warp": errors.short.steps, "e_warp_10": errors.long.steps}
        for name, scores in self._scores.items():
            steps[name] = scores
            values[name] = float(np.mean([value for _, value in scores]))
        timed = self._model is not None and self._model.timed
        # The first frame compiles or allocates.
        values["seconds"] = float(np.median(self._seconds[1:])) if timed else None
        return VideoMeasured(self.name, clip, flow, values, steps)
