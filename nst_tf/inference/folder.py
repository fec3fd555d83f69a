"""Stylizes one photo, a folder or a glob; one bad photo does not stop the others."""

import contextlib
import dataclasses
import itertools
import os
import sys
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import tqdm

from nst_tf.config.painting.folder import FolderSettings, is_folder
from nst_tf.core.errors import UserError, expected
from nst_tf.core.interrupts import interrupt_on_terminate
from nst_tf.core.results import CommandResult
from nst_tf.images import codecs, io as image_io
from nst_tf.inference.model import Model, Paint, Style
from nst_tf.inference.open_model import load_model
from nst_tf.inference.tiles.photo import (
    RowOptions,
    explain_failures,
    is_larger_than_memory,
    stylize_in_rows,
)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of the photos of a folder.

    Attributes:
        written: the files written.
        failed: one line for each photo that was not stylized, or for those that would
            become one file.
        skipped: files that were there already, with `skip_existing`.
    """

    written: tuple[Path, ...]
    failed: tuple[str, ...]
    skipped: tuple[Path, ...] = ()


def stylize_folder(
    paint: Paint,
    content: str,
    output: str,
    *,
    overwrite: bool = False,
    skip_existing: bool = False,
    image_size: int = 0,
    max_pixels: int = image_io.MAX_PIXELS,
    quality: int = 95,
    strip_metadata: bool = False,
    concurrency: int = 1,
    keep: Sequence[str] = (),
    log: Callable[[str], None] = tqdm.tqdm.write,
) -> Outcome:
    """Stylizes all photos that `content` stands for.

    Args:
        paint: from `Model.prepare`.
        content: a file, a folder (with all below it) or a glob. What lies in `output`
            is left out where that is a folder below the one that is searched.
        output: a file name for one photo; otherwise a folder, in which the photos keep
            their names and folders (what cannot be written in its own format becomes
            .png). A glob's folders are kept from its first wildcard on. See
            `nst_tf.config.painting.folder.is_folder` for which of both it is.
        overwrite: whether files of the same name may be replaced; photos never are.
        skip_existing: whether photos whose files are there are passed over.
        image_size: long side in pixels to which larger photos are shrunk; 0 for none.
        max_pixels: larger photos are refused.
        quality: of JPEG, WebP and AVIF files, 1 to 100.
        strip_metadata: whether EXIF, XMP and resolution of the photo are left out.
        concurrency: photos at once, each in a thread of its own; above 1 the model
            has to allow that.
        keep: more files that are never replaced, such as pictures of styles.
        log: takes a line for each photo that failed.

    Returns:
        What was written and what failed.

    Raises:
        UserError: there are no photos, several for one output file, or none that may
            be written where it would be.
        KeyboardInterrupt: after Ctrl-C or SIGTERM; what is written is whole.
    """

    def paint_one(job: tuple[Path, Path]) -> Path | str | None:
        photo, target = job
        try:
            if target.exists() and skip_existing:
                return None
            if target.exists() and not overwrite:
                raise expected(
                    "an output file that does not exist",
                    str(target),
                    "Use --overwrite, --skip_existing, or another --output.",
                )
            if not image_size and is_larger_than_memory(paint, photo, max_pixels):
                options = RowOptions(max_pixels, overwrite, quality, strip_metadata)
                stylize_in_rows(paint, photo, target, options)
                return target
            drawn = stylize_photo(paint, photo, image_size, max_pixels, strip_metadata)
            image_io.write_image(target, drawn, overwrite=overwrite, quality=quality)
        except UserError as error:
            line = " ".join(str(error).split())
            return line if str(photo) in line else f"{photo}: {line}"
        return target

    jobs, failed = _plan_jobs(content, output, keep)
    for line in failed:
        log(line)
    written, skipped = [], []
    with (
        interrupt_on_terminate(),
        contextlib.closing(_map_in_threads(paint_one, jobs, concurrency)) as results,
    ):
        try:
            for (_, target), result in tqdm.tqdm(
                zip(jobs, results),
                total=len(jobs),
                unit="photo",
                disable=len(jobs) == 1,
            ):
                if result is None:
                    skipped.append(target)
                elif isinstance(result, Path):
                    written.append(result)
                else:
                    failed.append(result)
                    log(result)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"{len(written)} photos painted, which stay; the same command with "
                "--skip_existing goes on"
            ) from None
    return Outcome(tuple(written), tuple(failed), tuple(skipped))


def stylize_files(
    model: Model | str | os.PathLike[str],
    content: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    style: Style = None,
    strength: float = 1.0,
    preserve_color: str = "none",
    **options: Any,
) -> Outcome:
    """Stylizes photos with a model; one bad photo does not stop the others.

    Args:
        model: an opened model, or what `load_model` takes.
        content, output: as for `stylize_folder`.
        style, strength, preserve_color: as for `Model.prepare`.
        **options: others of `stylize_folder`, such as overwrite.

    Raises:
        UserError: as `load_model`, `Model.prepare` and `stylize_folder`.
    """
    opened = model if isinstance(model, Model) else load_model(model)
    return stylize_folder(
        opened.prepare(style, strength, preserve_color=preserve_color),
        os.fspath(content),
        os.fspath(output),
        **options,
    )


def run_folder(
    paint: Paint,
    settings: FolderSettings,
    concurrency: int = 1,
    keep: Sequence[str] = (),
) -> CommandResult:
    """Stylizes the photos of a command's settings, as `stylize_folder`.

    Errors go to stderr as they come, the numbers of photos to stdout at the end.
    """
    outcome = stylize_folder(
        paint,
        settings.content,
        settings.output,
        overwrite=settings.overwrite,
        skip_existing=settings.skip_existing,
        image_size=settings.reading_size,
        max_pixels=settings.max_pixels,
        quality=settings.quality,
        strip_metadata=settings.strip_metadata,
        concurrency=concurrency,
        keep=keep,
        log=lambda line: tqdm.tqdm.write(f"error: {line}", file=sys.stderr),
    )
    skipped = f", skipped: {len(outcome.skipped)}" if settings.skip_existing else ""
    print(
        f"photos painted: {len(outcome.written)}{skipped}, failed: {len(outcome.failed)}"
    )
    return CommandResult(dataclasses.asdict(outcome), 1 if outcome.failed else 0)


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
    with explain_failures(photo):
        drawn = paint(rgb)
    if not np.isfinite(drawn).all():
        raise expected(
            "a model that draws finite colors",
            f"NaN or infinity for {photo}",
            "Export or train the model again.",
        )
    return drawn


def stylize_photo(
    paint: Paint,
    photo: Path | codecs.NamedBytes,
    image_size: int,
    max_pixels: int,
    strip_metadata: bool,
) -> image_io.Image:
    """Reads and paints one photo; alpha and, unless stripped, metadata are the photo's.

    Args:
        paint: from `Model.prepare`.
        photo: its path, or its bytes.
        image_size, max_pixels, strip_metadata: as for `stylize_folder`.

    Raises:
        UserError: it cannot be read, or the model cannot paint it.
    """
    picture = read_photo(photo, image_size, max_pixels)
    return dataclasses.replace(
        picture,
        rgb=paint_photo(paint, picture.rgb, codecs.source_name(photo)),
        metadata=None if strip_metadata else picture.metadata,
    )


def read_photo(
    photo: Path | codecs.NamedBytes, image_size: int, max_pixels: int
) -> image_io.Image:
    """Reads a photo, shrunk to a long side of `image_size` if that is above 0 and it is larger."""
    # Read at that size at once where it surely is larger: a JPEG is decoded faster so.
    pixels = codecs.pixels_of(photo)
    if not image_size or pixels <= image_size**2:
        picture = image_io.read_image(photo, max_pixels=max_pixels)
        if not image_size or max(picture.size) <= image_size:
            return picture
    return image_io.read_image(photo, long_side=image_size, max_pixels=max_pixels)


def _plan_jobs(
    content: str, output: str, keep: Sequence[str]
) -> tuple[list[tuple[Path, Path]], list[str]]:
    """Returns (photo, file to write) pairs, and a line for each file that cannot be written.

    Raises:
        UserError: there are no photos, several for one output file, or no file that can
            be written.
    """
    photos, root, place = (
        image_io.find_images(content),
        _find_root(content),
        Path(output),
    )
    if not os.path.isfile(content):
        photos = _leave_out_results(photos, root, place)
    if not photos:
        raise expected(
            "photos", f"{content} (all lie in --output={output})", "Check --content."
        )
    sources: dict[Path, list[Path]] = {}
    if is_folder(output):
        for photo in photos:
            relative = photo.relative_to(root)
            if ".." in relative.parts:
                raise expected(
                    "--content without .. after its first * or ?",
                    content,
                    "Name the folder itself.",
                )
            sources.setdefault(place / make_writable(relative), []).append(photo)
    elif len(photos) == 1:
        sources[place] = photos
    else:
        raise expected(
            f"a folder as --output for {len(photos)} photos",
            output,
            "Leave out its suffix, or end it in /.",
        )
    originals: list[str | Path] = [*photos, *keep]
    kept = set(map(identify, originals)) - {None}
    jobs, errors = [], []
    for target, claims in sources.items():
        if len(claims) > 1:
            names = " and ".join(map(str, claims))
            error = expected(
                "photos with an output file each",
                f"{names}, which would both become {target}",
                "Rename one of them.",
            )
        elif identify(target) in kept:
            error = refuse_original(f"{target} for {claims[0]}")
        else:
            jobs.append((claims[0], target))
            continue
        errors.append(error)
    if not jobs:
        raise errors[0]
    return jobs, [str(error) for error in errors]


def _leave_out_results(photos: Sequence[Path], root: Path, output: Path) -> list[Path]:
    """Returns the photos without those in `output`, which an earlier run wrote there."""
    inside, searched = output.resolve(), root.resolve()
    if inside in (searched, *searched.parents):
        return list(photos)
    return [
        photo
        for photo in photos
        if inside not in (real := photo.resolve(), *real.parents)
    ]


def refuse_original(received: str) -> UserError:
    """Returns the error for an output that would take the place of an original."""
    return expected(
        "an output that is not one of the pictures painted from",
        received,
        "Choose another --output: originals are never replaced.",
    )


def identify(path: str | Path) -> tuple[int, int] | None:
    """Returns what a file is by whatever name or link; None if there is none."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


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


def make_writable(path: PurePath) -> PurePath:
    """Returns a photo's path with a suffix in which pictures can be written."""
    try:
        image_io.format_of(path.suffix)
    except UserError:  # such as a GIF, or a photo that was named itself
        return path.with_suffix(".png")
    return path
