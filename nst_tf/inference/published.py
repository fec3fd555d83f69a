"""The models that come with this package: in exported_models of a clone, inside a wheel."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nst_tf
from nst_tf.core.errors import expected
from nst_tf.inference.check_card import CARD

# Names of earlier versions.
ALIASES = {"adain": "any_style"}
PACKAGE = Path(nst_tf.__file__).parent
# A wheel carries its models; a clone has them beside the package.
FOLDERS = (PACKAGE / "assets" / "models", PACKAGE.parent / "exported_models")


@dataclasses.dataclass(frozen=True)
class PublishedModel:
    """A model that comes with the package.

    Attributes:
        name: what `--model` and `load_model` take.
        folder: its card and files.
        card: what `model_card.json` says of it.
        files: its .tflite files in 8 bits; two for a model of any style.
        picture: photographs that it has stylized, or None.
    """

    name: str
    folder: Path
    card: dict[str, Any]
    files: tuple[Path, ...]
    picture: Path | None

    @property
    def what(self) -> str:
        """What it does, in a few words."""
        return str(self.card.get("what", ""))

    @property
    def styles(self) -> tuple[str, ...]:
        """Names of its own styles; () for a model of any style."""
        return tuple(self.card.get("styles", ()))

    @property
    def licenses(self) -> dict[str, str]:
        """{what it consists of or was trained on: its license}."""
        return dict(self.card.get("licenses", {}))

    @property
    def bytes(self) -> int:
        """Size of its files."""
        return sum(file.stat().st_size for file in self.files)


def published_models() -> dict[str, PublishedModel]:
    """Returns the models that come with this package by name.

    Raises:
        UserError: a card cannot be read.
    """
    for root in FOLDERS:
        cards = sorted(root.glob(f"*/{CARD}"))
        if cards:
            models = [_read(card) for card in cards]
            return {model.name: model for model in models if model.files}
    return {}


def find_published(name: str) -> Path | None:
    """Returns a file by which a published model is opened, or None if there is no such model.

    It is the .tflite in 8 bits, in a clone and in a wheel alike, so that one name paints
    alike everywhere; of a pair it is the half that paints.
    """
    model = find_model(name)
    return model.files[-1] if model else None


def find_model(name: str) -> PublishedModel | None:
    """Returns the published model of a name or of an alias, or None."""
    return published_models().get(ALIASES.get(name, name))


def _read(path: Path) -> PublishedModel:
    folder = path.parent
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise expected(
            "a card that can be read", f"{path} ({error})", "Install nst_tf again."
        ) from error
    picture = folder.parent / "pictures" / f"{folder.name}.jpg"
    return PublishedModel(
        name=folder.name,
        folder=folder,
        card=card,
        # Sorted: NAME_style_int8 comes before NAME_transform_int8.
        files=tuple(sorted(folder.glob("tflite/*_int8.tflite"))),
        picture=picture if picture.is_file() else None,
    )


def list_models(log: Callable[[str], None] = print) -> None:
    """Reports each published model: what it is, styles, files, licenses, a picture.

    Args:
        log: receives one line at a time.
    """
    for model in published_models().values():
        for line in describe(model):
            log(line)
    log("Paint with one: nst stylize --model=NAME --content=photo.jpg --output=out.jpg")


def summarize_models() -> dict[str, dict[str, Any]]:
    """Returns {name: what each model is, its styles, files, bytes and licenses}."""
    return {
        name: {
            "what": model.what,
            "styles": model.styles,
            "files": model.files,
            "bytes": model.bytes,
            "picture": model.picture,
            "licenses": model.licenses,
        }
        for name, model in published_models().items()
    }


def describe(model: PublishedModel) -> list[str]:
    """Returns the lines that `list_models` has for a model."""
    lines = [f"{model.name}: {model.what}, {model.bytes / 1e6:.2f} MB"]
    for number, style in enumerate(model.styles):
        lines.append(f"  style {number}: {style}")
    for file in model.files:
        lines.append(f"  file: {file}")
    if model.picture:
        lines.append(f"  picture: {model.picture}")
    for what, license in model.licenses.items():
        lines.append(f"  license of {what}: {license}")
    return lines
