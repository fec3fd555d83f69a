"""A feature network of one's own: a VGG of any shape that learnt to tell classes.

It is trained with batch norms, and used without: their scales and offsets are folded
into the convolutions, which gives the same maps.
"""

from collections.abc import Collection, Sequence
from pathlib import Path

import keras
import numpy as np

from nst_tf.config.perceptual import PerceptualSettings
from nst_tf.core.errors import expected, first_line
from nst_tf.core.files import sha256
from nst_tf.features.extractors import FeatureExtractor, FeatureNetwork
from nst_tf.features.vgg import build_topology, make_geometry
from nst_tf.runs.folder import RunFolder

SCORES = "scores"  # the layer whose outputs are the classes' scores
# Of the norms' averages. With Keras's 0.99 they are far behind after an epoch of a few
# hundred steps: 15 % of validation pictures were right, of training pictures 62 %.
NORM_MOMENTUM = 0.9
RANGE = "normalization"  # the layer that knows mean and deviation of the pictures


def build_classifier(
    widths: Sequence[int],
    convolutions: Sequence[int],
    classes: int,
    mean: Sequence[float],
    deviation: Sequence[float],
    dtype: str = "float32",
) -> keras.Model:
    """Builds a VGG with batch norms and untrained weights.

    Args:
        widths: channels of each block.
        convolutions: of each block.
        classes: how many there are.
        mean, deviation: of the training pictures, for each of R, G, B in [0, 1].
        dtype: Keras dtype policy of the convolutions, such as "mixed_bfloat16".

    Returns:
        A Keras model, [B, H, W, 3] RGB in [0, 1] -> scores [B, classes] in float32,
        before the softmax. Convolutions are called "block4_conv2" as in
        keras.applications, their norms "block4_norm2".

    Reference:
        Simonyan, Zisserman 2015 (arXiv:1409.1556). Ours: batch norms, and a mean over
        all positions in place of the dense layers, so that pictures may have any size.
    """
    inputs = keras.Input((None, None, 3), name="image")
    x = _normalization(mean, deviation)(inputs)
    for block, (width, count) in enumerate(zip(widths, convolutions), 1):
        if block > 1:
            x = keras.layers.MaxPooling2D(name=f"block{block - 1}_pool", dtype=dtype)(x)
        for number in range(1, count + 1):
            name = f"block{block}_conv{number}"
            x = keras.layers.Conv2D(
                width,
                3,
                padding="same",
                use_bias=False,
                kernel_initializer="he_normal",
                name=name,
                dtype=dtype,
            )(x)
            # Moments over all replicas, so that devices together learn as one does.
            x = keras.layers.BatchNormalization(
                momentum=NORM_MOMENTUM,
                synchronized=True,
                name=f"block{block}_norm{number}",
                dtype=dtype,
            )(x)
            x = keras.layers.ReLU(name=f"relu{block}_{number}", dtype=dtype)(x)
    x = keras.layers.GlobalAveragePooling2D(name="mean", dtype="float32")(x)
    outputs = keras.layers.Dense(classes, name=SCORES, dtype="float32")(x)
    return keras.Model(inputs, outputs, name="classifier")


def fold_norms(classifier: keras.Model) -> dict[str, list[np.ndarray]]:
    """Returns {"block4_conv2": [kernel, bias]} with which convolutions give what the
    norms behind them give.
    """
    weights = {}
    for layer in classifier.layers:
        if not isinstance(layer, keras.layers.Conv2D):
            continue
        norm = classifier.get_layer(layer.name.replace("_conv", "_norm"))
        scale, offset, mean, variance = norm.get_weights()
        factor = scale / np.sqrt(variance + norm.epsilon)
        (kernel,) = layer.get_weights()
        weights[layer.name] = [kernel * factor, offset - mean * factor]
    return weights


def open_run(path: str) -> FeatureNetwork:
    """Opens the run folder of a classifier as a feature network.

    Its layers are named as the literature's: "relu3_2" is the second map of the third
    block.

    Raises:
        UserError: no finished run of --method=classify is there.
    """
    run = RunFolder(Path(path))
    method = run.recorded.get("method")
    if method != "classify":
        what = "there is no run" if method is None else f"a run of --method={method}"
        raise expected(
            "--feature_network with the folder of a run of --method=classify",
            f"{path} ({what})",
            "Name another folder, or slim_vgg19 or vgg19.",
        )
    if not run.classifier.is_file():
        raise expected(
            "a finished run",
            f"{path}, which has no {run.classifier.name}",
            "Let it finish with "
            f"`python -m nst_tf.train --flagfile={run.flags} --resume`.",
        )
    geometry = make_geometry(run.recorded["settings"]["block_convolutions"])

    def load(
        settings: PerceptualSettings,
        layers: Collection[str],
        *,
        as_encoder: bool = False,
        **options: str,
    ) -> FeatureExtractor:
        return load_classifier(run, layers, **options)

    return FeatureNetwork(geometry, load)


def load_classifier(
    run: RunFolder,
    layers: Collection[str],
    *,
    pooling: str = "max",
    padding: str = "zeros",
    dtype: str = "float32",
) -> FeatureExtractor:
    """Loads the maps of a trained classifier.

    Args:
        run: the folder of a finished run of --method=classify.
        layers: names of the wanted feature maps, such as "relu3_2".
        pooling: "max", with which it was trained, "average" or "l2"; see
            `vgg.Pooling`.
        padding: "zeros", with which it was trained, or "reflect".
        dtype: Keras dtype policy of the convolutions.

    Raises:
        UserError: an unknown layer or an unreadable file.
    """
    shape = run.recorded["settings"]
    geometry = make_geometry(shape["block_convolutions"])
    geometry.check_layers(layers)
    # Keras, zip and HDF5 raise a dozen unrelated types on a damaged file.
    try:
        classifier = keras.saving.load_model(run.classifier, compile=False)
        weights = fold_norms(classifier)
        known = classifier.get_layer(RANGE)
    except Exception as error:
        raise expected(
            "a classifier as `nst_tf.train --method=classify` writes it",
            f"{run.classifier} ({first_line(error)})",
            "Train it again.",
        ) from error
    model = build_topology(
        shape["block_widths"],
        layers,
        convolutions=shape["block_convolutions"],
        preprocessing=_normalization(known.input_mean, np.sqrt(known.input_variance)),
        pooling=pooling,
        padding=padding,
        dtype=dtype,
    )
    for layer in model.layers:
        if layer.name in weights:
            layer.set_weights(weights[layer.name])
    model.trainable = False
    provenance = {"weights": str(run.path), "sha256": sha256(run.classifier)}
    return FeatureExtractor(f"classifier {run.name}", model, provenance, geometry)


def _normalization(
    mean: Sequence[float], deviation: Sequence[float]
) -> keras.layers.Layer:
    # In float32: bfloat16 has fewer levels than a picture.
    variance = np.square(np.asarray(deviation, np.float64))
    return keras.layers.Normalization(
        mean=[float(value) for value in mean],
        variance=[float(value) for value in variance],
        name=RANGE,
        dtype="float32",
    )
