"""From settings to a painted picture with its run folder: method, optimizer, run, files."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nst_tf.config.optimize import OptimizeSettings
from nst_tf.core import files
from nst_tf.core.errors import UserError, expected
from nst_tf.features import precision
from nst_tf.images import io as image_io
from nst_tf.optimization import gatys, memory_estimate
from nst_tf.optimization.loop import ImageOptimization, Result
from nst_tf.runs import callbacks, plots
from nst_tf.runs.folder import RunFolder, open_run


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
    values = {"output": os.fspath(output), **settings}
    optimize(OptimizeSettings.of(values), log)
    return image_io.read_image(output)


def optimize(settings: OptimizeSettings, log: Callable[[str], None] = print) -> Result:
    """Paints what `settings` describe, writes the picture, and leaves the rest in the run folder.

    Args:
        settings: see `OptimizeSettings`.
        log: takes lines for the user.

    Raises:
        UserError: anything that the user can mend. After a number that is not finite,
            the last good picture has been written.
        KeyboardInterrupt: after Ctrl-C or SIGTERM; the best picture so far has been
            written, and the run folder has the state to resume from.
    """
    output = Path(settings.output)
    image_io.format_of(output.suffix)
    if output.exists() and not (settings.overwrite or settings.resume):
        raise expected(
            "an --output that does not exist yet",
            str(output),
            "Choose another, or add --overwrite.",
        )
    settings = precision.resolve_precision(settings, log)
    task = gatys.Gatys(settings)
    _ = task.open_optimizer(task.scales[0])  # raises, if its settings cannot be
    height, width = (side + 2 * settings.margin for side in task.size)
    memory_estimate.check_memory(
        memory_estimate.peak_bytes(
            task.extractor, height, width, count_vectors(settings)
        ),
        max(task.size),
        settings.max_memory * 1e9,
    )
    run = open_run(
        settings,
        settings.find_run(vars(settings)),
        command="nst_tf.optimize",
        flag="--run",
    )
    painting = ImageOptimization(
        task, task.open_optimizer, gatys.TERMS, run.state, settings.checkpoint_minutes
    )
    restored = 0
    if settings.resume:
        restored = painting.restore()
        log(f"continuing at iteration {restored}")
    else:
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
    return _finish(settings, task, run, painted, log)


def count_vectors(settings: OptimizeSettings) -> int:
    """Returns how many tensors of the picture's size the optimizer holds, copies in a
    step included.
    """
    if settings.optimizer != "lbfgs":
        return 12
    # The preconditioner's spectra and the tables of its bands: about 24 pictures,
    # measured as in `memory`.
    return 4 * settings.memory + 12 + 24 * settings.precondition


def _write(task, painting, path, overwrite):
    image_io.write_image(
        path, task.finish_picture(painting.picture), overwrite=overwrite
    )


def _finish(settings, task, run: RunFolder, painted: Result, log):
    image_io.write_image(
        settings.output, task.finish_picture(painted.picture), overwrite=True
    )
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
    if painted.failed:
        raise UserError(
            f"Expected finite numbers. Received: {painted.reason} after iteration "
            f"{painted.iterations}. {settings.output} is the last good picture: lower "
            "--learning_rate or the weights."
        )
    log(
        f"{painted.iterations} iterations, {painted.evaluations} evaluations in "
        f"{painted.seconds / 60:.1f} minutes; ended since {painted.reason}"
    )
    log(f"wrote {settings.output}")
    return painted
