"""VGG19 as it was trained on ImageNet: the weights that keras.applications distributes."""

from collections.abc import Collection
from pathlib import Path

import keras

from nst_tf.config.perceptual import PerceptualSettings
from nst_tf.core.errors import UserError, expected, first_line
from nst_tf.core.files import sha256
from nst_tf.features.extractors import FeatureExtractor, FeatureNetwork
from nst_tf.features.vgg import LAYERS, VGG19_WIDTHS, build_topology

IMAGENET_URL = (
    "https://storage.googleapis.com/tensorflow/keras-applications/vgg19/"
    "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"
)
IMAGENET_MD5 = "253f8cb515780f3b799900260a226db6"


def load_vgg19(
    weights: str,
    layers: Collection[str],
    *,
    pooling: str = "max",
    padding: str = "zeros",
    dtype: str = "float32",
) -> FeatureExtractor:
    """Loads ImageNet VGG19.

    Args:
        weights: "imagenet" (downloaded once through Keras, md5 enforced) or the path of
            Keras's .h5 without the top.
        layers: names of the wanted feature maps, from `vgg.LAYERS`.
        pooling: "max", "average" or "l2"; see `vgg.Pooling`.
        padding: "zeros" or "reflect"; see `vgg.build_topology`.
        dtype: Keras dtype policy of the convolutions.

    Raises:
        UserError: an unknown layer, an unreadable file, or a failed download.
    """
    LAYERS.check_layers(layers)
    reference, path = _read_imagenet(weights)
    model = build_topology(
        VGG19_WIDTHS, layers, pooling=pooling, padding=padding, dtype=dtype
    )
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            layer.set_weights(reference.get_layer(layer.name).get_weights())
    model.trainable = False
    provenance = {"weights": weights, "sha256": sha256(path)}
    return FeatureExtractor("vgg19", model, provenance, LAYERS)


def _load(
    settings: PerceptualSettings,
    layers: Collection[str],
    *,
    as_encoder: bool = False,
    **options: str,
) -> FeatureExtractor:
    return load_vgg19(settings.vgg_weights, layers, **options)


def _read_imagenet(weights: str) -> tuple[keras.Model, Path]:
    if weights != "imagenet" and not Path(weights).is_file():
        raise expected(
            "--vgg_weights=imagenet or the path of Keras's VGG19 .h5 without the top",
            repr(weights),
            f"Download {IMAGENET_URL} (md5 {IMAGENET_MD5}) and pass its path.",
        )
    try:
        path = weights
        # As keras.applications does, but the path is needed here.
        if weights == "imagenet":
            path = keras.utils.get_file(
                IMAGENET_URL.rsplit("/", 1)[1],
                IMAGENET_URL,
                cache_subdir="models",
                file_hash=IMAGENET_MD5,
            )
        return keras.applications.VGG19(weights=path, include_top=False), Path(path)
    # Keras, h5py and urllib raise a dozen unrelated types here.
    except Exception as error:
        if weights != "imagenet":
            raise expected(
                "Keras's VGG19 .h5 without the top",
                f"{weights} ({first_line(error)})",
                f"Download {IMAGENET_URL} again (md5 {IMAGENET_MD5}).",
            ) from error
        raise UserError(
            f"Expected to download VGG19 from {IMAGENET_URL} (md5 {IMAGENET_MD5}). "
            f"Received: {first_line(error)}. Fetch the file by other means and pass "
            "--vgg_weights=PATH, or use --feature_network=slim_vgg19, which needs no download."
        ) from error


NETWORK = FeatureNetwork(LAYERS, _load)
