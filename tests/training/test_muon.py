"""Muon: orthogonal steps for kernels against NumPy's SVD, Adam for the rest against Keras's."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from nst_tf.layers.normalization import InstanceNormalization
from nst_tf.models import transform_net
from nst_tf.training import muon


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("shape", [(576, 64), (27, 16), (8, 40), (16, 16)])
def test_an_orthogonalised_matrix_keeps_its_directions_and_has_singular_values_about_1(
    shape,
):
    u, s, vt = np.linalg.svd(noise(*shape), full_matrices=False)
    s = np.geomspace(1, 0.05, len(s))
    result = muon.orthogonalized(tf.constant((u * s @ vt).astype(np.float32))).numpy()
    values = np.diag(u.T @ result @ vt.T)
    assert 0.6 < values.min() and values.max() < 1.25
    np.testing.assert_allclose(u.T @ result @ vt.T, np.diag(values), atol=1e-3)


def test_no_gradient_is_no_step():
    assert not muon.orthogonalized(tf.zeros([9, 4])).numpy().any()


def variables():
    """A kernel for Muon, the last layer's kernel, a bias."""
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Conv2D(5, 3, name="hidden"),
            keras.layers.Conv2D(3, 3, name=transform_net.OUTPUT),
        ]
    )
    for index, weight in enumerate(model.trainable_weights):
        weight.assign(noise(*weight.shape, seed=index))
    return model.trainable_variables


def arrays(some):
    return [keras.ops.convert_to_numpy(variable).copy() for variable in some]


def moved(optimizer, steps=3):
    """How far each variable is moved by some steps of made-up gradients."""
    some = variables()
    before = arrays(some)
    optimizer.build(some)
    for step in range(steps):
        optimizer.apply_gradients(
            [
                (tf.constant(noise(*variable.shape, seed=100 * step + index)), variable)
                for index, variable in enumerate(some)
            ]
        )
    return [new - old for new, old in zip(arrays(some), before)]


def test_all_but_hidden_kernels_are_moved_as_keras_adam_moves_them():
    ours = moved(muon.Muon(1e-2, adam_layers=(transform_net.OUTPUT,), beta_2=0.99))
    adams = moved(keras.optimizers.Adam(1e-2, beta_2=0.99))
    for our, adam in zip(ours[1:], adams[1:]):
        np.testing.assert_allclose(our, adam, rtol=1e-5, atol=1e-7)
    assert np.abs(ours[0] - adams[0]).max() > 1e-3


def test_depthwise_kernels_are_moved_as_keras_adam_moves_them():
    def weights_after(optimizer):
        layer = keras.layers.DepthwiseConv2D(3)
        layer.build((None, 8, 8, 5))
        kernel = layer.trainable_variables[0]
        kernel.assign(noise(3, 3, 5, 1, seed=1))
        optimizer.build([kernel])
        optimizer.apply_gradients([(tf.constant(noise(3, 3, 5, 1, seed=2)), kernel)])
        return kernel.numpy()

    np.testing.assert_allclose(
        weights_after(muon.Muon(1e-2)),
        weights_after(keras.optimizers.Adam(1e-2, beta_2=0.99)),
        rtol=1e-5,
    )


def test_dense_kernels_are_moved_as_kernels_of_1x1_convolutions_and_norms_of_n_styles_by_the_root_of_n_adams_steps():
    def weight_after(optimizer, build, *shape):
        variable = build()
        variable.assign(noise(*shape, seed=1))
        optimizer.build([variable])
        optimizer.apply_gradients([(tf.constant(noise(*shape, seed=2)), variable)])
        return keras.ops.convert_to_numpy(variable).reshape(shape[-2:])

    def first_weight(layer, *inputs):
        layer.build(inputs)
        return layer.trainable_variables[0]

    dense, convolution = (
        weight_after(muon.Muon(1e-2), *kind)
        for kind in (
            (lambda: first_weight(keras.layers.Dense(5), None, 7), 7, 5),
            (
                lambda: first_weight(keras.layers.Conv2D(5, 1), None, 8, 8, 7),
                1,
                1,
                7,
                5,
            ),
        )
    )
    np.testing.assert_allclose(dense, convolution, atol=1e-6)
    ours, adams = (
        weight_after(
            optimizer,
            lambda: first_weight(InstanceNormalization(styles=3), None, 8, 8, 4),
            3,
            4,
        )
        - noise(3, 4, seed=1)
        for optimizer in (muon.Muon(1e-2), keras.optimizers.Adam(1e-2, beta_2=0.99))
    )
    np.testing.assert_allclose(ours, 3**0.5 * adams, rtol=1e-4)


def test_the_first_step_of_a_kernel_is_orthogonal_against_the_gradient_and_of_the_stated_size():
    step = moved(muon.Muon(1e-2, rms=0.4), steps=1)[0].reshape(27, 5)
    gradient = noise(3, 3, 3, 5, seed=0).reshape(27, 5)
    u, _, vt = np.linalg.svd(gradient, full_matrices=False)
    cosine = -np.sum(step * (u @ vt)) / np.linalg.norm(step) / np.linalg.norm(u @ vt)
    assert cosine > 0.95
    np.testing.assert_allclose(np.sqrt(np.mean(step**2)), 0.4 * 1e-2, rtol=0.2)


def test_the_average_of_gradients_is_nesterovs():
    """Of gradients g and then h, momentum m: m (m (1-m) g + (1-m) h) + (1-m) h."""
    some = variables()[:1]
    optimizer = muon.Muon(1.0, momentum=0.8)
    optimizer.build(some)
    gradients = [noise(3, 3, 3, 5, seed=seed) for seed in (1, 2)]
    optimizer.apply_gradients([(tf.constant(gradients[0]), some[0])])
    (before,) = arrays(some)
    optimizer.apply_gradients([(tf.constant(gradients[1]), some[0])])
    ahead = 0.8 * (0.8 * 0.2 * gradients[0] + 0.2 * gradients[1]) + 0.2 * gradients[1]
    wanted = (
        muon.orthogonalized(tf.constant(ahead.reshape(27, 5))).numpy() * 0.4 * 27**0.5
    )
    np.testing.assert_allclose(
        before - arrays(some)[0], wanted.reshape(3, 3, 3, 5), rtol=1e-4, atol=1e-6
    )


def test_its_configuration_round_trips():
    one = muon.Muon(3e-3, adam_layers=("out_conv",), rms=0.3, momentum=0.7, beta_2=0.98)
    other = muon.Muon.from_config(one.get_config())
    assert other.get_config() == one.get_config() and other.rms == 0.3


def test_of_norms_only_styles_that_learn_count_for_their_steps():
    def moved_by(**changes):
        layer = InstanceNormalization(styles=5)
        layer.build((None, 8, 8, 4))
        variable = layer.trainable_variables[0]
        before = keras.ops.convert_to_numpy(variable).copy()
        optimizer = muon.Muon(1e-2, **changes)
        optimizer.build([variable])
        optimizer.apply_gradients([(tf.constant(noise(5, 4, seed=2)), variable)])
        return keras.ops.convert_to_numpy(variable) - before

    np.testing.assert_allclose(
        moved_by(learning_rows=2) / moved_by(), (2 / 5) ** 0.5, rtol=1e-3
    )
