"""Transfers of feature statistics against NumPy, SciPy and scikit-image, and their hard cases."""

import numpy as np
import pytest
import scipy.linalg
import scipy.stats
import skimage.exposure

from nst_tf.core.errors import UserError
from nst_tf.models import feature_transforms

NAMES = list(feature_transforms.TRANSFERS)


def maps(seed, height=12, width=10, channels=4, batch=1):
    """Features as a ReLU leaves them: correlated channels, many zeros."""
    rng = np.random.default_rng(seed)
    mixed = rng.normal(0.3, 1, (batch, height, width, channels)) @ rng.normal(
        0, 1, (channels, channels)
    )
    return np.maximum(mixed, 0).astype(np.float32)


def dense(seed, **size):
    """Features without two equal values."""
    return (
        maps(seed, **size)
        + np.random.default_rng(seed).normal(0, 1, 1)
        + 1e-3 * np.random.default_rng(seed + 1).normal(0, 1, maps(seed, **size).shape)
    ).astype(np.float32)


def moved(name, content, style):
    transfer = feature_transforms.transfer(name)
    return transfer.apply(content, transfer.describe(style)).numpy()


def columns(features):
    return features.reshape(-1, features.shape[-1]).astype(np.float64)


# -- what each transfers ---------------------------------------------------------------------------


def test_adain_gives_the_styles_means_and_deviations_and_keeps_the_pattern():
    content, style = maps(0), maps(1, 7, 9)
    drawn = moved("adain", content, style)
    np.testing.assert_allclose(
        columns(drawn).mean(0), columns(style).mean(0), rtol=1e-4
    )
    np.testing.assert_allclose(columns(drawn).std(0), columns(style).std(0), rtol=1e-3)
    for channel in range(4):
        assert (
            scipy.stats.pearsonr(
                columns(drawn)[:, channel], columns(content)[:, channel]
            )[0]
            > 0.9999
        )


def test_efdm_of_maps_of_one_size_gives_exactly_the_styles_values():
    content, style = maps(0, 16, 16), maps(1, 16, 16)  # as many values as quantiles
    drawn = moved("efdm", content, style)
    np.testing.assert_allclose(
        np.sort(columns(drawn), 0), np.sort(columns(style), 0), rtol=1e-5, atol=1e-6
    )
    order = [
        scipy.stats.rankdata(each, "ordinal", axis=0)
        for each in (columns(content), columns(drawn))
    ]
    # Where values are not equal, their order stays.
    different = np.diff(np.sort(columns(content), 0), axis=0).min(0) > 0
    assert all(
        np.array_equal(order[0][:, i], order[1][:, i])
        for i in np.flatnonzero(different)
    )


def test_histogram_is_scikit_images_where_maps_have_one_size_and_no_equal_values():
    content, style = dense(0, height=16, width=16), dense(1, height=16, width=16)
    wanted = skimage.exposure.match_histograms(content[0], style[0], channel_axis=-1)
    np.testing.assert_allclose(moved("histogram", content, style)[0], wanted, atol=1e-4)


def test_histogram_keeps_equal_values_equal_and_efdm_does_not():
    content, style = maps(0), dense(1)
    zeros = columns(content)[:, 0] == 0
    assert zeros.sum() > 5
    same, apart = (
        columns(moved(name, content, style))[zeros, 0] for name in ("histogram", "efdm")
    )
    assert np.ptp(same) < 1e-6 and np.ptp(apart) > 0.1


def test_quantiles_are_numpys():
    code = (
        feature_transforms.describe_quantiles(maps(0))
        .numpy()
        .reshape(4, feature_transforms.QUANTILES)
    )
    ranks = (
        np.arange(feature_transforms.QUANTILES) + 0.5
    ) / feature_transforms.QUANTILES
    wanted = np.quantile(columns(maps(0)), ranks, axis=0, method="hazen").T
    np.testing.assert_allclose(code, wanted, rtol=1e-4, atol=1e-5)


def test_correlation_gives_the_styles_means_and_covariance():
    content, style = dense(0, height=20, width=20), dense(1, height=18, width=9)
    drawn = columns(moved("correlation", content, style))
    np.testing.assert_allclose(
        drawn.mean(0), columns(style).mean(0), rtol=1e-3, atol=1e-3
    )
    wanted = np.cov(columns(style).T, bias=True)
    assert np.linalg.norm(np.cov(drawn.T, bias=True) - wanted) < 0.02 * np.linalg.norm(
        wanted
    )


def test_correlation_whitens_and_colors_with_scipys_roots():
    content, style = dense(0), dense(1)
    own, wanted = columns(content), columns(style)
    covariance = np.cov(own.T, bias=True)
    ridge = feature_transforms.RIDGE * np.trace(covariance) / 4 + 1e-8
    matrix = scipy.linalg.sqrtm(
        np.linalg.inv(covariance + ridge * np.eye(4))
    ) @ scipy.linalg.sqrtm(np.cov(wanted.T, bias=True))
    np.testing.assert_allclose(
        columns(moved("correlation", content, style)),
        (own - own.mean(0)) @ matrix + wanted.mean(0),
        rtol=1e-3,
        atol=1e-3,
    )


# -- what all have in common -----------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_pictures_own_style_changes_nothing_much(name):
    content = dense(0, height=16, width=16)
    error = np.linalg.norm(moved(name, content, content) - content) / np.linalg.norm(
        content
    )
    assert error < 0.02


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "content, style",
    [
        (maps(0), np.zeros((1, 5, 5, 4))),
        (np.ones((1, 6, 6, 4)), maps(1)),
        (maps(0), maps(1, 1, 1)),
        (maps(0, 1, 1), maps(1)),
        (maps(0, 1, 3), np.full((1, 1, 1, 4), 2.0)),
    ],
)
def test_constant_maps_and_maps_of_one_position_stay_finite(name, content, style):
    drawn = moved(name, content.astype(np.float32), style.astype(np.float32))
    assert drawn.shape == content.shape and np.isfinite(drawn).all()
    # No value is far outside what both pictures have.
    assert np.abs(drawn).max() <= 4 * max(np.abs(content).max(), np.abs(style).max())


@pytest.mark.parametrize("name", NAMES)
def test_pictures_of_a_batch_get_their_own_style(name):
    content, style = maps(0, batch=3), maps(1, batch=3)
    together = moved(name, content, style)
    for index in range(3):
        alone = moved(name, content[index : index + 1], style[index : index + 1])
        np.testing.assert_allclose(together[index], alone[0], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_one_code_serves_a_whole_batch(name):
    transfer, content, style = (
        feature_transforms.transfer(name),
        maps(0, batch=2),
        maps(1),
    )
    drawn = transfer.apply(content, transfer.describe(style)).numpy()
    np.testing.assert_allclose(
        drawn[1:], moved(name, content[1:], style), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_code_has_the_size_that_is_stated(name):
    transfer = feature_transforms.transfer(name)
    assert transfer.describe(maps(0, 5, 9, 6)).shape == (1, transfer.size(6))


def test_an_unknown_transfer_is_refused():
    with pytest.raises(UserError, match="adain, efdm, histogram, wct"):
        feature_transforms.transfer("gram")
