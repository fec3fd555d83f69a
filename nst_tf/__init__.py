"""Neural style transfer with TensorFlow: train, measure and export networks that paint photos.

As a library:

    import nst_tf

    model = nst_tf.load_model("starry_night")
    image = nst_tf.read_image("photo.jpg")
    nst_tf.write_image("out.jpg", model(image))

Importing this loads neither TensorFlow nor Keras; names are imported on first use (PEP 562).
"""

import sys

from nst_tf.core.interrupts import leave_on_interrupt

if ("-m", "nst_tf") in zip(
    sys.orig_argv, (word.partition(".")[0] for word in sys.orig_argv[1:])
):
    leave_on_interrupt()  # a command, `python -m nst_tf.NAME`: in its imports, too

import importlib
from typing import TYPE_CHECKING, Any

from nst_tf.core.keras_classes import register_with_keras

if TYPE_CHECKING:
    from nst_tf.core.errors import UserError as UserError
    from nst_tf.data.read_sample import read_sample as read_sample
    from nst_tf.evaluation.run import evaluate_models as evaluate_models
    from nst_tf.exporters.run import export_model as export_model
    from nst_tf.images.contact_sheet import arrange_images as arrange_images
    from nst_tf.images.io import (
        Image as Image,
        read_image as read_image,
        write_image as write_image,
    )
    from nst_tf.inference.folder import stylize_files as stylize_files
    from nst_tf.inference.open_model import load_model as load_model
    from nst_tf.inference.published import published_models as published_models
    from nst_tf.inference.video.run import stylize_video as stylize_video
    from nst_tf.optimization.run import optimize_image as optimize_image
    from nst_tf.runs.log import read_log as read_log
    from nst_tf.serving.stylizer import connect as connect
    from nst_tf.training.run import train_network as train_network

__version__ = "0.1.0"
_MODULES = {
    "Image": "nst_tf.images.io",
    "UserError": "nst_tf.core.errors",
    "arrange_images": "nst_tf.images.contact_sheet",
    "connect": "nst_tf.serving.stylizer",
    "evaluate_models": "nst_tf.evaluation.run",
    "export_model": "nst_tf.exporters.run",
    "load_model": "nst_tf.inference.open_model",
    "optimize_image": "nst_tf.optimization.run",
    "published_models": "nst_tf.inference.published",
    "read_image": "nst_tf.images.io",
    "read_log": "nst_tf.runs.log",
    "read_sample": "nst_tf.data.read_sample",
    "stylize_files": "nst_tf.inference.folder",
    "stylize_video": "nst_tf.inference.video.run",
    "train_network": "nst_tf.training.run",
    "write_image": "nst_tf.images.io",
}
__all__ = ["__version__", *_MODULES]

register_with_keras()


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
