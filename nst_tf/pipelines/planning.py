"""From settings to a job: what can be refused is refused before anything runs."""

import dataclasses
import os

import numpy as np

from nst_tf.config.painting.batch import BatchSettings
from nst_tf.core.errors import expected
from nst_tf.core.shares import normalize_shares
from nst_tf.inference.model import Model, Style
from nst_tf.inference.model_identity import hash_model
from nst_tf.inference.open_model import load_model
from nst_tf.inference.run import start_runtime
from nst_tf.pipelines import identity, manifest, naming, sources, storage
from nst_tf.pipelines.records import Job

LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"  # which `start_runtime` leaves set


def plan(settings: BatchSettings) -> Job:
    """Returns the job of some settings.

    The model is opened here once, so that a style that it does not have costs no
    cluster.

    Raises:
        UserError: a model that cannot be opened or does not paint so, a list or table
            that cannot be read, or an output that holds the photos.
    """
    output = storage.normalize(settings.output)
    content, root = _find_content(settings, output)
    style, any_style = _check_model(settings)
    return Job(
        settings=dataclasses.replace(settings, content=content, output=output),
        root=root,
        run=manifest.number_run(output),
        model_sha256=hash_model(settings.model),
        settings_sha256=identity.hash_settings(settings, any_style),
        style=style,
    )


def open_runtime(model: str) -> None:
    """Imports TensorFlow quietly, not for a .tflite; raises `UserError` for what is no model."""
    chosen = os.environ.get(LOG_LEVEL)
    start_runtime(model)
    if chosen is None:
        # Processes that are started later begin quietly themselves.
        os.environ.pop(LOG_LEVEL, None)


def _find_content(settings: BatchSettings, output: str) -> tuple[str, str]:
    """Returns --content that means the same on every worker, and the photos' root."""
    content = settings.content
    if storage.is_local(content):
        # A / at its end says that it is a folder, which is found again.
        content = storage.normalize(content)
    if settings.is_list:
        sources.check_list(content, settings)
        root = settings.root or naming.find_root(content)
        return content, storage.normalize(root)
    root = naming.find_root(content)
    if storage.is_inside(root, output):
        raise expected(
            "an --output that does not hold the photos",
            f"--output={settings.output} --content={settings.content}",
            "Choose another folder: originals are never replaced.",
        )
    return content, root


def _check_model(settings: BatchSettings) -> tuple[Style, bool]:
    """Returns what workers ask the model for, and whether it is of any style."""
    open_runtime(settings.model)
    with load_model(settings.model, style_size=settings.style_size) as model:
        style = _find_style(model, settings)
        model.prepare(style, settings.strength, preserve_color=settings.preserve_color)
        return style, not model.styles


def _find_style(model: Model, settings: BatchSettings) -> Style:
    style = settings.style_argument
    if model.styles or not isinstance(style, dict):
        return style
    # The code, so that workers need no style pictures.
    codes = np.stack([model.encode(name) for name in style])
    shares = normalize_shares(list(style.values()))
    return np.tensordot(shares, codes, 1).astype(np.float32)
