"""Networks for phones' GPUs: the same picture from features whose squares float16 can hold."""

import numpy as np
import pytest
import tensorflow as tf
from support import tiny

from nst_tf.exporters import parity
from nst_tf.exporters.tflite import any_style, float16_range
from nst_tf.images import io as image_io
from nst_tf.models import adain_net, transform_net

pytestmark = pytest.mark.slow


def large(**shape):
    """A network whose features reach far beyond float16's range once squared, as
    trained ones' do.
    """
    network = tiny.network(**shape)
    for name, factor in (("residual1a", 300.0), ("up1", 40.0)):
        convolution = network.get_layer(f"{name}_conv")
        convolution.set_weights(
            [factor * weight for weight in convolution.get_weights()]
        )
    return transform_net.core(network)


@pytest.mark.parametrize(
    "shape", [{}, {"styles": 2}, {"styles": 2, "strength": True}], ids=str
)
def test_features_are_small_enough_to_be_squared_and_the_picture_is_the_same(shape):
    core = large(**shape)
    small = float16_range.within_float16(core)
    before, after = (
        max(float16_range.largest_features(each).values()) for each in (core, small)
    )
    with np.errstate(over="ignore"):
        assert np.isinf(np.float16(before) ** 2) and np.isfinite(np.float16(after) ** 2)
    photo = image_io.to_float(tiny.photo(44, 60))
    blend = (0.3, 0.6) if shape else ()
    assert (
        parity.psnr(tiny.draw(small, photo, blend), tiny.draw(core, photo, blend)) > 120
    )


def test_networks_of_small_features_stay_as_they_are():
    core = transform_net.core(tiny.network())
    for before, after in zip(
        core.get_weights(),
        float16_range.within_float16(core).get_weights(),
        strict=True,
    ):
        np.testing.assert_array_equal(before, after)


def test_a_network_of_any_style_stays_within_float16_and_paints_the_same():
    parts = adain_net.parts_of(tiny.any_style())
    convolution = parts.transform.get_layer("residual1a_conv")
    before_enlarged = convolution.get_weights()
    try:
        convolution.set_weights([300.0 * weight for weight in before_enlarged])
        core, small = (
            transform_net.core(parts.transform),
            any_style.transformer_for_phones(parts),
        )
    finally:
        convolution.set_weights(before_enlarged)  # the network is that of all tests
    photo = tf.constant(image_io.to_float(tiny.photo(48, 64)))[None]
    inputs = [photo, parts.encode_style(photo[:, ::-1, :, ::-1]), tf.ones((1, 1))]
    before, after = (
        float16_range.largest_features(each, [inputs])["residual1a_norm"]
        for each in (core, small)
    )
    with np.errstate(over="ignore"):
        assert np.isinf(np.float16(before) ** 2) and np.isfinite(np.float16(after) ** 2)
    assert parity.psnr(small(inputs).numpy(), core(inputs).numpy()) > 110


def test_a_transfer_without_norms_is_left_alone():
    core = transform_net.core(adain_net.parts_of(tiny.any_style("adain")).transform)
    for before, after in zip(
        core.get_weights(),
        float16_range.within_float16(core).get_weights(),
        strict=True,
    ):
        np.testing.assert_array_equal(before, after)
