"""Models x photos x one style -> table, numbers, plot and contact sheet."""

import dataclasses
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tqdm

from nst_tf.config.evaluate import EvaluateSettings
from nst_tf.core import files
from nst_tf.core.errors import UserError, expected
from nst_tf.core.results import CommandResult
from nst_tf.data import sample_photos, style_images
from nst_tf.evaluation import contenders, metrics, report, score
from nst_tf.evaluation.contenders import Contender, Photo
from nst_tf.evaluation.origin import describe_origin
from nst_tf.evaluation.report import Measured
from nst_tf.evaluation.videos.report import VideoMeasured
from nst_tf.evaluation.videos.run import VideoEvaluation, evaluate_videos
from nst_tf.features import extractors, precision
from nst_tf.images import contact_sheet, io as image_io
from nst_tf.losses.perceptual import LossWeights

WRITTEN = ("table.md", "numbers.json", "trade_off.png", "sheet.png")
FLAT_SIDE, FLAT_LEVELS = (
    256,
    (0.25, 0.5, 0.75),
)  # pixels and grays of pictures without any detail
CELL = 320  # pixels, on the contact sheet


def evaluate_models(
    models: Sequence[str],
    output: str | os.PathLike[str],
    *,
    log: Callable[[str], None] = print,
    **settings: Any,
) -> list[Measured] | list[VideoMeasured]:
    """Measures models on photos: `evaluate_models(["runs/starry"], "evaluation")`.

    Args:
        models: paths or names, as --models takes them.
        output: folder for table, numbers, plot and contact sheet.
        log: takes lines for the user.
        **settings: fields of `nst_tf.config.evaluate.EvaluateSettings`.

    Returns:
        What each model and baseline scored; with `videos`, on each clip.

    Raises:
        UserError: as `evaluate`.
    """
    values = {"models": tuple(models), "output": os.fspath(output), **settings}
    return evaluate(EvaluateSettings.of(values), log).rows


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What was measured, and what could not be.

    Attributes:
        rows: one a model or baseline.
        left_out: one line a photo that could not be read, or is too small.
    """

    rows: list[Measured]
    left_out: list[str]

    def summarize(self) -> CommandResult:
        """Returns the means of all metrics by model; status 1 if photos were left out."""
        models = {
            row.name: {metric: row.mean(metric) for metric in row.values}
            for row in self.rows
        }
        values = {"models": models, "left_out": self.left_out}
        return CommandResult(values, 1 if self.left_out else 0)


def evaluate(
    settings: EvaluateSettings, log: Callable[[str], None] = print
) -> Evaluation | VideoEvaluation:
    """Measures all models and baselines, and writes `WRITTEN` into --output.

    With --videos, `evaluate_videos` does it instead. Pictures are judged as they would be written: rounded to bytes.

    Args:
        settings: see `EvaluateSettings`.
        log: takes lines for the user.

    Raises:
        UserError: anything that the user can mend.
    """
    if settings.videos:
        return evaluate_videos(settings, log)
    folder = Path(settings.output)
    if not settings.overwrite and any((folder / name).exists() for name in WRITTEN):
        raise expected(
            "an --output without results",
            str(folder),
            "Choose another, or add --overwrite.",
        )
    weights = LossWeights.of(settings)
    data, digest = style_images.fetch_style(settings.style_image, settings.style_sha256)
    settings = dataclasses.replace(settings, style_sha256=digest)
    style = image_io.read_image(
        data, short_side=settings.style_size, max_pixels=settings.max_pixels
    )
    shown, left_out = read_photos(settings, log)
    judged = [
        contenders.make_identity(),
        contenders.make_style_copy(style.rgb),
        *contenders.open_models(settings.models, style.rgb),
    ]
    names = [contender.name for contender in judged]
    if settings.reference and settings.reference not in names:
        raise expected(
            f"--reference among {', '.join(names)}", settings.reference, "Choose one."
        )
    settings = precision.resolve_precision(settings, log)
    judge = score.PerceptualScore(
        extractors.open_extractor(settings, weights.layers), style, weights
    )
    files.ensure_writable_folder(folder)
    judged += contenders.make_gatys_baselines(settings, style)
    if settings.feature_network != "vgg19":
        log(
            f"judged by {settings.feature_network}: not comparable with what VGG19 says"
        )
    rows, drawn = [], {}
    with tqdm.tqdm(
        total=len(judged) * len(shown), unit="photo", file=sys.stderr
    ) as bar:
        for contender in judged:
            bar.set_postfix_str(contender.name)
            values, drawn[contender.name] = measure(
                contender, shown, judge, style.rgb, bar.update
            )
            rows.append(Measured(contender.name, contender.family, values))
    text = report.table(rows)
    if settings.reference:
        reference = rows[names.index(settings.reference)]
        text += "\n\n" + report.comparison(rows, reference)
    title = (
        f"{len(shown)} photos at {settings.image_size} pixels, style {settings.style_image} at "
        f"{settings.style_size}, judged by {settings.feature_network}"
    )
    log(f"{title}\n\n{text}")
    _write(
        folder,
        settings,
        title,
        text,
        rows,
        left_out,
        _sheet(style.rgb, shown, drawn, settings.sheet_photos),
    )
    log(f"wrote {', '.join(str(folder / name) for name in WRITTEN)}")
    return Evaluation(rows, left_out)


def read_photos(
    settings: EvaluateSettings, log: Callable[[str], None]
) -> tuple[list[Photo], list[str]]:
    """Reads the photos at --image_size; one that cannot be read is named and left out.

    Returns:
        The photos, and a line on each that was left out.

    Raises:
        UserError: there are none.
    """
    if settings.content == "builtin":
        sources = {name: sample_photos.BUILTIN + name for name in sample_photos.PHOTOS}
    else:
        paths = image_io.find_images(settings.content)
        stems = [path.stem for path in paths]
        sources = {
            path.stem
            if stems.count(path.stem) == 1
            else f"{path.parent.name}_{path.name}": str(path)
            for path in paths
        }
    read: list[Photo] = []
    left_out: list[str] = []
    for name, source in score.evenly(list(sources.items()), settings.photos):
        try:
            rgb = sample_photos.read_photo(
                source,
                long_side=settings.image_size,
                max_pixels=settings.max_pixels,
            ).rgb
        except UserError as error:
            left_out.append(str(error))
            continue
        if min(rgb.shape[:2]) < metrics.LEAST_SIDE:
            left_out.append(
                f"{source} would be {rgb.shape[1]}x{rgb.shape[0]}; at least "
                f"{metrics.LEAST_SIDE} pixels are needed"
            )
            continue
        read.append(Photo(name, source, rgb))
    for reason in left_out:
        log(f"error: left out: {reason}")
    if not read:
        raise expected("photos that can be read", settings.content, "Check --content.")
    return read, left_out


def measure(
    contender: Contender,
    shown: list[Photo],
    judge: score.PerceptualScore,
    style: np.ndarray,
    done: Callable[[], None] = lambda: None,
) -> tuple[dict[str, np.ndarray], list[np.ndarray]]:
    """Returns {metric: [photos]} of one contender, and its pictures, uint8.

    Args:
        contender: what draws.
        shown: the photos.
        judge: of the objective.
        style: float32 [h, w, 3], whose colors are compared.
        done: called after each photo.

    Raises:
        UserError: a picture that is not finite, or of another size than its photo.
    """
    values: dict[str, list[float]] = {}
    pictures = []
    if contender.timed:
        contender.draw(shown[0])  # the first call compiles or allocates
    for photo in shown:
        started = time.perf_counter()
        drawn = contender.draw(photo)
        seconds = time.perf_counter() - started
        if drawn.shape != photo.rgb.shape or not np.isfinite(drawn).all():
            raise expected(
                f"a finite picture as large as {photo.source} of {contender.name}",
                f"{drawn.shape[1]}x{drawn.shape[0]}, finite: {np.isfinite(drawn).all()}",
                "Train or export the model again.",
            )
        pictures.append(image_io.to_uint8(drawn))
        picture = image_io.to_float(pictures[-1])
        found = {
            **judge.terms(picture, photo.rgb),
            "ssim": metrics.ssim(picture, photo.rgb),
            "color_distance": metrics.color_distance(picture, style),
            "checkerboard": metrics.checkerboard_energy(picture),
            "mesh_ratio": metrics.mesh_ratio(picture),
            "border_ratio": metrics.border_ratio(picture),
            "saturated": metrics.saturated_share(picture),
        }
        if contender.timed:
            found["noise_gain"] = metrics.noise_gain(
                lambda rgb, photo=photo: contender.draw(
                    dataclasses.replace(photo, rgb=rgb)
                ),
                photo.rgb,
                drawn,
            )
            found["seconds_a_megapixel"] = seconds / (
                picture.shape[0] * picture.shape[1] / 1e6
            )
        for name, value in found.items():
            values.setdefault(name, []).append(value)
        done()
    if contender.timed:
        flats = [
            np.full((FLAT_SIDE, FLAT_SIDE, 3), level, np.float32)
            for level in FLAT_LEVELS
        ]
        values["checkerboard_flat"] = [
            metrics.checkerboard_energy(
                contender.draw(Photo("flat", "a flat picture", flat))
            )
            for flat in flats
        ]
    return {name: np.array(each) for name, each in values.items()}, pictures


def _sheet(style, shown, drawn, count):
    """The style, then a row for each photo: itself, and what the models made of it."""
    chosen = sorted(
        {round(i) for i in np.linspace(0, len(shown) - 1, min(count, len(shown)))}
    )
    painted = [name for name in drawn if name not in contenders.BASELINES]
    rows = [[("style", image_io.to_uint8(style))]]
    for i in chosen:
        rows.append(
            [
                (shown[i].name, image_io.to_uint8(shown[i].rgb)),
                *((name, drawn[name][i]) for name in painted),
            ]
        )
    return image_io.encode_rgb8(
        contact_sheet.make_contact_sheet(rows, cell=CELL), "png"
    )


def _write(folder, settings, title, text, rows, left_out, sheet):
    numbers = {
        "origin": describe_origin(),
        "judged": title,
        "settings": vars(settings),
        "left_out": left_out,
        "models": report.numbers(rows),
    }
    contents = (
        # Names of files may be no UTF-8.
        f"{title}\n\n{text}\n".encode(errors="backslashreplace"),
        json.dumps(numbers, indent=1).encode(),
        report.trade_off(rows),
        sheet,
    )
    for name, data in zip(WRITTEN, contents):
        files.write_atomically(folder / name, data, overwrite=True)
