"""The command `nst models`: what can be painted with at once."""

from collections.abc import Callable

from nst_tf.inference.published import PublishedModel, published_models


def list_models(log: Callable[[str], None] = print) -> None:
    """Reports each published model: what it is, styles, files, licenses, a picture.

    Args:
        log: receives one line at a time.
    """
    for model in published_models().values():
        for line in describe(model):
            log(line)
    log("Paint with one: nst stylize --model=NAME --content=photo.jpg --output=out.jpg")


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
