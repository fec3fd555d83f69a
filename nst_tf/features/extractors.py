"""Feature networks: RGB in [0, 1] -> named feature maps of VGG19, or of a narrow copy of it."""

import dataclasses
import importlib.resources
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from nst_tf.config.perceptual import PerceptualSettings
from nst_tf.core.errors import UserError, expected
from nst_tf.core.files import sha256
from nst_tf.features.vgg import (
    LAYERS,
    SLIM_LAYERS,
    VGG19_WIDTHS,
    build_topology,
    check_layers,
    stride,
)
from nst_tf.images import padding

IMAGENET_URL = (
    "https://storage.googleapis.com/tensorflow/keras-applications/vgg19/"
    "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"
)
IMAGENET_MD5 = "253f8cb515780f3b799900260a226db6"

# What NumPy raises on a file that is no .npz, or a damaged one.
_DAMAGE = (
    OSError,
    KeyError,
    ValueError,
    TypeError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclasses.dataclass(frozen=True)
class FeatureExtractor:
    """A frozen network that maps pictures to the features whose differences are perceptual losses.

    Attributes:
        name: "vgg19" or "slim_vgg19".
        model: Keras model, [B, H, W, 3] RGB in [0, 1] -> {layer: [B, H/2^k, W/2^k, C]}.
        provenance: where the weights come from: "weights" and "sha256".
        margin: pixels by which pictures are continued on every side, mirrored, before
            the network sees them, and cut off its maps again; a multiple of the deepest
            layer's stride. Without it, maps near the border know of the zeros behind
            it, and a picture that is optimized gets a frame.
    """

    name: str
    model: keras.Model
    provenance: Mapping[str, str]
    margin: int = 0

    @property
    def layers(self) -> tuple[str, ...]:
        return tuple(self.model.output.keys())

    def __call__(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns {layer: [B, H/2^k, W/2^k, C]}, as the network computes them, for RGB
        in [0, 1], [B, H, W, 3].
        """
        if not self.margin:
            return self.model(images)
        maps = self.model(mirrored_around(images, self.margin))
        cut = {name: self.margin // stride(name) for name in maps}
        return {
            name: each[:, cut[name] : -cut[name], cut[name] : -cut[name]]
            for name, each in maps.items()
        }


def mirrored_around(images: tf.Tensor, margin: int) -> tf.Tensor:
    """Continues [B, H, W, C] by `margin` mirrored pixels on every side, however small
    the picture is.

    H and W are those of its static shape.
    """
    for axis in (1, 2):
        side = images.shape[axis]
        images = tf.gather(
            images, padding.mirrored(side, side + margin, -margin), axis=axis
        )
    return images


def open_extractor(
    settings: PerceptualSettings, layers: Sequence[str], *, pooling: str = "max"
) -> FeatureExtractor:
    """Opens the feature network that `settings` name, for `layers`.

    Raises:
        UserError: as `load_vgg19` and `load_slim_vgg19`.
    """
    how = {"pooling": pooling, "dtype": settings.compute_dtype}
    if settings.feature_network == "vgg19":
        return load_vgg19(settings.vgg_weights, layers, **how)
    return load_slim_vgg19(layers, weights=settings.slim_weights or None, **how)


def load_vgg19(
    weights: str,
    layers: Sequence[str],
    *,
    pooling: str = "max",
    padding: str = "zeros",
    dtype: str = "float32",
) -> FeatureExtractor:
    """Loads ImageNet VGG19.

    Args:
        weights: "imagenet" (downloaded once through Keras, md5 enforced) or the path of
            Keras's .h5 without the top.
        layers: names of the wanted feature maps, from `LAYERS`.
        pooling: "max", "average" or "l2"; see `vgg.Pooling`.
        padding: "zeros" or "reflect"; see `vgg.build_topology`.
        dtype: Keras dtype policy of the convolutions.

    Raises:
        UserError: an unknown layer, an unreadable file, or a failed download.
    """
    check_layers(layers, LAYERS)
    reference, path = _read_imagenet(weights)
    model = build_topology(
        VGG19_WIDTHS, layers, pooling=pooling, padding=padding, dtype=dtype
    )
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            layer.set_weights(reference.get_layer(layer.name).get_weights())
    model.trainable = False
    return FeatureExtractor(
        "vgg19", model, {"weights": weights, "sha256": sha256(path)}
    )


def load_slim_vgg19(
    layers: Sequence[str],
    *,
    weights: str | None = None,
    metric: bool = True,
    pooling: str = "max",
    padding: str = "zeros",
    dtype: str = "float32",
) -> FeatureExtractor:
    """Loads the narrow VGG19 distilled by `nst_tf.training.methods.slim_features`.

    Args:
        layers: names of the wanted feature maps, from `SLIM_LAYERS`.
        weights: path of an .npz made by `pack_slim`; None is the packaged one.
        metric: whether maps are such coordinates as stated below; without, they are the
            network's own, after its ReLU.
        pooling: "max", with which it was distilled, "average" or "l2"; see
            `vgg.Pooling`.
        padding: "zeros", with which it was distilled, or "reflect"; see
            `vgg.build_topology`.
        dtype: Keras dtype policy of the convolutions.

    Returns:
        An extractor whose maps are coordinates in which squared distances approximate
        those of VGG19's features at the same layer: a loss written for one network
        serves the other.

    Raises:
        UserError: an unknown layer or an unreadable file.
    """
    check_layers(layers, SLIM_LAYERS)
    path = Path(weights) if weights else packaged_slim()
    try:
        with np.load(path) as archive:
            packed = dict(archive)
        widths = [int(width) for width in packed["widths"]]
        model = build_topology(
            widths, layers, metric=metric, pooling=pooling, padding=padding, dtype=dtype
        )
        for layer in model.layers:
            if isinstance(layer, keras.layers.Conv2D):
                layer.set_weights(unpack_layer(packed, layer.name))
    except _DAMAGE as error:
        raise expected(
            "slim VGG19 weights as `nst_tf.train --method=slim_features` writes them",
            f"{path} ({_first_line(error)})",
            "Pass another file, or reinstall the package for its own.",
        ) from error
    model.trainable = False
    origin = str(weights) if weights else "packaged"
    return FeatureExtractor(
        "slim_vgg19", model, {"weights": origin, "sha256": sha256(path)}
    )


def packaged_slim() -> Path:
    """Returns the path of the packaged slim VGG19 weights."""
    return Path(str(importlib.resources.files("nst_tf.assets") / "slim_vgg19.npz"))


def packaged_slim_card() -> dict:
    """Returns the model card of the packaged slim VGG19."""
    return json.loads(packaged_slim().with_suffix(".json").read_text())


def pack_slim(model: keras.Model, widths: Sequence[int]) -> dict[str, np.ndarray]:
    """Stores a slim VGG19 in 8 bits a weight: symmetric int8 with one scale an output channel.

    Args:
        model: from `build_topology(widths, SLIM_LAYERS, metric=True)`.

    Returns:
        Arrays for `np.savez_compressed`: "NAME/kernel" int8, "NAME/scale" and
        "NAME/bias" float32.
    """
    packed = {"widths": np.asarray(widths, np.int32)}
    for layer in model.layers:
        if not isinstance(layer, keras.layers.Conv2D):
            continue
        kernel, *bias = layer.get_weights()
        scale = np.maximum(np.abs(kernel).max(axis=(0, 1, 2)), 1e-12) / 127
        packed[f"{layer.name}/kernel"] = np.round(kernel / scale).astype(np.int8)
        packed[f"{layer.name}/scale"] = scale.astype(np.float32)
        if bias:
            packed[f"{layer.name}/bias"] = bias[0].astype(np.float32)
    return packed


def unpack_layer(packed: Mapping[str, np.ndarray], name: str) -> list[np.ndarray]:
    """Returns [kernel, bias] (or [kernel]) of one layer as float32, from `pack_slim`'s arrays."""
    weights = [packed[f"{name}/kernel"].astype(np.float32) * packed[f"{name}/scale"]]
    if f"{name}/bias" in packed:
        weights.append(packed[f"{name}/bias"])
    return weights


def _read_imagenet(weights: str) -> tuple[keras.Model, Path]:
    if weights != "imagenet" and not Path(weights).is_file():
        raise expected(
            "--vgg_weights=imagenet or the path of Keras's VGG19 .h5 without the top",
            repr(weights),
            f"Download {IMAGENET_URL} (md5 {IMAGENET_MD5}) and pass its path.",
        )
    try:
        path = weights
        if (
            weights == "imagenet"
        ):  # as keras.applications does, but the path is needed here
            path = keras.utils.get_file(
                IMAGENET_URL.rsplit("/", 1)[1],
                IMAGENET_URL,
                cache_subdir="models",
                file_hash=IMAGENET_MD5,
            )
        return keras.applications.VGG19(weights=path, include_top=False), Path(path)
    except (
        Exception
    ) as error:  # Keras, h5py and urllib raise a dozen unrelated types here.
        if weights != "imagenet":
            raise expected(
                "Keras's VGG19 .h5 without the top",
                f"{weights} ({_first_line(error)})",
                f"Download {IMAGENET_URL} again (md5 {IMAGENET_MD5}).",
            ) from error
        raise UserError(
            f"Expected to download VGG19 from {IMAGENET_URL} (md5 {IMAGENET_MD5}). "
            f"Received: {_first_line(error)}. Fetch the file by other means and pass "
            "--vgg_weights=PATH, or use --feature_network=slim_vgg19, which needs no download."
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
