"""Feature networks: RGB in [0, 1] -> named feature maps of VGG19, or of a narrow copy of it."""

import dataclasses
import hashlib
import importlib.resources
import json
import re
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from nst_tf.errors import UserError, expected

CONVOLUTIONS = (2, 2, 4, 4, 4)                       # a block; Simonyan, Zisserman 2015, table 1, E
VGG19_WIDTHS = (64, 128, 256, 512, 512)
LAYERS = tuple(f"relu{b}_{c}" for b, n in enumerate(CONVOLUTIONS, 1) for c in range(1, n + 1))
SLIM_LAYERS = LAYERS[: LAYERS.index("relu5_1") + 1]

# Channel means of ImageNet in RGB, 0..255, which VGG19 was trained without.
IMAGENET_MEAN = (123.68, 116.779, 103.939)
IMAGENET_URL = (
    "https://storage.googleapis.com/tensorflow/keras-applications/vgg19/"
    "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"
)
IMAGENET_MD5 = "253f8cb515780f3b799900260a226db6"

# What NumPy raises on a file that is no .npz, or a damaged one.
_DAMAGE = (OSError, KeyError, ValueError, TypeError, EOFError, zipfile.BadZipFile, zlib.error)


@dataclasses.dataclass(frozen=True)
class FeatureExtractor:
    """A frozen network that maps pictures to the features whose differences are perceptual losses.

    Attributes:
        name: "vgg19" or "slim_vgg19".
        model: Keras model, [B, H, W, 3] RGB in [0, 1] -> {layer: [B, H/2^k, W/2^k, C]}.
        provenance: where the weights come from: "weights" and "sha256".
    """

    name: str
    model: keras.Model
    provenance: Mapping[str, str]

    @property
    def layers(self) -> tuple[str, ...]:
        return tuple(self.model.output.keys())

    def __call__(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns {layer: float32 [B, H/2^k, W/2^k, C]} for RGB `images` in [0, 1], [B, H, W, 3]."""
        return {name: tf.cast(maps, tf.float32) for name, maps in self.model(images).items()}


def receptive_field(layer: str) -> int:
    """Returns the side in pixels of the square of the picture that one position of `layer` sees."""
    block, convolution = _position(layer)
    field, stride = 1, 1
    for index, count in enumerate(CONVOLUTIONS, 1):
        for _ in range(convolution if index == block else count):
            field += 2 * stride
        if index == block:
            return field
        field += stride
        stride *= 2
    raise AssertionError(layer)


def build_topology(
    widths: Sequence[int],
    layers: Sequence[str],
    *,
    metric: bool = False,
    dtype: str = "float32",
) -> keras.Model:
    """Builds VGG19's topology up to the deepest of `layers`, with any widths and untrained weights.

    Args:
        widths: channels of the five blocks; `VGG19_WIDTHS` is the paper's network.
        layers: names such as "relu4_2"; the outputs, in this order.
        metric: whether each output passes through one more linear 1x1 convolution "metric_LAYER",
            which turns channels of a narrow network into coordinates in which plain squared
            distances approximate those between the wide network's features.
        dtype: Keras dtype policy of the convolutions, such as "mixed_bfloat16".

    Returns:
        A Keras model, [B, H, W, 3] RGB in [0, 1] -> {layer: [B, H/2^(block-1), W/2^(block-1), C]},
        each after its ReLU. Convolutions are called "block4_conv2" as in keras.applications.

    Reference:
        Simonyan, Zisserman 2015 (arXiv:1409.1556), table 1, column E.
    """
    deepest = max(_position(layer) for layer in layers)
    inputs = keras.Input((None, None, 3), name="image")
    x = VggPreprocessing(name="preprocessing")(inputs)
    maps = {}
    for block, (width, count) in enumerate(zip(widths, CONVOLUTIONS), 1):
        for convolution in range(1, count + 1):
            if (block, convolution) > deepest:
                break
            x = keras.layers.Conv2D(
                width, 3, padding="same", activation="relu",
                name=f"block{block}_conv{convolution}", dtype=dtype,
            )(x)
            maps[f"relu{block}_{convolution}"] = x
        if block == deepest[0]:
            break
        x = keras.layers.MaxPooling2D(2, name=f"block{block}_pool", dtype=dtype)(x)
    outputs = {}
    for layer in layers:
        output = maps[layer]
        if metric:
            output = keras.layers.Conv2D(
                output.shape[-1], 1, use_bias=False, name=f"metric_{layer}", dtype=dtype
            )(output)
        outputs[layer] = output
    return keras.Model(inputs, outputs)


@keras.saving.register_keras_serializable("nst_tf")
class VggPreprocessing(keras.layers.Layer):
    """RGB in [0, 1] -> BGR in 0..255 minus ImageNet's channel means, the range VGG19 was trained on."""

    def call(self, inputs):
        bgr = tf.cast(inputs, tf.float32)[..., ::-1] * 255.0
        return tf.cast(bgr - tf.constant(IMAGENET_MEAN[::-1]), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape


def load_vgg19(
    weights: str, layers: Sequence[str], *, dtype: str = "float32"
) -> FeatureExtractor:
    """Loads ImageNet VGG19.

    Args:
        weights: "imagenet" (downloaded once through Keras, md5 enforced) or the path of Keras's .h5
            without the top.
        layers: names of the wanted feature maps, from `LAYERS`.
        dtype: Keras dtype policy of the convolutions.

    Raises:
        UserError: an unknown layer, an unreadable file, or a failed download.
    """
    check_layers(layers, LAYERS)
    reference, path = _read_imagenet(weights)
    model = build_topology(VGG19_WIDTHS, layers, dtype=dtype)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            layer.set_weights(reference.get_layer(layer.name).get_weights())
    model.trainable = False
    return FeatureExtractor("vgg19", model, {"weights": weights, "sha256": sha256(path)})


def load_slim_vgg19(
    layers: Sequence[str], *, weights: str | None = None, dtype: str = "float32"
) -> FeatureExtractor:
    """Loads the narrow VGG19 distilled by `nst_tf.methods.slim_features`.

    Args:
        layers: names of the wanted feature maps, from `SLIM_LAYERS`.
        weights: path of an .npz made by `pack_slim`; None is the packaged one.
        dtype: Keras dtype policy of the convolutions.

    Returns:
        An extractor whose maps are coordinates in which squared distances approximate those of
        VGG19's features at the same layer: a loss written for one network serves the other.

    Raises:
        UserError: an unknown layer or an unreadable file.
    """
    check_layers(layers, SLIM_LAYERS)
    path = Path(weights) if weights else packaged_slim()
    try:
        with np.load(path) as archive:
            packed = dict(archive)
        widths = [int(width) for width in packed["widths"]]
        model = build_topology(widths, layers, metric=True, dtype=dtype)
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
    return FeatureExtractor("slim_vgg19", model, {"weights": origin, "sha256": sha256(path)})


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
        Arrays for `np.savez_compressed`: "NAME/kernel" int8, "NAME/scale" and "NAME/bias" float32.
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


def check_layers(layers: Sequence[str], known: Sequence[str]) -> None:
    """Raises `UserError` if a name in `layers` is not among `known`."""
    for layer in layers:
        if layer not in known:
            raise expected(f"a layer among {', '.join(known)}", repr(layer), "Mend its spelling.")


def sha256(path: str | Path) -> str:
    """Returns the SHA-256 of a file as 64 hexadecimal digits."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _position(layer: str) -> tuple[int, int]:
    match = re.fullmatch(r"relu(\d)_(\d)", layer)
    if not match or layer not in LAYERS:
        check_layers([layer], LAYERS)
    return int(match[1]), int(match[2])


def _read_imagenet(weights: str) -> tuple[keras.Model, Path]:
    if weights != "imagenet" and not Path(weights).is_file():
        raise expected(
            "--vgg_weights=imagenet or the path of Keras's VGG19 .h5 without the top",
            repr(weights),
            f"Download {IMAGENET_URL} (md5 {IMAGENET_MD5}) and pass its path.",
        )
    try:
        path = weights
        if weights == "imagenet":        # as keras.applications does, but the path is needed here
            path = keras.utils.get_file(
                IMAGENET_URL.rsplit("/", 1)[1], IMAGENET_URL, cache_subdir="models",
                file_hash=IMAGENET_MD5)
        return keras.applications.VGG19(weights=path, include_top=False), Path(path)
    except Exception as error:  # Keras, h5py and urllib raise a dozen unrelated types here.
        if weights != "imagenet":
            raise expected(
                "Keras's VGG19 .h5 without the top", f"{weights} ({_first_line(error)})",
                f"Download {IMAGENET_URL} again (md5 {IMAGENET_MD5}).",
            ) from error
        raise UserError(
            f"Expected to download VGG19 from {IMAGENET_URL} (md5 {IMAGENET_MD5}). "
            f"Received: {_first_line(error)}. Fetch the file by other means and pass "
            "--vgg_weights=PATH, or use --feature_network=slim_vgg19, which needs no download."
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
