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
            if not _has_pictures(path):
                raise


def _has_pictures(path: Path) -> bool:
    with contextlib.suppress(UserError):
        # What an unfinished run shows on the way is not what it was asked for.
        run = (path / "run.json").exists()
        return path.is_dir() and not run and bool(image_io.find_images(path))
    return False
