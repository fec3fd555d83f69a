"""The slim VGG19, a narrow copy distilled from ImageNet's: packed in 8 bits, and loaded."""

import importlib.resources
import json
import zipfile
import zlib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import keras
import numpy as np

from nst_tf.config.perceptual import PerceptualSettings
from nst_tf.core.errors import expected, first_line
from nst_tf.core.files import sha256
from nst_tf.features.eight_bits import pack_kernel, unpack_kernel
from nst_tf.features.extractors import FeatureExtractor, FeatureNetwork
from nst_tf.features.vgg import SLIM_LAYERS, build_topology

# What NumPy raises on a file that is no .npz, or a damaged one.
_DAMAGE = (
    OSError,
    LookupError,
    ValueError,
    TypeError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
)


def load_slim_vgg19(
    layers: Collection[str],
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
        weights: path of an .npz made of `pack_slim`'s arrays; None is the packaged one.
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
    SLIM_LAYERS.check_layers(layers)
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
            f"{path} ({first_line(error)})",
            "Pass another file, or reinstall the package for its own.",
        ) from error
    model.trainable = False
    provenance = {"weights": weights or "packaged", "sha256": sha256(path)}
    note = (
        ""
        if weights
        else "judged by the packaged slim VGG19; --feature_network=vgg19 paints better, and slower"
    )
    return FeatureExtractor("slim_vgg19", model, provenance, SLIM_LAYERS, note=note)


def _load(
    settings: PerceptualSettings,
    layers: Collection[str],
    *,
    as_encoder: bool = False,
    **options: str,
) -> FeatureExtractor:
    # --slim_weights are of the network that judges: encoders are the packaged one.
    weights = None if as_encoder else settings.slim_weights or None
    return load_slim_vgg19(layers, weights=weights, metric=not as_encoder, **options)


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
    packed: dict[str, np.ndarray] = {"widths": np.asarray(widths, np.int32)}
    for layer in model.layers:
        if not isinstance(layer, keras.layers.Conv2D):
            continue
        kernel, *bias = layer.get_weights()
        packed |= pack_kernel(layer.name, kernel)
        if bias:
            packed[f"{layer.name}/bias"] = bias[0].astype(np.float32)
    return packed


def unpack_layer(packed: Mapping[str, np.ndarray], name: str) -> list[np.ndarray]:
    """Returns [kernel, bias] (or [kernel]) of one layer as float32, from `pack_slim`'s arrays."""
    weights = [unpack_kernel(packed, name)]
    if f"{name}/bias" in packed:
        weights.append(packed[f"{name}/bias"])
    return weights


NETWORK = FeatureNetwork(SLIM_LAYERS, _load)
