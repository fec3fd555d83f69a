"""From settings to a painted picture with its run folder: method, optimizer, run, files."""

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nst_tf.config.optimize import OptimizeSettings
from nst_tf.core import files
from nst_tf.core.errors import expected
from nst_tf.data import style_images
from nst_tf.features import precision
from nst_tf.images import io as image_io
from nst_tf.optimization import gatys, memory_estimate
from nst_tf.optimization.loop import ImageOptimization, Result
from nst_tf.runs import callbacks, plots
from nst_tf.runs.folder import RunFolder, check_inputs, open_run

COMMAND = "nst_tf.optimize"


def optimize_image(
    output: str | os.PathLike[str],
    *,
    log: Callable[[str], None] = print,
    **settings: Any,
) -> image_io.Image:
    """Paints one picture by optimizing its pixels:
    `optimize_image("out.png", content="photo.jpg", style=("painting.jpg",))`.

    Args:
        output: the file to write.
        log: takes lines for the user.
        **settings: fields of `nst_tf.config.optimize.OptimizeSettings`; those left out
            have their defaults.

    Returns:
        The picture as it was written.

    Raises:
        UserError, KeyboardInterrupt: as `optimize`.
    """
    asked = OptimizeSettings.of({"output": os.fspath(output), **settings})
    if asked.paints_clip:
        raise expected(
            "a photo, and a picture to write",
            f"{asked.content} and {asked.output}",
            "Call optimize_clip of nst_tf.optimization.video.run.",
        )
    optimize(asked, log)
    return image_io.read_image(output)


def optimize(settings: OptimizeSettings, log: Callable[[str], None] = print) -> Result:
    """Paints what `settings` describe, writes the picture, and leaves the rest in the run folder.

    Args:
        settings: see `OptimizeSettings`.
        log: takes lines for the user.

    Raises:
        UserError: anything that the user can mend. After a number that is not finite,
            the last good picture has been written; where the objective ends higher than
            the first picture's, the last one.
        KeyboardInterrupt: after Ctrl-C or SIGTERM; the best picture so far has been
            written, and the run folder has the state to resume from.
    """
    output, folder = Path(settings.output), settings.find_run(vars(settings))
    image_io.format_of(output.suffix)
    check_targets(settings, RunFolder(Path(folder)))
    replaced = output.exists()
    settings, task = pose(settings, log)
    files.ensure_writable_folder(output.parent)
    run = open_run(settings, folder, command=COMMAND, flag="--run")
    painting = ImageOptimization(
        task, task.open_optimizer, gatys.TERMS, run.state, settings.checkpoint_minutes
    )
    restored = 0
    if settings.resume and (run.state.exists() or "iterations" in run.recorded):
        check_inputs(run, task.provenance)
        restored = painting.restore()
        log(f"continuing at iteration {restored}")
    else:
        if settings.resume:  # it was killed before it saved one
            log(f"begins at the first iteration: {run.path} has no state yet")
        run.note(**task.provenance)
    if task.extractor.note:
        log(task.extractor.note)
    listeners = [
        callbacks.ProgressBar("it"),
        callbacks.JsonLog(run.log, after=restored),
    ]
    if settings.preview_steps:
        listeners.append(
            callbacks.Previews(
                lambda step: _write(
                    task, painting, run.previews / f"step_{step:06d}.png", True
                ),
                settings.preview_steps,
            )
        )
    painted = painting.run(listeners)
    return _finish(settings, task, run, painted, log, replaced)


def pose(
    settings: OptimizeSettings,
    log: Callable[[str], None],
    photo: image_io.Image | None = None,
) -> tuple[OptimizeSettings, gatys.Gatys]:
    """Returns the settings with all that was left open, and the problem.

    Args:
        settings: of the painting.
        log: takes lines for the user.
        photo: as for `Gatys`.

    Raises:
        UserError: as `Gatys`, or there is not enough memory.
    """
    hashes = style_images.pin_urls(settings.style, settings.style_sha256)
    settings = dataclasses.replace(settings, style_sha256=hashes)
    settings = precision.resolve_precision(settings, log)
    task = gatys.Gatys(settings, photo)
    _ = task.open_optimizer(task.scales[0])  # raises, if its settings cannot be
    height, width = (side + 2 * settings.margin for side in task.size)
    needed = memory_estimate.peak_bytes(
        task.extractor, height, width, count_vectors(settings)
    )
    for size in task.style_sizes:
        needed = max(needed, memory_estimate.style_bytes(task.extractor, *size))
    memory_estimate.check_memory(
        needed,
        task.size,
        settings.max_memory * 1e9,
        texture=bool(settings.texture_size),
    )
    return settings, task


