"""Stylizes one photo, a folder or a glob; one bad photo does not stop the others."""

import contextlib
import dataclasses
import itertools
import os
import sys
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import tqdm

from nst_tf.config.folder import FolderSettings
from nst_tf.core.errors import UserError, expected, first_line
from nst_tf.images import io as image_io
from nst_tf.inference.model import Model, Paint, Style
from nst_tf.inference.open_model import load_model


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of the photos of a folder.

    Attributes:
        written: the files written.
        failed: one line for each photo that was not stylized.
    """

    written: tuple[Path, ...]
    failed: tuple[str, ...]


def stylize_folder(
    paint: Paint,
    content: str,
    output: str,
    *,
    overwrite: bool = False,
    max_pixels: int = image_io.MAX_PIXELS,
    concurrency: int = 1,
    log: Callable[[str], None] = tqdm.tqdm.write,
) -> Outcome:
    """Stylizes all photos that `content` stands for.

    Args:
        paint: from `Model.prepare`.
        content: a file, a folder (with all below it) or a glob. What lies in `output`
            is left out where that is a folder below the one that is searched.
        output: a file name for one photo; otherwise a folder, in which the photos keep
            their names and folders (what cannot be written in its own format becomes
            .png). A glob's folders are kept from its first wildcard on.
        overwrite: whether files of the same name may be replaced.
        max_pixels: larger photos are refused.
        concurrency: photos at once, each in a thread of its own; above 1 the model
            has to allow that.
        log: takes a line for each photo that failed.

    Returns:
        What was written and what failed.

    Raises:
        UserError: there are no photos, or several for one output file.
    """

    def paint_one(job: tuple[Path, Path]) -> Path | str:
        photo, target = job
        try:
            if target.exists() and not overwrite:
                raise expected(
                    "an output file that does not exist",
                    str(target),
                    "Use --overwrite, or another --output.",
                )
            picture = image_io.read_image(photo, max_pixels=max_pixels)
            drawn = image_io.Image(
                paint_photo(paint, picture.rgb, photo), picture.alpha
            )
            image_io.write_image(target, drawn, overwrite=overwrite)
        except UserError as error:
            line = " ".join(str(error).split())
            return line if str(photo) in line else f"{photo}: {line}"
        return target

    jobs = _plan_jobs(content, Path(output))
    written, failed = [], []
    with contextlib.closing(_map_in_threads(paint_one, jobs, concurrency)) as results:
        for result in tqdm.tqdm(
            results, total=len(jobs), unit="photo", disable=len(jobs) == 1
        ):
            if isinstance(result, Path):
                written.append(result)
            else:
                failed.append(result)
                log(result)
    return Outcome(tuple(written), tuple(failed))


def stylize_files(
    model: Model | str | os.PathLike[str],
    content: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    style: Style = None,
    strength: float = 1.0,
    preserve_color: str = "none",
    overwrite: bool = False,
    max_pixels: int = image_io.MAX_PIXELS,
) -> Outcome:
    """Stylizes photos with a model; one bad photo does not stop the others.

    Args:
        model: an opened model, or what `load_model` takes.
        content, output, overwrite, max_pixels: as for `stylize_folder`.
        style, strength, preserve_color: as for `Model.prepare`.

    Raises:
        UserError: as `load_model`, `Model.prepare` and `stylize_folder`.
    """
    opened = model if isinstance(model, Model) else load_model(model)
    return stylize_folder(
        opened.prepare(style, strength, preserve_color=preserve_color),
        os.fspath(content),
        os.fspath(output),
        overwrite=overwrite,
        max_pixels=max_pixels,
    )


def run_folder(paint: Paint, settings: FolderSettings, concurrency: int = 1) -> int:
    """Stylizes the photos of a command's settings, as `stylize_folder`; returns the exit status.

    Errors go to stderr as they come, the numbers of photos to stdout at the end.
    """
    outcome = stylize_folder(
        paint,
        settings.content,
        settings.output,
        overwrite=settings.overwrite,
        max_pixels=settings.max_pixels,
        concurrency=concurrency,
        log=lambda line: tqdm.tqdm.write(f"error: {line}", file=sys.stderr),
    )
    print(f"photos painted: {len(outcome.written)}, failed: {len(outcome.failed)}")
    return 1 if outcome.failed else 0


def _map_in_threads(
    function: Callable[[Any], Any], items: Sequence[Any], concurrency: int
) -> Generator[Any, None, None]:
    """Yields function(item) in the order of the items."""
    if concurrency == 1:
        yield from map(function, items)
        return
    pool = ThreadPoolExecutor(concurrency)
    try:
        yield from pool.map(function, items)
    finally:
        # After Ctrl-C nothing new begins, and the caller can end what is under way.
        pool.shutdown(wait=False, cancel_futures=True)


def paint_photo(paint: Paint, rgb: np.ndarray, photo: Path | str) -> np.ndarray:
    """Paints one photo; what the model cannot do is a `UserError` that names it."""
    try:
        drawn = paint(rgb)
    except (MemoryError, RuntimeError, ValueError) as error:
        reason = first_line(error)
        raise expected(
            "a photo that fits into memory and the model",
            f"{photo} ({reason})",
            "Use a smaller photo.",
        ) from error
    except Exception as error:
        # TensorFlow's own errors, named without importing it: a .tflite needs no
        # TensorFlow.
        if type(error).__module__.startswith("tensorflow"):
            raise expected(
                "a photo that fits into memory",
                f"{photo} ({type(error).__name__})",
                "Use a smaller photo.",
            ) from error
        raise
    if not np.isfinite(drawn).all():
        raise expected(
            "a model that draws finite colors",
            f"NaN or infinity for {photo}",
            "Export or train the model again.",
        )
    return drawn


def _plan_jobs(content: str, output: Path) -> list[tuple[Path, Path]]:
    """Returns (photo, file to write) pairs.

    Raises:
        UserError: there are no photos, or several for one output file.
    """
    photos, root = image_io.find_images(content), _find_root(content)
    if len(photos) == 1 and _names_image(output) and not output.is_dir():
        return [(photos[0], output)]
    # Results of an earlier run are no photos of the folder.
    inside = output.resolve()
    if root.resolve() in inside.parents:
        photos = [photo for photo in photos if inside not in photo.resolve().parents]
    if not photos:
        raise expected(
            "photos", f"{content} (all lie in --output={output})", "Check --content."
        )
    if _names_image(output) and not output.is_dir():
        raise expected(
            f"a folder as --output for {len(photos)} photos",
            str(output),
            "Leave out its suffix.",
        )
    jobs = [
        (photo, output / _make_writable(photo.relative_to(root))) for photo in photos
    ]
    _check_distinct(jobs)
    return jobs


def _find_root(content: str) -> Path:
    """Returns the folder from which on the photos' folders are kept."""
    path = Path(content)
    if path.is_file():
        return path.parent
    if path.is_dir():
        return path
    return Path(
        *itertools.takewhile(lambda part: not set(part) & set("*?["), path.parts)
    )


def _names_image(path: Path) -> bool:
    return path.suffix.lower() in image_io.IMAGE_SUFFIXES


def _make_writable(path: Path) -> Path:
    # A photo that was named itself may have any suffix.
    writable = _names_image(path) and path.suffix.lower() != ".gif"
    return path if writable else path.with_suffix(".png")


def _check_distinct(jobs: Sequence[tuple[Path, Path]]) -> None:
    sources: dict[Path, Path] = {}
    for photo, target in jobs:
        if target in sources:
            raise expected(
                "photos with an output file each",
                f"{sources[target]} and {photo}, which would both become {target}",
                "Rename one of them.",
            )
        sources[target] = photo
