"""Stylises one photo, a folder or a glob; one bad photo does not stop the others."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import tqdm

from nst_tf import images
from nst_tf.artifacts import Artifact
from nst_tf.errors import UserError, expected


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of an album.

    Attributes:
        written: the files written.
        failed: one line for each photo that was not stylised.
    """

    written: tuple[Path, ...]
    failed: tuple[str, ...]


def stylize_album(
    artifact: Artifact,
    content: str,
    output: str,
    *,
    overwrite: bool = False,
    max_pixels: int = images.MAX_PIXELS,
    say: Callable[[str], None] = tqdm.tqdm.write,
) -> Outcome:
    """Stylises all photos that `content` stands for.

    Args:
        artifact: from `artifacts.open_artifact`.
        content: a file, a folder (with all below it) or a glob.
        output: a file name for one photo; otherwise a folder, in which the photos keep their names and
            folders (what cannot be written in its own format becomes .png).
        overwrite: whether files of the same name may be replaced.
        max_pixels: larger photos are refused.
        say: takes a line for each photo that failed.

    Returns:
        What was written and what failed.

    Raises:
        UserError: there are no photos, or several for one output file.
    """
    photos = images.find_images(content)
    written, failed = [], []
    targets = _targets(photos, Path(content), Path(output))
    for photo, target in tqdm.tqdm(list(zip(photos, targets)), unit="photo", disable=len(photos) == 1):
        try:
            if target.exists() and not overwrite:
                raise expected("an output file that does not exist", str(target),
                               "Use --overwrite, or another --output.")
            picture = images.read_picture(photo, max_pixels=max_pixels)
            drawn = images.Picture(_draw(artifact, picture.rgb, photo), picture.alpha)
            images.write_picture(target, drawn, overwrite=overwrite)
            written.append(target)
        except UserError as error:
            line = str(error) if str(photo) in str(error) else f"{photo}: {error}"
            failed.append(line)
            say(line)
    return Outcome(tuple(written), tuple(failed))


def _draw(artifact, rgb, photo):
    try:
        return artifact(rgb)
    except (MemoryError, RuntimeError, ValueError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise expected("a photo that fits into memory and the model", f"{photo} ({reason})",
                       "Use a smaller photo.") from error
    except Exception as error:
        # TensorFlow's own errors, named without importing it: a .tflite needs no TensorFlow.
        if type(error).__module__.startswith("tensorflow"):
            raise expected("a photo that fits into memory", f"{photo} ({type(error).__name__})",
                           "Use a smaller photo.") from error
        raise


def _targets(photos, content, output):
    if content.is_file() and output.suffix.lower() in images.IMAGE_SUFFIXES:
        return [output]
    if output.suffix.lower() in images.IMAGE_SUFFIXES and not output.is_dir():
        raise expected(f"a folder as --output for {len(photos)} photos", str(output),
                       "Leave out its suffix.")
    root = content if content.is_dir() else _common_folder(photos)
    targets = [output / photo.relative_to(root) for photo in photos]
    return [target.with_suffix(".png") if target.suffix.lower() == ".gif" else target
            for target in targets]


def _common_folder(photos):
    folder = photos[0].parent
    while not all(photo.is_relative_to(folder) for photo in photos):
        folder = folder.parent
    return folder
