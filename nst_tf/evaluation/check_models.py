"""Whether there is something at the paths of --models, before anything heavy is imported."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

from nst_tf.core.errors import UserError
from nst_tf.core.lists import split_name
from nst_tf.images import io as image_io
from nst_tf.inference.open_model import find_artifact


def check_models(models: Sequence[str]) -> None:
    """Refuses paths that exist, but are neither a model nor a folder of pictures.

    Args:
        models: as `contenders.open_models` takes them, which looks at the others.

    Raises:
        UserError: see above.
    """
    for model in models:
        path = Path(split_name(model)[1])
        if not path.name or not path.exists():
            continue
        try:
            find_artifact(path)
        except UserError:
            if not find_pictures(path):
                raise


def find_pictures(folder: Path) -> list[Path]:
    """Returns the files of a folder of pictures; [] if it is none."""
    # What an unfinished run shows on the way is not what it was asked for.
    if not folder.is_dir() or (folder / "run.json").exists():
        return []
    with contextlib.suppress(UserError):
        return image_io.find_images(folder)
    return []
