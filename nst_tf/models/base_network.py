"""The packaged bases: networks of any style that a network of one style begins as.

A base is the part of a `style_prediction_net.modulated_net` that draws, in 8 bits. What
its norms would get for a style is what the norms of the new network begin with, so that
the style is painted after a fashion before the first step.
"""

import dataclasses
import functools
import importlib.resources
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np

from nst_tf.core.errors import expected
from nst_tf.core.files import sha256
from nst_tf.features.eight_bits import pack_kernel, unpack_kernel
from nst_tf.features.extractors import FeatureExtractor
from nst_tf.layers.normalization import InstanceNormalization, ModulatedNormalization
from nst_tf.models import style_prediction_net, transform_net
from nst_tf.models.transform_net import TransformNetConfig

ENCODER = "slim_vgg19"  # of styles; by its codes bases were trained
# What a base and the network that begins as it must have in common.
SHAPE = ("width", "residual_blocks", "padding", "block", "edge_size")
_SHAPE, _CENTER, _VARIANCE = "shape", "center", "variance"


@dataclasses.dataclass(frozen=True)
class Base:
    """A packaged base.

    Attributes:
        path: the .npz.
        shape: {name: value} of `SHAPE`.
    """

    path: Path
    shape: Mapping[str, int | str]

    @property
    def provenance(self) -> dict[str, str]:
        """Returns the file's name and hash."""
        return {"name": self.path.stem, "sha256": sha256(self.path)}

    def start(
        self,
        network: transform_net.TransformNet,
        styles: Sequence[np.ndarray],
        encoder: FeatureExtractor,
    ) -> None:
        """Sets all weights of a network of styles of its own.

        The norms of the photo, which a network with strength has, are what the base
        draws with at alpha = 0.

        Args:
            network: of this base's shape.
            styles: pictures, float32 [h, w, 3] RGB in [0, 1], one a style.
            encoder: `ENCODER`, which delivers `style_prediction_net.LAYERS`.
        """
        with np.load(self.path) as archive:
            packed = dict(archive)
        transform = style_prediction_net.build_transform(
            TransformNetConfig(**self.shape), packed[_CENTER], packed[_VARIANCE]
        )
        _unpack(transform, packed)
        encode = style_prediction_net.style_encoder(encoder)
        codes = np.concatenate([encode(style[None]).numpy() for style in styles])
        scales = self._predict(transform, codes, network.has_strength)
        for layer in network.layers:
            if not layer.weights:
                continue
            twin = transform.get_layer(layer.name)
            if isinstance(layer, InstanceNormalization):
                layer.set_weights(_cut_norm(scales, layer, twin))
            else:
                layer.set_weights(twin.get_weights())

    def _predict(self, transform, codes, strength):
        """Returns what norms get for each style, and first of all for the photo, [N, C]."""
        _, code, alpha = transform.inputs
        parameters = transform.get_layer("parameters").output
        ask = keras.Model([code, alpha], parameters)
        rows = ask([codes, np.ones([len(codes), 1], np.float32)]).numpy()
        if strength:
            photo = ask([codes[:1], np.zeros([1, 1], np.float32)]).numpy()
            rows = np.concatenate([photo, rows])
        return rows


def _cut_norm(rows, layer: InstanceNormalization, twin: ModulatedNormalization):
    """Returns scale and offset of a norm, of the norms' parameters [N, C]."""
    channels = layer.scale.shape[-1]
    chosen = rows[:, twin.first : twin.first + 2 * channels]
    scale, offset = np.split(chosen, 2, axis=1)
    shape = layer.scale.shape
    return [scale.reshape(shape), offset.reshape(shape)]


def list_bases() -> list[Base]:
    """Returns the packaged bases."""
    folder = Path(str(importlib.resources.files("nst_tf.assets") / "bases"))
    return [_read_base(path) for path in sorted(folder.glob("*.npz"))]


def find_base(config: TransformNetConfig) -> Base:
    """Returns the packaged base of a network's shape.

    Raises:
        UserError: there is none.
    """
    wanted = {name: getattr(config, name) for name in SHAPE}
    bases = list_bases()
    for base in bases:
        if base.shape == wanted:
            return base
    known = " or ".join(_describe(base.shape) for base in bases)
    raise expected(
        f"--init_from=base with {known}",
        _describe(wanted),
        "Take that shape, or begin at noise: --init_from=none.",
    )


def pack_base(
    network: keras.Model, config: TransformNetConfig
) -> dict[str, np.ndarray]:
    """Stores the drawing part of a network of any style in 8 bits a weight.

    Args:
        network: from `style_prediction_net.modulated_net`.
        config: of its drawing part.

    Returns:
        Arrays for `np.savez_compressed`.

    Raises:
        UserError: the network has a last layer for a style's colors, which networks of
            one style have not.
    """
    transform = network.get_layer("transform")
    standardized = transform.get_layer("standardized")
    if transform.inputs[1].shape[-1] != np.size(standardized.mean):
        raise expected(
            "a network without --style_colors",
            "one with it",
            "Train the base without: what begins as it has no such layer.",
        )
    shape = {name: getattr(config, name) for name in SHAPE}
    packed: dict[str, np.ndarray] = {
        _SHAPE: np.frombuffer(json.dumps(shape).encode(), np.uint8),
        _CENTER: np.ravel(standardized.mean).astype(np.float32),
        _VARIANCE: np.ravel(standardized.variance).astype(np.float32),
    }
    for layer in transform.layers:
        for weight in layer.weights:
            name, values = f"{layer.name}/{weight.name}", weight.numpy()
            if weight.name == "kernel":
                packed |= pack_kernel(layer.name, values)
            else:
                packed[name] = values.astype(np.float32)
    return packed


def _unpack(transform, packed):
    for layer in transform.layers:
        if layer.weights:
            layer.set_weights(
                [
                    unpack_kernel(packed, layer.name)
                    if weight.name == "kernel"
                    else packed[f"{layer.name}/{weight.name}"]
                    for weight in layer.weights
                ]
            )


@functools.cache
def _read_base(path: Path) -> Base:
    with np.load(path) as archive:
        return Base(path, json.loads(archive[_SHAPE].tobytes()))


def _describe(shape):
    return " ".join(f"--{name}={value}" for name, value in shape.items())
