"""The card beside exported models: whether the files are still those that it describes."""

import json
from pathlib import Path

from nst_tf.core import files
from nst_tf.core.errors import expected

CARD = "model_card.json"
FOREIGN = " A SavedModel is a program (SECURITY.md): open only those that you trust."


def check(model: Path) -> None:
    """Compares an exported model with the card beside it, if there is one that lists it.

    `nst_tf.export` writes the card into the folder above "tflite" and "saved_model";
    copies may lie in one folder.

    Args:
        model: a file, or the folder of a SavedModel's version.

    Raises:
        UserError: a file is not the one that the card describes, or a card cannot be
            read.
    """
    model = model.absolute()
    for folder in list(model.parents)[:2]:
        card = folder / CARD
        if not card.is_file():
            continue
        for file, wanted in _read_hashes(card, model).items():
            found = (
                files.sha256(file) if file.is_file() else "none, since it is missing"
            )
            if found != wanted:
                raise expected(
                    f"{file} as {card} describes it, with the SHA-256 {wanted}",
                    found,
                    "It was damaged or replaced: export again, or take the card away if the file is meant to differ."
                    + FOREIGN * model.is_dir(),
                )
        return


def _read_hashes(card: Path, model: Path) -> dict[Path, str]:
    """{file: hash} of what a card says of a model; {} if it does not list it, or is
    another program's card.
    """
    try:
        content = json.loads(card.read_text())
        listed = content if isinstance(content, dict) else {}
        # Cards up to version 0.1.0 have the British spelling.
        entries = listed.get("artifacts", listed.get("artefacts", []))
        for entry in entries or []:
            place = card.parent / entry["file"]
            if model == place or model == card.parent / place.name and model.is_file():
                hashes = entry["sha256"]
                if not isinstance(hashes, dict):
                    return {model: hashes}
                # Files in a folder, or a file and what lies beside it.
                root = model if model.is_dir() else model.parent
                return {root / name: value for name, value in hashes.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise expected(
            f"a card that can be read beside {model}",
            f"{card} ({error})",
            "Export again, or take the card away.",
        ) from error
    return {}
