"""Small networks whose pictures depend on every weight, and their exports, made once a session."""

import functools
import tempfile
from pathlib import Path
from unittest import mock

import keras
import numpy as np
import tensorflow as tf

from nst_tf.config.registries import EXPORTERS
from nst_tf.config.train import TrainSettings
from nst_tf.data import sample_photos
from nst_tf.exporters.tflite import any_style as any_style_tflite
from nst_tf.features import extractors, vgg
from nst_tf.images import io as image_io
from nst_tf.inference.open_model import load_model
from nst_tf.models import adain_net, style_prediction_net, transform_net

# What is exported of every kind of network, and draws at every size. The format web has
# fixed sizes, and needs LiteRT.js: see test_web.py; for others see
# test_tflite_integer.py, test_onnx.py and test_coreml.py.
OTHERS = ("web", "tflite_integer", "onnx", "openvino", "coreml")
FORMATS = [name for name in EXPORTERS if name not in OTHERS]

# Odd, thin, tiny, and a size that needs no growing.
SIZES = [(45, 61), (1, 1), (3, 7), (7, 3), (1, 50), (96, 128)]

CONTRASTS = {"adain": 3, "skips": 1, "modulated": 2, "colors": 2}  # of any style


def train_settings(photos: Path, output: Path, **changes):
    """Settings of a training that takes seconds, and writes neither previews nor exports."""
    return TrainSettings.of(
        {
            "output": str(output),
            "style_size": 32,
            "style_layers": ("relu1_1", "relu2_1"),
            "content_layers": ("relu2_1",),
            "content": str(photos),
            "crop_size": 32,
            "residual_blocks": 0,
            "batch_size": 2,
            "preview_steps": 0,
            "tensorboard": False,
            "export": (),
            **changes,
        }
    )


def style_settings(inputs: Path, output: Path, styles, **changes):
    """Settings of a training that learns its styles within seconds, from `inputs`.

    That folder has photos/ and a PNG of each style's name.
    """
    wanted = {
        "style_image": ",".join(str(inputs / f"{name}.png") for name in styles),
        "content_weight": 0.1,
        "width": 8,
        "optimizer": "muon",
        "learning_rate": 0.004,
        **changes,
    }
    return train_settings(inputs / "photos", output, **wanted)


def network(
    seed: int = 1, dtype: str = "float32", styles: int = 1, **shape
) -> keras.Model:
    """A `transform_net` with random weights, offsets and scales; it draws all kinds of colors."""
    config = transform_net.TransformNetConfig(
        styles=styles, **{"width": 4, "residual_blocks": 1, **shape}
    )
    built = transform_net.transform_net(config, dtype=dtype)
    rng = np.random.default_rng(seed)
    for weight in built.weights:
        if weight.path.endswith("scale"):
            values = rng.uniform(0.5, 1.5, weight.shape)
        elif weight.path.endswith(("offset", "bias")):
            values = rng.normal(0, 0.3, weight.shape)
        else:
            values = rng.normal(0, np.prod(weight.shape[:-1]) ** -0.5, weight.shape)
        weight.assign(values.astype("float32"))
    # At full contrast what 8 bits cost would show as in no trained network: 34 to 37 dB
    # where those have 43 and more.
    kernel = built.get_layer(transform_net.OUTPUT).kernel
    kernel.assign(0.3 * kernel)
    return built


def encoder(layers: tuple[str, ...]) -> extractors.FeatureExtractor:
    """A very narrow VGG19 with random weights."""
    keras.utils.set_random_seed(4)
    model = vgg.build_topology((4, 4, 6, 8, 8), layers, padding="reflect")
    return extractors.FeatureExtractor("tiny", model, {}, vgg.LAYERS)


def any_style(kind: str = "modulated") -> keras.Model:
    """A network of any style; one that is modulated has random parameters too, so that
    the code matters. The kind "colors" brings the style's colors over besides.
    """
    return _any_style(kind)


@functools.cache
def _any_style(kind):
    keras.utils.set_random_seed(3)
    if kind in ("adain", "skips"):
        skips = adain_net.SKIPS if kind == "skips" else ()
        layers = adain_net.LAYER, *skips
        known = encoder(layers)(image_io.to_float(photo(64, 80))[None])
        rms = {
            layer: float(np.sqrt(np.mean(np.square(maps))))
            for layer, maps in known.items()
        }
        built = adain_net.any_style_net(encoder(layers), skips=skips, rms=rms)
    else:
        built = style_prediction_net.modulated_net(
            encoder(style_prediction_net.LAYERS),
            # Colors are stretched to a style's, and what 8 bits cost with them: less of it
            # is left of more channels.
            transform_net.TransformNetConfig(
                width=8 if kind == "colors" else 4, residual_blocks=1
            ),
            [
                image_io.to_float(photo(64, 80)),
                image_io.to_float(photo(64, 80)[::-1, :, ::-1]),
            ],
            style_colors=kind == "colors",
        )
    for weight in built.trainable_weights:
        if weight.path.endswith("out_conv/kernel"):
            # Else all pictures are nearly gray.
            weight.assign(CONTRASTS[kind] * weight)
    return built


def draw_any(
    built: keras.Model, photo_batch: np.ndarray, style: np.ndarray, alpha: float = 1.0
) -> np.ndarray:
    """What a network of any style makes of batches [B, H, W, 3], not clipped."""
    return built([photo_batch, style, np.array([[alpha]], np.float32)]).numpy()


def any_style_exported(kind: str = "modulated") -> Path:
    """The folder of `any_style(kind)` and of all its exports."""
    return Path(_any_style_exported(kind).name)


@functools.cache
def _any_style_exported(kind):
    folder = tempfile.TemporaryDirectory()
    built, path = any_style(kind), Path(folder.name)
    built.save(path / "network.keras")
    with mock.patch.object(any_style_tflite, "SIDES", (64,)):  # one is enough, and fast
        for name in FORMATS:
            EXPORTERS[name]().export(built, path, "tiny")
    return folder  # lives, and is removed, with the cache


def photo(height: int, width: int) -> np.ndarray:
    """uint8 [height, width, 3]."""
    return image_io.resize_rgb8(sample_photos.builtin_photo("cat"), height, width)


def draw(built: keras.Model, rgb: np.ndarray, blend=()) -> np.ndarray:
    """The picture of float32 [H, W, 3], as an artifact has to draw it, with style
    weights if it has any.
    """
    weights = [np.array(blend, np.float32)[None]] if len(blend) else []
    return np.clip(np.asarray(transform_net.draw(built, rgb[None], *weights))[0], 0, 1)


@functools.cache
def exported(styles: int = 1) -> tuple[keras.Model, dict]:
    """The network, and for each format the artifacts made of it."""
    folder = tempfile.TemporaryDirectory()
    built = network(styles=styles)
    built.folder = folder  # lives, and is removed, with the network
    path = Path(folder.name)
    return built, {
        name: EXPORTERS[name]().export(built, path, "tiny") for name in FORMATS
    }


def artifact(name: str) -> Path:
    """The path of one exported artifact by its file name."""
    paths = [
        artifact.path for artifacts in exported()[1].values() for artifact in artifacts
    ]
    return next(path for path in paths if path.name == name)


def add_naively(values, weights=None):
    """What `statistics.spatial_mean` is not: one long sum."""
    assert weights is None
    return tf.reduce_mean(values, [1, 2], keepdims=True)


def open_painter(model: Path | str, style=None, strength: float = 1.0):
    """A function from photos to stylized photos of a model by its path."""
    return load_model(model).prepare(
        None if isinstance(style, tuple) and not style else style, strength
    )