def check_targets(settings: OptimizeSettings, run: RunFolder) -> None:
    """Raises `UserError` if the picture or the run would take the place of something else.

    Args:
        settings: of the painting.
        run: its folder, which may hold a run, or not exist.
    """
    output = Path(settings.output)
    if run.command not in ("", COMMAND):
        raise expected(
            "a folder --run of nst_tf.optimize",
            f"{run.path}, which {run.command} made",
            "Choose another --run.",
        )
    if not output.exists():
        return
    if output.is_dir() and settings.paints_clip:
        return  # frames that lie in it are looked for when it is opened
    if output.is_dir():
        raise expected("a file as --output", f"{output}, a folder", "Choose another.")
    read = (settings.content, *settings.style, settings.init)
    for source in (*read, *settings.content_masks, *settings.style_masks):
        if os.path.exists(source) and os.path.samefile(source, output):
            raise expected(
                "an --output that is none of the pictures read",
                f"{output}, which is {source}",
                "Choose another --output.",
            )
    if settings.resume and not _has_written(run, output):
        raise expected(
            f"an --output that is new, or that the run in {run.path} has written",
            str(output),
            "Choose another --output.",
        )
    if not settings.overwrite and not settings.resume:
        raise expected(
            "an --output that does not exist yet",
            str(output),
            "Choose another, or add --overwrite.",
        )


def _has_written(run: RunFolder, output: Path) -> bool:
    recorded = run.recorded
    known = recorded.get("output_sha256")
    if known and known == files.sha256(output):
        return True
    own = (run.settings or {}).get("output")
    return isinstance(own, str) and os.path.realpath(own) == os.path.realpath(output)


def count_vectors(settings: OptimizeSettings) -> int:
    """Returns how many tensors of the picture's size the optimizer holds, copies in a
    step included.
    """
    if settings.optimizer != "lbfgs":
        return 12
    # The preconditioner's spectra and the tables of its bands: about 24 pictures,
    # measured as in `memory`.
    return 4 * settings.memory + 12 + 24 * settings.precondition


def name_remedy(settings: OptimizeSettings) -> str:
    """Returns what to lower where the objective rises or is not finite."""
    adam = settings.optimizer == "adam"
    return "lower --learning_rate or the weights" if adam else "lower the weights"


def _write(task, painting, path, overwrite):
    image_io.write_image(
        path, task.finish_picture(painting.picture), overwrite=overwrite
    )


def _finish(settings, task, run: RunFolder, painted: Result, log, replaced):
    image_io.write_image(
        settings.output,
        task.finish_picture(painted.picture),
        overwrite=replaced,
        quality=settings.quality,
    )
    run.note(output_sha256=files.sha256(settings.output))
    if run.log.read_text():
        files.write_atomically(
            run.loss_plot,
            plots.plot_losses(run.log, ("loss", *gatys.TERMS)),
            overwrite=True,
        )
    run.note(
        iterations=painted.iterations,
        evaluations=painted.evaluations,
        seconds=round(painted.seconds, 1),
        stopped_by=painted.reason,
        last_terms=painted.logs,
    )
    if painted.interrupted:
        raise KeyboardInterrupt(
            f"after iteration {painted.iterations}, the picture so far is {settings.output}, --resume "
            "continues"
        )
    lower = name_remedy(settings)
    if painted.failed:
        raise expected(
            "finite numbers",
            f"{painted.reason} after iteration {painted.iterations}",
            f"{settings.output} is the last good picture: {lower}.",
        )
    if painted.worse:
        began, ended = painted.worse
        raise expected(
            f"an objective below the first picture's, {began:.4g}",
            f"{ended:.4g} after {painted.iterations} iterations",
            f"{settings.output} is worse than where it began: {lower}.",
        )
    log(
        f"{painted.iterations} iterations, {painted.evaluations} evaluations in "
        f"{painted.seconds / 60:.1f} minutes; ended since {painted.reason}"
    )
    log(f"wrote {settings.output}")
    return painted
