"""What an evaluation compares: models, folders of finished pictures, and the baselines."""

import dataclasses
import hashlib
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from nst_tf.config.evaluate import EvaluateSettings
from nst_tf.config.optimize import OptimizeSettings
from nst_tf.config.perceptual import PerceptualSettings
from nst_tf.core import files
from nst_tf.core.errors import UserError, expected, first_line
from nst_tf.core.lists import split_name
from nst_tf.evaluation.check_models import find_pictures
from nst_tf.images import io as image_io, padding
from nst_tf.inference.open_model import load_model
from nst_tf.optimization import gatys
from nst_tf.optimization.loop import ImageOptimization

BASELINES = IDENTITY, STYLE_COPY = "identity", "copy of the style"


@dataclasses.dataclass(frozen=True)
class Photo:
    """A photo to be painted.

    Attributes:
        name: of its own among the photos; the file's, without suffix.
        source: its path, or "builtin:NAME".
        rgb: float32 [H, W, 3] in [0, 1].
    """

    name: str
    source: str
    rgb: np.ndarray


@dataclasses.dataclass(frozen=True)
class Contender:
    """One row of the table.

    Attributes:
        name: what it is called there.
        draw: photo -> float32 [H, W, 3] in [0, 1], of the photo's size.
        family: contenders of one family differ in their loss weights only, so that a
            curve can be laid through them.
        timed: whether `draw` paints, so that its time tells something.
    """

    name: str
    draw: Callable[[Photo], np.ndarray]
    family: str = ""
    timed: bool = False


def open_models(models: Sequence[str], style: np.ndarray) -> list[Contender]:
    """Opens what --models names.

    Args:
        models: PATH, NAME=PATH or NAME=PATH+PATH...; behind a path of several styles @
            and the number of one.
        style: float32 [h, w, 3], in which models of any style paint.

    Raises:
        UserError: neither a model nor a folder of pictures, or two of one name.
    """
    opened = []
    for model in models:
        name, paths = split_name(model)
        name = name or Path(model).name or model
        # A path may hold the sign itself.
        members = [paths] if Path(paths).exists() else paths.split("+")
        if not all(members):
            raise expected("NAME=PATH or PATH", model, "Check --models.")
        for member in members:
            own = name if len(members) == 1 else f"{name}: {Path(member).name}"
            opened.append(_open(member, own, name if len(members) > 1 else "", style))
    names = [*BASELINES, *(candidate.name for candidate in opened)]
    if twice := {name for name in names if names.count(name) > 1}:
        raise expected(
            "a name for each of --models",
            f"{', '.join(sorted(twice))} twice",
            "Use NAME=PATH.",
        )
    return opened


def make_identity() -> Contender:
    """The baseline that changes nothing."""
    return Contender(IDENTITY, lambda photo: photo.rgb)


def make_style_copy(style: np.ndarray) -> Contender:
    """The baseline that shows the style picture, [h, w, 3], mirrored on where a photo is larger."""

    def draw(photo):
        rows, columns = (
            padding.mirrored(side, stop)
            for side, stop in zip(style.shape[:2], photo.rgb.shape[:2])
        )
        return style[rows][:, columns]

    return Contender(STYLE_COPY, draw)


def make_gatys_baselines(
    settings: EvaluateSettings, style: image_io.Image
) -> list[Contender]:
    """The pictures of `nst_tf.optimize` after --gatys iterations of plain L-BFGS at
    full size from the photo.

    They are kept in a folder of --output whose name stands for the settings, and not
    painted again.
    """
    counts = settings.gatys_iterations
    if not counts:
        return []
    shared = {
        field.name: getattr(settings, field.name)
        for field in dataclasses.fields(PerceptualSettings)
    }
    picture = image_io.encode(style, "png")
    plan = OptimizeSettings(
        **shared,
        content="photo",
        style=("style.png",),
        output="picture.png",
        image_size=settings.image_size,
        scales=1,
        style_scale=max(style.size) / settings.image_size,
        iterations=max(counts),
        precondition=False,
    )
    digest = hashlib.sha256(picture + str(plan).encode()).hexdigest()[:12]
    folder = Path(settings.output) / f"gatys_{digest}"
    files.write_atomically(folder / "style.png", picture, overwrite=True)
    plan = dataclasses.replace(plan, style=(str(folder / "style.png"),))

    def drawing(count):
        def draw(photo):
            if not _snapshot(folder, count, photo).exists():
                _paint(
                    dataclasses.replace(plan, content=photo.source),
                    counts,
                    folder,
                    photo,
                )
            return image_io.read_image(_snapshot(folder, count, photo)).rgb

        return draw

    return [Contender(f"Gatys, {count} iterations", drawing(count)) for count in counts]


class _Snapshots(keras.callbacks.Callback):
    """Keeps the pictures after certain numbers of iterations."""

    def __init__(self, painting, counts):
        super().__init__()
        self._painting, self._counts, self.pictures = painting, counts, {}

    def on_train_batch_end(self, batch, logs=None):
        if batch + 1 in self._counts:
            self.pictures[batch + 1] = self._painting.picture


def _paint(settings, counts, folder, photo):
    task = gatys.Gatys(settings)
    with tempfile.TemporaryDirectory() as state:
        painting = ImageOptimization(
            task,
            task.open_optimizer,
            gatys.TERMS,
            Path(state) / "state.npz",
            float("inf"),
        )
        snapshots = _Snapshots(painting, counts)
        painted = painting.run([snapshots])
    if painted.interrupted:
        raise KeyboardInterrupt("finished pictures are kept")
    for count in counts:
        # It may have ended before, since nothing improved any more.
        picture = snapshots.pictures.get(count, painted.picture)
        image_io.write_image(
            _snapshot(folder, count, photo),
            task.finish_picture(picture),
            overwrite=True,
        )


def _snapshot(folder, count, photo):
    return folder / str(count) / f"{photo.name}.png"


def _open(path, name, family, style):
    own = None
    if found := re.fullmatch(r"(.+)@([^@]+)", path):
        if not Path(path).exists():
            path, own = found.groups()
    try:
        model = load_model(path)
        paint = model.prepare(own if model.styles else style)
    except UserError as error:
        drawn = {file.stem: file for file in find_pictures(Path(path))}
        if not drawn:
            raise expected(
                "a model, or a folder of pictures",
                f"{path} ({error})",
                "Check --models.",
            ) from error
        return Contender(name, _make_reader(path, drawn), family)
    return Contender(name, _name_errors(path, paint), family, timed=True)


def _name_errors(path, paint):
    """Returns a drawing function whose errors, of a file damaged inside, name the file."""

    def draw(photo):
        try:
            return paint(photo.rgb)
        except (RuntimeError, ValueError, tf.errors.OpError) as error:
            raise expected(
                f"{path} to draw {photo.source}",
                first_line(error).rstrip("."),
                "Export it again, or leave it out.",
            ) from error

    return draw


def _make_reader(path, drawn):
    def draw(photo):
        if photo.name not in drawn:
            raise expected(
                f"a picture named {photo.name} in {path}",
                "none",
                "Paint all photos, or narrow --content.",
            )
        rgb = image_io.read_image(drawn[photo.name]).rgb
        if rgb.shape != photo.rgb.shape:
            sizes = [f"{each.shape[1]}x{each.shape[0]}" for each in (photo.rgb, rgb)]
            raise expected(
                f"{drawn[photo.name]} at {sizes[0]}",
                sizes[1],
                "Paint the photos at --image_size, or change it.",
            )
        return rgb

    return draw
