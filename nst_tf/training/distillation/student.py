"""Students of VGG19: narrow copies of it, refitted by least squares, and their metric.

The network that `methods.slim_features` trains, the student, is VGG19's topology with
fewer channels and, at each compared layer, an embedding: a linear map from its k
channels to VGG19's C. This file builds students and turns trained ones into the network
that is packaged; the method does the training.
"""

from collections.abc import Collection, Sequence

import keras
import numpy as np
import tensorflow as tf

from nst_tf.data import sample_photos
from nst_tf.features import extractors, vgg
from nst_tf.ops import statistics

COMPARED = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu4_2", "relu5_1")
CONTENT_LAYER = "relu4_2"
STYLE_LAYERS = tuple(layer for layer in COMPARED if layer != CONTENT_LAYER)
STRETCH = (0.5, 4.0)  # bounds of the calibration
RIDGE = 1e-4  # of least squares, share of the mean energy
EQUATIONS = 20  # of a refit, for each unknown
FEWEST = 24  # pictures of a refit


def build_student(widths: Sequence[int]) -> keras.Model:
    """Builds an untrained student.

    Returns:
        A Keras model, [B, H, W, 3] RGB in [0, 1] -> {"maps": {layer: [B, h, w, k]},
        "embedded": {layer: [B, h, w, C]}} for the layers in `COMPARED`; C is VGG19's
        width.
    """
    topology = vgg.build_topology(widths, COMPARED)
    wide = dict(zip(range(1, 6), vgg.VGG19_WIDTHS))
    embedded = {
        name: keras.layers.Conv2D(
            wide[int(name[4])], 1, use_bias=False, name=f"embedding_{name}"
        )(maps)
        for name, maps in topology.output.items()
    }
    return keras.Model(topology.input, {"maps": topology.output, "embedded": embedded})


def find_embedding(network: keras.Model, layer: str) -> tf.Variable:
    """Returns the kernel of a student's embedding at `layer`, [1, 1, k, C]."""
    return network.get_layer(f"embedding_{layer}").kernel


def name_layers(name: str) -> list[str]:
    """Returns the Keras names of a student's weights at layer `name`: convolution, and
    embedding.
    """
    return [_keras_name(name)] + [f"embedding_{name}"] * (name in COMPARED)


