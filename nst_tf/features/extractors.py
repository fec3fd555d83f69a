"""Feature networks: RGB in [0, 1] -> named feature maps.

A network is one file with a `FeatureNetwork`, and its line in
`nst_tf.config.registries.FEATURE_NETWORKS`.
"""

import dataclasses
from collections.abc import Collection, Mapping
from typing import Protocol

import keras
import tensorflow as tf

from nst_tf.config.perceptual import PerceptualSettings
from nst_tf.config.registries import FEATURE_NETWORKS
from nst_tf.features.geometry import Geometry
from nst_tf.images import padding

# Pixels, a multiple of every stride: side of the picture that sizes of maps are told by.
REFERENCE_SIDE = 1024


@dataclasses.dataclass(frozen=True)
class FeatureExtractor:
    """A frozen network that maps pictures to the features whose differences are perceptual losses.

    Attributes:
        name: of the network, such as "vgg19".
        model: Keras model, [B, H, W, 3] RGB in [0, 1] -> {layer: [B, h, w, C]}.
        provenance: where the weights come from: "weights" and "sha256".
        geometry: of at least the layers that `model` delivers.
        margin: pixels by which pictures are continued on every side, mirrored, before
            the network sees them, and cut off its maps again; a multiple of the deepest
            layer's stride. Without it, maps near the border know of the zeros behind
            it, and a picture that is optimized gets a frame.
        note: what a user should know of this network, a line; empty for nothing.
    """

    name: str
    model: keras.Model
    provenance: Mapping[str, str]
    geometry: Geometry
    margin: int = 0
    note: str = ""

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers whose maps it delivers."""
        return tuple(self.model.output.keys())

    def stride(self, layer: str) -> int:
        """Returns how many pixels lie between two positions of `layer`."""
        return self.geometry[layer].stride

    def receptive_field(self, layer: str) -> int:
        """Returns the side in pixels of the square that one position of `layer` sees."""
        return self.geometry[layer].receptive_field

    def channels(self, layer: str) -> int:
        """Returns how many channels the maps of `layer` have."""
        return self.model.output[layer].shape[-1]

    def map_size(self, layer: str, height: int, width: int) -> tuple[int, int]:
        """Returns height and width of the maps of `layer` for a picture of that size."""
        cut = self.margin // self.stride(layer) if self.margin else 0
        shape = (1, height + 2 * self.margin, width + 2 * self.margin, 3)
        _, rows, columns, _ = self.model.compute_output_shape(shape)[layer]
        return rows - 2 * cut, columns - 2 * cut

    def widths(self) -> dict[int, int]:
        """Returns {stride: channels of the first convolution that has it}."""
        widths: dict[int, int] = {}
        for layer, (_, side, _, channels) in self._maps():
            if isinstance(layer, keras.layers.Conv2D):
                widths.setdefault(REFERENCE_SIDE // side, channels)
        return widths

    def map_bytes(self, height: int, width: int) -> float:
        """Returns the size of all maps of a forward pass of one picture in float32."""
        numbers = sum(
            rows * columns * each for _, (_, rows, columns, each) in self._maps()
        )
        return 4 * numbers / REFERENCE_SIDE**2 * height * width

    def _maps(self) -> list[tuple[keras.Layer, tuple[int, int, int, int]]]:
        """All layers of the network, each with the shape of its maps for a picture of
        `REFERENCE_SIDE`.
        """
        layers = [
            layer
            for layer in self.model.layers
            if not isinstance(layer, keras.layers.InputLayer)
        ]
        every = keras.Model(self.model.input, [layer.output for layer in layers])
        shape = (1, REFERENCE_SIDE, REFERENCE_SIDE, 3)
        return list(zip(layers, every.compute_output_shape(shape)))

    def __call__(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns {layer: [B, h, w, C]}, as the network computes them, for RGB in [0,
        1], [B, H, W, 3].
        """
        if not self.margin:
            return self.model(images)
        maps = self.model(mirror_around(images, self.margin))
        inner = {}
        for layer, values in maps.items():
            cut = self.margin // self.stride(layer)
            inner[layer] = values[:, cut:-cut, cut:-cut]
        return inner


class Loader(Protocol):
    """Reads a network's weights and builds it."""

    def __call__(
        self,
        settings: PerceptualSettings,
        layers: Collection[str],
        *,
        pooling: str = "max",
        padding: str = "zeros",
        dtype: str = "float32",
        as_encoder: bool = False,
    ) -> FeatureExtractor:
        """Opens the network for some of its layers.

        Args:
            settings: say which weights, if there is a choice.
            layers: whose maps it shall deliver, in this order.
            pooling: "max", "average" or "l2".
            padding: of the convolutions, "zeros" or "reflect".
            dtype: Keras dtype policy of the convolutions.
            as_encoder: whether a decoder shall follow, which wants the network's own
                maps, and not coordinates made for a loss.

        Raises:
            UserError: weights that cannot be read, an option that the network has not.
        """


@dataclasses.dataclass(frozen=True)
class FeatureNetwork:
    """An entry of `FEATURE_NETWORKS`: what is known before any weights are read.

    Attributes:
        geometry: of all layers.
        load: opens it.
    """

    geometry: Geometry
    load: Loader


def open_extractor(
    settings: PerceptualSettings, layers: Collection[str], *, pooling: str = "max"
) -> FeatureExtractor:
    """Opens the feature network that `settings` name, for `layers`, to judge pictures by.

    Raises:
        UserError: an unknown layer, or weights that cannot be read.
    """
    network = FEATURE_NETWORKS[settings.feature_network]
    network.geometry.check_layers(layers)
    dtype = settings.compute_dtype
    return network.load(settings, layers, pooling=pooling, dtype=dtype)


def open_encoder(
    name: str, settings: PerceptualSettings, layers: Collection[str]
) -> FeatureExtractor:
    """Opens the feature network `name` as an encoder: its own maps in float32, and no frame.

    Raises:
        UserError: an unknown layer, or weights that cannot be read.
    """
    network = FEATURE_NETWORKS[name]
    network.geometry.check_layers(layers)
    return network.load(settings, layers, padding="reflect", as_encoder=True)


def register_layers() -> None:
    """Imports all feature networks, so that Keras knows the layers in files that contain one."""
    for name in FEATURE_NETWORKS:
        FEATURE_NETWORKS[name]


def mirror_around(images: tf.Tensor, margin: int) -> tf.Tensor:
    """Continues [B, H, W, C] by `margin` mirrored pixels on every side, however small
    the picture is.

    H and W are those of its static shape.
    """
    for axis in (1, 2):
        side = images.shape[axis]
        sources = padding.mirrored(side, side + margin, -margin)
        images = tf.gather(images, sources, axis=axis)
    return images
