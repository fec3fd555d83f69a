"""Small networks whose pictures depend on every weight, and their exports, made once a session."""

import functools
import tempfile
from pathlib import Path

import keras
import numpy as np

from nst_tf import images, networks, photos
from nst_tf.exporters import EXPORTERS

# Odd, thin, tiny, and a size that needs no growing.
SIZES = [(45, 61), (1, 1), (3, 7), (7, 3), (1, 50), (96, 128)]


def network(seed: int = 1, dtype: str = "float32", styles: int = 1, **shape) -> keras.Model:
    """A `transform_net` with random weights, offsets and scales; it draws all kinds of colours."""
    config = networks.TransformNetConfig(width=4, residual_blocks=1, styles=styles, **shape)
    built = networks.transform_net(config, dtype=dtype)
    rng = np.random.default_rng(seed)
    for weight in built.weights:
        if weight.path.endswith("scale"):
            values = rng.uniform(0.5, 1.5, weight.shape)
        elif weight.path.endswith(("offset", "bias")):
            values = rng.normal(0, 0.3, weight.shape)
        else:
            values = rng.normal(0, np.prod(weight.shape[:-1]) ** -0.5, weight.shape)
        weight.assign(values.astype("float32"))
    return built


def photo(height: int, width: int) -> np.ndarray:
    """uint8 [height, width, 3]."""
    return images.resize_rgb8(photos.builtin_photo("cat"), height, width)


def draw(built: keras.Model, rgb: np.ndarray, blend=()) -> np.ndarray:
    """The picture of float32 [H, W, 3], as an artefact has to draw it, with style weights if it has any."""
    weights = [np.array(blend, np.float32)[None]] if len(blend) else []
    return np.clip(np.asarray(networks.draw(built, rgb[None], *weights))[0], 0, 1)


@functools.cache
def exported(styles: int = 1) -> tuple[keras.Model, dict]:
    """The network, and for each format the artefacts made of it."""
    folder = tempfile.TemporaryDirectory()
    built = network(styles=styles)
    built.folder = folder                      # lives, and is removed, with the network
    path = Path(folder.name)
    return built, {name: export(built, path, "tiny") for name, export in EXPORTERS.items()}


def artefact(name: str) -> Path:
    """The path of one exported artefact by its file name."""
    paths = [artefact.path for artefacts in exported()[1].values() for artefact in artefacts]
    return next(path for path in paths if path.name == name)
