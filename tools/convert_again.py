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

from nst_tf.core import files
from nst_tf.exporters import export_network, model_card
from nst_tf.exporters.source import find_source, open_source
from nst_tf.inference.check_card import CARD

FOLDER = Path(__file__).parents[1] / "exported_models"
FORMATS = ("saved_model", "tflite")


def main() -> None:
    for name in sys.argv[1:]:
        convert_again(FOLDER / name)


def convert_again(folder: Path) -> None:
    """Replaces the SavedModel, the files and the card of a published model."""
    card = json.loads((folder / CARD).read_text())
    network = open_source(find_source(folder))
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
