"""From settings to a finished run folder: data, task, fit, exports."""

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from nst_tf.config.perceptual import PrecisionSettings
from nst_tf.config.registries import EXPORTERS, METHODS
from nst_tf.config.train import FeedforwardSettings, TrainSettings
from nst_tf.core.errors import expected, first_line
from nst_tf.core.lists import join_list
from nst_tf.data import pipeline, sources as data_sources, style_images
from nst_tf.exporters import export_network
from nst_tf.features import precision
from nst_tf.runs import callbacks
from nst_tf.runs.folder import RunFolder, check_inputs, open_run
from nst_tf.training import outcome
from nst_tf.training.distribution import open_distribution
from nst_tf.training.loop import Fit
from nst_tf.training.schedule import FitConfig, FitResult


def train_network(log: Callable[[str], None] = print, **settings: Any) -> RunFolder:
    """Trains a network: `train_network(output="runs/mine", style_image="mosaic", steps=400)`.

    Args:
        log: takes lines for the user.
        **settings: fields of the settings of a method, see `nst_tf.config.train`; those
            left out have their defaults.

    Returns, Raises:
        As `train`.
    """
    return train(TrainSettings.of(settings), log)


def train(settings: TrainSettings, log: Callable[[str], None] = print) -> RunFolder:
    """Trains what `settings` describe and leaves everything in the run folder.

    Args:
        settings: those of a method, see `nst_tf.config.train`.
        log: takes lines for the user.

    Returns:
        The run folder, complete.

    Raises:
        UserError: anything that the user can mend.
        KeyboardInterrupt: after Ctrl-C or SIGTERM; the run folder has a checkpoint to
            resume from, and no exports.
    """
    distribution = open_distribution(settings.strategy)
    if isinstance(settings, PrecisionSettings):
        settings = precision.resolve_precision(settings, log)
    if isinstance(settings, FeedforwardSettings):
        settings = _pin_styles(settings)
    keras.utils.set_random_seed(settings.seed)
    method, source = METHODS[settings.method], None
    if not method.labeled:
        source = _open_source(settings, settings.content)
    with distribution.strategy.scope():
        task = method(settings)
    open_batches, sources = _open_batches(settings, source, task)
    if task.draws and distribution.is_chief:
        _check_exports(settings.export, task.network)
    # Opened only now: settings that cannot work leave no folder behind.
    run = _open_run(settings, distribution)
    if distribution.is_chief:
        _note_inputs(settings, run, task, sources, log)
    fit = Fit(task, _fit_config(settings), distribution, run.checkpoints)
    restored = 0
    if settings.resume:
        restored = fit.restore(log)
        log(f"continuing at step {restored}")
    else:
        task.start(open_batches)
    listeners = (
        _listeners(settings, run, task, restored) if distribution.is_chief else []
    )
    try:
        result = fit.run(
            open_batches, listeners, functools.partial(_check_readable, sources)
        )
    finally:
        unreadable = _note_unreadable(run, sources, distribution)
    if result.reason == "interrupted":
        raise KeyboardInterrupt(
            f"after step {result.steps}, --resume continues from {run.checkpoints}"
        )
    if distribution.is_chief:
        try:
            _finish(settings, run, task, result, unreadable, log)
        except (OSError, tf.errors.OpError) as error:
            raise expected(
                f"to write the results into {run.path}",
                first_line(error),
                "Free disk space and use --resume: nothing is trained again.",
            ) from error
    return run


def _pin_styles(settings: FeedforwardSettings) -> FeedforwardSettings:
    """Fills in the hashes of styles that are URLs, so that the run can be repeated."""
    names, hashes = zip(*settings.styles)
    pinned = style_images.pin_urls(names, hashes)
    if pinned == hashes:
        return settings
    return dataclasses.replace(settings, style_sha256=join_list(pinned))


def _open_source(settings, content):
    return data_sources.open_source(content, settings.data_dir, settings.max_pixels)


def _open_run(settings, distribution):
    if distribution.is_chief:
        return open_run(settings)
    return RunFolder(Path(settings.output))


