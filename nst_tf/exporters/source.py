"""What can be exported: a trained network, or the SavedModel of an earlier export.

A SavedModel has all weights in full, and the card beside it says how the network is
built: so it is built again, and every format can be made of it. A .tflite in 8 bits has
rounded weights, so there is no way back from it.
"""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nst_tf.config.registries import EXPORTERS
from nst_tf.config.train import AnyStyleSettings, TrainSettings
from nst_tf.core.errors import UserError, expected, first_line
from nst_tf.inference import check_card, open_model
from nst_tf.inference.published import find_model
from nst_tf.inference.style_names import label_styles
from nst_tf.runs.folder import RunFolder

if TYPE_CHECKING:
    from nst_tf.models.style_network import StyleNetwork

KINDS = "a run folder, a .keras file, a SavedModel or a published model's name"
# What an export says anew; all else of a card goes into the cards of its exports.
OWN_KEYS = ("name", "ranges", "styles", "exported_with", "run", "artifacts")
VIEWS = 3  # pictures by which a network that was built again is compared


@dataclasses.dataclass(frozen=True)
class Source:
    """A network that can be exported.

    Attributes:
        path: a .keras file, or the folder of a SavedModel.
        name: what it is called beside others.
        recorded: what its run says, see `RunFolder.recorded`; {} if it is not known.
        card: of a SavedModel; {} for others.
    """

    path: Path
    name: str
    recorded: dict[str, Any]
    card: dict[str, Any]

    @property
    def style_image(self) -> str:
        """The run's setting."""
        return str(self.recorded.get("settings", {}).get("style_image", ""))

    @property
    def inherited(self) -> dict[str, Any]:
        """What its card says that is as true of its exports: licenses, data ..."""
        return {key: self.card[key] for key in self.card if key not in OWN_KEYS}

    def label_styles(self, count: int) -> list[str]:
        """Returns the names of its `count` own styles; [] for a network of any style."""
        named = [str(name) for name in self.card.get("styles", ())]
        if len(named) == count:
            return named
        return label_styles(self.style_image, count)


def find_source(model: str | os.PathLike[str]) -> Source:
    """Returns what is to be exported; it opens nothing and imports no TensorFlow.

    Args:
        model: a run folder, a .keras file, a SavedModel (its folder, that of its versions,
            or that of its exports), or a published model's name.

    Raises:
        UserError: there is none, or only one whose weights are rounded.
    """
    path = Path(model)
    if not path.exists() and (published := find_model(os.fspath(model))):
        path = published.folder
    if open_model.keras_file(path):
        file = open_model.find_artifact(path)
        name = path.stem if path.is_file() else path.resolve().name
        return Source(file, name, RunFolder(path).recorded, {})
    folder = open_model.saved_model_folder(path)
    if folder is None:
        if path.suffix == ".tflite" or list(path.glob("tflite/*.tflite")):
            raise expected(
                f"a model with all digits of its weights: {KINDS}",
                f"{path}, a .tflite, which has rounded ones",
                "Give the SavedModel that was exported beside it; published models have theirs in a clone.",
            )
        raise open_model.nothing(path, KINDS)
    check_card.check(folder)
    file = _find_card(folder)
    card = json.loads(file.read_text())
    if not isinstance(card.get("run", {}).get("settings"), dict):
        raise _lack_card(folder)
    return Source(folder, file.parent.resolve().name, card["run"], card)


def open_source(source: Source) -> StyleNetwork:
    """Opens the network itself, in float32 if it comes from a SavedModel.

    Raises:
        UserError: a damaged file, or a SavedModel that does not draw what its card
            describes.
    """
    if source.path.is_dir():
        with open_model.opening(source.path):
            return _restore(source)
    return open_model.open_network(source.path)


def _find_card(folder: Path) -> Path:
    """The card beside a SavedModel, which lies in FOLDER/saved_model/1."""
    for above in list(folder.absolute().parents)[:2]:
        if (above / check_card.CARD).is_file():
            return above / check_card.CARD
    raise _lack_card(folder)


def _lack_card(folder: Path) -> UserError:
    return expected(
        f"{check_card.CARD} beside the SavedModel, which says how its network is built",
        f"{folder} without one that does",
        "Export from its run folder, or put the card of its export back.",
    )


def _restore(source: Source) -> StyleNetwork:
    """Builds the network that a card describes, and gives it a SavedModel's weights."""
    import tensorflow as tf

    from nst_tf.exporters import export_network, parity

    network = export_network.cast_to_float32(_build(source))
    reader = tf.train.load_checkpoint(str(source.path / "variables" / "variables"))
    shapes = reader.get_variable_to_shape_map()
    names = [
        f"parameters/{number}/.ATTRIBUTES/VARIABLE_VALUE"
        for number in range(len(network.weights))
    ]
    fits = len(shapes) == len(names) + 1 and all(  # the other one is its table of names
        shapes.get(name) == list(weight.shape)
        for name, weight in zip(names, network.weights)
    )
    if not fits:
        raise _differ(source.path, "other weights than the card describes")
    network.set_weights([reader.get_tensor(name) for name in names])
    exporter = EXPORTERS["saved_model"]()
    references = parity.draw_references(network, numbers=range(VIEWS))
    try:
        draw = exporter.open(source.path)
        parity.compare(references, draw, source.path, exporter.at_least)
    except RuntimeError as error:
        raise _differ(source.path, first_line(error)) from error
    return network


def _differ(path: Path, received: str) -> UserError:
    return expected(
        f"{path} to draw what the network of its card draws",
        received,
        "Export from its run folder.",
    )


def _build(source: Source) -> StyleNetwork:
    """The network of the card's settings, with other weights."""
    from nst_tf.data import known_pictures
    from nst_tf.models import build_network, transform_net

    # What says how to train counts no more: whether it resumed, where it wrote.
    values = {**source.recorded["settings"], "resume": True, "overwrite": False}
    settings = TrainSettings.of(values, drop_unused=True, log=lambda line: None)
    if isinstance(settings, AnyStyleSettings):
        pictures = (
            known_pictures.read_known_photos(),
            known_pictures.read_known_styles(),
        )
        return build_network.build_any_style_net(settings, *pictures)[0]
    shape = build_network.describe_shape(
        settings, styles=len(source.card["styles"]), strength=settings.strength
    )
    return transform_net.transform_net(shape)
