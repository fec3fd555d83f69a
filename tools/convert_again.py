"""Converts published models anew, with the weights that they have.

Example: python -m tools.convert_again starry_night adain

The network is built from the settings in a model's card and takes the weights of its
SavedModel. What the card says of the training stays; what it says of the files is
measured again.
"""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from nst_tf.config.train import AnyStyleSettings, TrainSettings
from nst_tf.core import files
from nst_tf.exporters import export_network, model_card
from nst_tf.inference.check_card import CARD
from nst_tf.models import transform_net
from nst_tf.models.style_network import StyleNetwork
from nst_tf.training.methods import any_style

FOLDER = Path(__file__).parents[1] / "exported_models"
FORMATS = ("saved_model", "tflite")


def main() -> None:
    for name in sys.argv[1:]:
        convert_again(FOLDER / name)


def convert_again(folder: Path) -> None:
    """Replaces the SavedModel, the files and the card of a published model."""
    card = json.loads((folder / CARD).read_text())
    network = restore_network(folder, card)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        artifacts, refused = export_network.export_formats(
            FORMATS, network, Path(scratch), folder.name, print
        )
        if refused:
            raise RuntimeError(f"Expected both formats. Received: {refused}.")
        chosen = [
            artifact
            for artifact in artifacts
            if (folder / artifact.path.relative_to(scratch)).exists()
        ]
        new = model_card.make_card(Path(scratch), chosen, card["run"])
        for artifact in chosen:
            place(artifact.path, folder / artifact.path.relative_to(scratch))
    for key in ("exported_with", "artifacts"):
        card[key] = new[key]
    text = json.dumps(card, indent=2)
    files.write_atomically(folder / CARD, text.encode(), overwrite=True)


def restore_network(folder: Path, card: dict) -> StyleNetwork:
    """Returns the network of a published model.

    Raises:
        RuntimeError: the card describes a network of other weights.
    """
    recorded = card["run"]["settings"]
    settings = TrainSettings.of({**recorded, "resume": True, "overwrite": False})
    if isinstance(settings, AnyStyleSettings):
        network, _ = any_style.build_network(settings)
    else:
        network = transform_net.transform_net(
            transform_net.TransformNetConfig(
                settings.width,
                settings.residual_blocks,
                settings.padding,
                settings.block,
                settings.edge_size,
                styles=len(card["styles"]),
                strength=settings.strength,
            )
        )
    network = export_network.cast_to_float32(network)
    stored = tf.saved_model.load(str(folder / "saved_model" / "1")).parameters
    shapes = [
        [tuple(each.shape) for each in some] for some in (stored, network.weights)
    ]
    if shapes[0] != shapes[1]:
        raise RuntimeError(f"Expected weights of {shapes[1]}. Received: {shapes[0]}.")
    network.set_weights([np.asarray(each) for each in stored])
    return network


def place(source: Path, target: Path) -> None:
    if source.is_file():
        files.write_atomically(target, source.read_bytes(), overwrite=True)
        return
    with files.replace_folder(target) as scratch:
        for file in source.rglob("*"):
            if file.is_file():
                data = file.read_bytes()
                files.write_atomically(scratch / file.relative_to(source), data)


if __name__ == "__main__":
    main()