def _fit_config(settings):
    return FitConfig(
        settings.steps,
        settings.minutes,
        settings.least_steps,
        settings.learning_rate,
        settings.schedule,
        settings.batch_size,
        settings.checkpoint_steps,
        settings.checkpoint_minutes,
        settings.optimizer,
        settings.ema,
        getattr(settings, "weight_decay", 0.0),
    )


def _listeners(settings, run, task, restored):
    listeners = [callbacks.ProgressBar(), callbacks.JsonLog(run.log, after=restored)]
    if settings.tensorboard:
        listeners.append(callbacks.TensorBoard(run.tensorboard))
    if task.draws and settings.preview_steps:
        listeners.append(
            callbacks.Previews(
                functools.partial(task.preview, run), settings.preview_steps
            )
        )
    return [*listeners, *task.listeners(run, restored)]


def _open_batches(settings, source, task):
    """How batches are opened, and the sources that they come from."""
    if task.labeled:
        return task.source.open_batches, {"photos": task.source}
    config = pipeline.CropConfig(
        settings.crop_size,
        settings.short_side or round(1.25 * settings.crop_size),
        settings.seed,
    )
    if not task.pairs:
        return functools.partial(pipeline.crops, source, config), {"photos": source}
    paintings = _open_source(settings, settings.paintings)
    max_zoom = max(1.0, settings.style_size / settings.crop_size)
    other = pipeline.CropConfig(
        settings.crop_size,
        settings.crop_size,
        settings.seed + 1,
        max_zoom,
        settings.recolored,
    )
    batches = functools.partial(pipeline.pairs, source, config, paintings, other)
    return batches, {"photos": source, "paintings": paintings}


def _check_exports(names, network):
    """Raises `UserError` for a format that could not be written after the training."""
    export_network.check_formats(names, network)
    for name in names:
        EXPORTERS[name]().check_machine()


def _note_inputs(settings, run, task, sources, log):
    """Notes what the run begins with; of a resumed run, that it is the same, and what
    an earlier version did not note.
    """
    inputs = {**task.provenance, "content": sources["photos"].name}
    for role, source in sources.items():
        inputs[role] = source.found
        if "photos" in source.found:
            log(f"{source.found['photos']} {role} found in {source.name}")
        for reason in source.unreadable:
            log(f"left out: {reason}")
    if settings.resume:
        check_inputs(run, inputs)
        if "photos" not in run.recorded:
            log("begun by an earlier version: its next crops are drawn as today")
    missing = {name: inputs[name] for name in inputs if name not in run.recorded}
    if missing:
        run.note(**missing)


def _note_unreadable(run, sources, distribution):
    """Notes all photos that could not be read, in earlier parts of the run too; returns them."""
    known = run.recorded.get("unreadable", [])
    reasons = set(map(str, known if isinstance(known, list) else []))
    reasons.update(*(source.unreadable for source in sources.values()))
    if reasons and distribution.is_chief:
        run.note(unreadable=sorted(reasons))
    return sorted(reasons)


def _check_readable(sources):
    for source in sources.values():
        source.unreadable.check()


def _finish(settings, run, task, result: FitResult, unreadable, log):
    for reason in unreadable:
        log(f"left out: {reason}")
    log(
        f"{result.steps} steps in {result.seconds / 60:.1f} minutes; {result.step_share:.0%} of a step's "
        f"time in the compiled step"
    )
    if result.reason == "minutes" and result.steps == settings.least_steps:
        log(
            f"longer than --minutes={settings.minutes:g}: --least_steps={settings.least_steps} took it on this machine"
        )
    if result.logs:  # empty if only the exports were missing
        run.note(
            steps=result.steps,
            seconds=round(result.seconds, 1),
            stopped_by=result.reason,
            last_terms=dict(result.logs),
            step_share=round(result.step_share, 3),
            unreadable=unreadable,
        )
    for line in task.finish(run, result):
        log(line)
    if task.draws:
        outcome.check_descent(run)
        _export(settings, run, task, log)


def _export(settings, run, task, log):
    _, refused = export_network.export_formats(
        settings.export,
        task.network,
        run.path,
        run.name,
        log,
        style_image=getattr(settings, "style_image", ""),
    )
    if refused:
        raise expected(
            f"{', '.join(settings.export)} to equal the network",
            "; ".join(refused.values()),
            f"{run.network} is whole; train longer, or leave the format out of --export.",
        )