def embed_gram(maps: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Returns the Gram matrices in VGG19's channels without ever making its maps: E^T G E.

    Args:
        maps: [B, H, W, k], a student's.
        kernel: the embedding E, [k, C].

    Returns:
        [B, C, C] float32.
    """
    gram = statistics.gram_matrix(maps)
    return tf.matmul(kernel, tf.matmul(gram, kernel), transpose_a=True)


def choose_channels(gram: np.ndarray, count: int) -> np.ndarray:
    """Chooses channels that explain most of the others: pivoted elimination of their Gram matrix.

    Each round takes the channel whose projection removes most of what is left, and
    removes it.

    Args:
        gram: [C, C], uncentered second moments.
        count: how many to choose, at most C.

    Returns:
        int [count], ascending.
    """
    left, chosen = gram.astype(np.float64).copy(), []
    for _ in range(count):
        diagonal = np.diag(left).copy()
        diagonal[chosen] = 0
        gain = np.where(
            diagonal > 1e-9 * gram.trace(),
            (left**2).sum(0) / np.maximum(diagonal, 1e-30),
            diagonal,
        )
        gain[chosen] = -1
        pivot = int(gain.argmax())
        chosen.append(pivot)
        if left[pivot, pivot] > 0:
            left -= np.outer(left[:, pivot], left[pivot]) / left[pivot, pivot]
    return np.sort(chosen)


def refit(
    network: keras.Model,
    teacher: extractors.FeatureExtractor,
    pictures: tf.Tensor,
    kept: Collection[str] = (),
) -> None:
    """Sets a student's kernels and embeddings by least squares, layer after layer.

    Every kernel is fitted from the student's actual input patches to the teacher's
    pre-activations of the chosen channels, so that it corrects errors of earlier layers
    as far as it can.

    Args:
        network: a student.
        teacher: VGG19 with all of `vgg.SLIM_LAYERS`.
        pictures: [N, S, S, 3]; shallow layers, which have more positions in each, use
            the first of them.
        kept: layers whose kernels and embeddings stay as they are.
    """
    for name in vgg.SLIM_LAYERS:
        if name in kept:
            continue
        conv = network.get_layer(_keras_name(name))
        normal = mixed = energy = 0.0
        for patches, wanted in _equations(network, teacher, name, pictures):
            maps = np.maximum(wanted, 0)
            normal += (patches.T @ patches).astype(np.float64)
            mixed += (patches.T @ wanted).astype(np.float64)
            energy += (maps.T @ maps).astype(np.float64)
        chosen = choose_channels(energy, conv.filters)
        solution = _solve(normal, mixed[:, chosen])
        conv.set_weights([solution[:-1].reshape(conv.kernel.shape), solution[-1]])
        if name not in COMPARED:
            continue
        normal = mixed = 0.0
        for patches, wanted in _equations(network, teacher, name, pictures):
            maps = np.maximum(patches @ solution, 0)
            normal += (maps.T @ maps).astype(np.float64)
            mixed += (maps.T @ np.maximum(wanted, 0)).astype(np.float64)
        find_embedding(network, name).assign(_solve(normal, mixed)[None, None])


def solve_least_squares(
    inputs: np.ndarray, outputs: np.ndarray, ridge: float = RIDGE
) -> np.ndarray:
    """Returns W [n, m] that makes |inputs W - outputs|^2 + ridge * mean energy * |W|^2 smallest."""
    return _solve(inputs.T @ inputs, inputs.T @ outputs, ridge)


def pack_model(
    network: keras.Model,
    teacher: extractors.FeatureExtractor,
    widths: Sequence[int],
    pairs: Sequence[tf.Tensor],
) -> keras.Model:
    """Turns a student into the network that is packaged: all layers, each with its metric.

    With the embedding E [k, C] distances in the teacher's space are d^T (E E^T) d, so
    that the symmetric root of E E^T [k, k] gives them in k channels. Layers that were
    not compared in training get an embedding by least squares here.

    Least squares shrinks distances: differences the student cannot represent are lost,
    most in deep layers, which a loss made of them would neglect. So the part of a map
    that differs from its mean direction is stretched until distances match the
    teacher's.

    Args:
        network: a trained student.
        teacher: VGG19 with all of `vgg.SLIM_LAYERS`.
        widths: of the student.
        pairs: photos, changed versions of them, and styles: three batches [N, S, S, 3]
            of one size.

    Returns:
        A model as `vgg.build_topology(widths, vgg.SLIM_LAYERS, metric=True)` makes it.
    """
    model = vgg.build_topology(widths, vgg.SLIM_LAYERS, metric=True)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D) and not layer.name.startswith(
            "metric_"
        ):
            layer.set_weights(network.get_layer(layer.name).get_weights())
    raw = keras.Model(
        model.input,
        {name: model.get_layer(_keras_name(name)).output for name in vgg.SLIM_LAYERS},
    )
    # In small batches: VGG19's maps of all pictures at once would take many GB beside
    # the results.
    narrow, wide = (
        each.predict(tf.concat(pairs, 0), batch_size=4, verbose=0)
        for each in (raw, teacher.model)
    )
    for name in vgg.SLIM_LAYERS:
        maps, targets = narrow[name], wide[name]
        if name in COMPARED:
            kernel = find_embedding(network, name).numpy()[0, 0]
        else:
            kernel = solve_least_squares(
                *(each.reshape(-1, each.shape[-1]) for each in (maps, targets))
            )
        metric = calibrate_metric(kernel, maps, targets, of_grams=name != CONTENT_LAYER)
        values, vectors = np.linalg.eigh(metric)
        root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
        model.get_layer(f"metric_{name}").set_weights(
            [root[None, None].astype(np.float32)]
        )
    return model


def calibrate_metric(
    kernel: np.ndarray, maps: np.ndarray, targets: np.ndarray, *, of_grams: bool
) -> np.ndarray:
    """Returns A [k, k] with which relative squared distances d^T A d match the teacher's on average.

    A = s^2 E E^T + (1 - s^2) v v^T, where v = E m and m is the unit vector of the mean
    embedded feature: everything but the mean direction is stretched by s, which is
    found by bisection.

    Args:
        kernel: the embedding E, [k, C].
        maps: [3 * N, h, w, k], the student's for photos, changed photos and styles.
        targets: [3 * N, h, w, C], the teacher's for the same.
        of_grams: whether distances are those of Gram matrices to the style's, or those
            of maps between photo and changed photo.
    """
    kernel = kernel.astype(np.float64)
    mean = maps.mean((0, 1, 2)) @ kernel
    direction = kernel @ (mean / np.linalg.norm(mean))
    plain, along = kernel @ kernel.T, np.outer(direction, direction)
    errors = _gram_errors if of_grams else _map_errors
    wanted = np.log(errors(targets)(np.eye(targets.shape[-1]))).mean()
    reached = errors(maps)

    def metric(stretch):
        return stretch**2 * plain + (1 - stretch**2) * along

    low, high = STRETCH
    for _ in range(20):
        middle = np.sqrt(low * high)
        if np.log(reached(metric(middle))).mean() < wanted:
            low = middle
        else:
            high = middle
    return metric(np.sqrt(low * high))


def measure_held_out_errors(
    slim: extractors.FeatureExtractor, targets: keras.Model
) -> dict:
    """Returns {layer: {"feature", "gram"}}: how far the student's distances are from the teacher's.

    "feature" is the mean over pairs of photographs of |d_slim / d_wide - 1|, where d is
    the relative squared distance between their maps; "gram" is the same for their Gram
    matrices.
    """
    pictures = tf.stack(
        [_center(sample_photos.builtin_photo(name)) for name in sample_photos.PHOTOS]
    )
    first, second = np.array([(i, j) for i in range(len(pictures)) for j in range(i)]).T
    narrow, wide = slim(pictures), targets(pictures)
    errors = {}
    for layer in COMPARED:
        errors[layer] = {}
        for name, of in (
            ("feature", lambda maps: maps),
            ("gram", statistics.gram_matrix),
        ):
            distances = [
                statistics.relative_squared_error(
                    tf.gather(of(maps[layer]), first),
                    tf.gather(of(maps[layer]), second),
                )
                for maps in (narrow, wide)
            ]
            ratio = (distances[0] / distances[1]).numpy()
            errors[layer][name] = round(float(np.abs(ratio - 1).mean()), 4)
    return errors


def _gram_errors(maps):
    """metric -> relative squared distances of photos' and changed photos' Gram matrices
    to the styles'.
    """
    grams = statistics.gram_matrix(maps).numpy().astype(np.float64)
    originals, changed, styles = np.split(grams, 3)
    differences = np.concatenate([originals - styles, changed - styles])

    def energy(gram, metric):  # squared norm in the space of the metric
        product = gram @ metric
        return np.einsum("nij,nji->n", product, product)

    return lambda metric: (
        energy(differences, metric) / np.tile(energy(styles, metric), 2)
    )


def _map_errors(maps):
    """metric -> relative squared distances of the changed photos' maps to the photos'."""
    originals, changed, _ = np.split(maps, 3)

    def moments(values):  # [N, k, k]: sum over positions of v v^T
        flat = values.reshape(len(values), -1, values.shape[-1])
        return np.matmul(flat.transpose(0, 2, 1), flat).astype(np.float64)

    numerator, denominator = moments(changed - originals), moments(originals)
    return lambda metric: (
        np.einsum("nij,ij->n", numerator, metric)
        / np.einsum("nij,ij->n", denominator, metric)
    )


def _equations(network, teacher, name, pictures):
    """Yields patches before a layer, each with a 1 for the bias, [n, 9 * k + 1], and
    the teacher's pre-activations there [n, C]: some pictures at a time, as many as the
    unknowns need.
    """
    narrow, wide = (
        each.get_layer(_keras_name(name)) for each in (network, teacher.model)
    )
    before, wide_before = (
        keras.Model(each.input, layer.input)
        for each, layer in ((network, narrow), (teacher.model, wide))
    )
    kernel, bias = wide.get_weights()
    positions = (pictures.shape[1] // teacher.stride(name)) ** 2
    unknowns = 9 * narrow.kernel.shape[2] + 1
    count = min(max(FEWEST, -(-EQUATIONS * unknowns // positions)), len(pictures))
    for start in range(0, count, 4):
        part = pictures[start : start + 4]
        patches = tf.image.extract_patches(
            before(part), [1, 3, 3, 1], [1, 1, 1, 1], [1, 1, 1, 1], "SAME"
        )
        wanted = tf.nn.conv2d(wide_before(part), kernel, 1, "SAME") + bias
        patches, wanted = (
            tf.reshape(each, [-1, each.shape[-1]]).numpy() for each in (patches, wanted)
        )
        yield np.pad(patches, [(0, 0), (0, 1)], constant_values=1.0), wanted


def _solve(normal, mixed, ridge=RIDGE):
    normal = normal.copy()
    normal[np.diag_indices_from(normal)] += ridge * np.trace(normal) / len(normal)
    return np.linalg.solve(normal, mixed).astype(np.float32)


def _center(pixels, size=256):
    top, left = ((side - size) // 2 for side in pixels.shape[:2])
    return tf.cast(pixels[top : top + size, left : left + size], tf.float32) / 255.0


def _keras_name(layer):
    return layer.replace("relu", "block").replace("_", "_conv")
