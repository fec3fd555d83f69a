"""The packaged style pictures and the programs that paint them."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nst_tf.core.errors import UserError
from nst_tf.data import style_images
from tools.style_pictures import paint_styles, vary_paintings

SCALE = 0.1  # of the packaged size: enough to paint every technique, in a second or so
NAMES = sorted(paint_styles.STYLES)
TOTAL_BYTES = 900_000
# Colorfulness (below) and edge density of plain photographs lie near 25 and 0.05.
COLORFUL = {"ink_wash": 8.0}  # black ink on cream paper
MIN_COLORFULNESS = 40.0
MIN_EDGE_DENSITY = 0.10
SOFT = {
    "starry_swirls": 0.02
}  # broad strokes, as a camera sees them: no edge within single pixels


@pytest.fixture(scope="module")
def small():
    return {name: paint_styles.painted(name, SCALE) for name in NAMES}


@pytest.fixture(scope="module")
def packaged():
    paths = style_images.packaged_styles()
    return {
        name: np.asarray(Image.open(path).convert("RGB"))
        for name, path in paths.items()
    }


def colorfulness(picture):
    """Spread and strength of the opponent colors, after Hasler and Suesstrunk (2003)."""
    red, green, blue = np.moveaxis(picture.astype(float), -1, 0)
    opponents = np.stack([red - green, (red + green) / 2 - blue])
    spread, mean = opponents.std(axis=(1, 2)), opponents.mean(axis=(1, 2))
    return np.hypot(*spread) + 0.3 * np.hypot(*mean)


def edge_density(picture, factor):
    """Share of the pixels, `factor` times coarser, that differ from a neighbor by 10 % or more."""
    image = Image.fromarray(picture).convert("L").reduce(factor)
    gray = np.asarray(image, float)
    down, right = np.diff(gray, axis=0)[:, :-1], np.diff(gray, axis=1)[:-1]
    return np.mean(np.hypot(down, right) >= 25.5)


def thumbnail(picture):
    """The picture's coarse layout, [12, 16, 3], with mean 0 and deviation 1."""
    image = Image.fromarray(picture).resize((16, 12), Image.Resampling.BOX)
    layout = np.asarray(image, float)
    return (layout - layout.mean()) / layout.std()


def test_every_packaged_picture_is_in_the_table_and_the_other_way_round():
    assert sorted(style_images.packaged_styles()) == NAMES


def test_packaged_pictures_stay_within_their_bytes():
    assert (
        sum(path.stat().st_size for path in style_images.packaged_styles().values())
        <= TOTAL_BYTES
    )


@pytest.mark.parametrize("name", NAMES)
def test_packaged_picture_has_the_size_of_its_table_row(name, packaged):
    style = paint_styles.STYLES[name]
    assert packaged[name].shape == (style.height, style.width, 3)
    assert min(style.height, style.width) >= 480


@pytest.mark.parametrize("name", NAMES)
def test_packaged_picture_is_colorful(name, packaged):
    assert colorfulness(packaged[name]) >= COLORFUL.get(name, MIN_COLORFULNESS)


@pytest.mark.parametrize("factor", [1, 2, 4, 8])
@pytest.mark.parametrize("name", NAMES)
def test_packaged_picture_has_edges_at_every_scale(name, factor, packaged):
    least = SOFT.get(name, MIN_EDGE_DENSITY) if factor == 1 else MIN_EDGE_DENSITY
    assert edge_density(packaged[name], factor) >= least


@pytest.mark.parametrize("name", NAMES)
def test_packaged_picture_uses_the_full_range_of_tones(name, packaged):
    low, high = np.percentile(packaged[name].mean(-1), [1, 99])
    assert low < 60 and high > 195


def test_the_flagship_has_no_flat_patch(packaged):
    gray = packaged["starry_swirls"].mean(-1)
    rows, columns = gray.shape[0] // 32, gray.shape[1] // 32
    patches = gray[: rows * 32, : columns * 32].reshape(rows, 32, columns, 32)
    assert patches.std(axis=(1, 3)).min() > 6


@pytest.mark.parametrize("name", NAMES)
def test_packaged_picture_has_the_layout_that_its_painter_paints(name, small, packaged):
    likeness = np.mean(thumbnail(small[name]) * thumbnail(packaged[name]))
    others = [
        np.mean(thumbnail(small[other]) * thumbnail(packaged[name]))
        for other in NAMES if other != name
    ]  # fmt: skip
    assert likeness > 0.8
    assert likeness > max(others)


@pytest.mark.parametrize("name", NAMES)
def test_painting_again_gives_equal_pixels(name, small):
    np.testing.assert_array_equal(paint_styles.painted(name, SCALE), small[name])


@pytest.mark.parametrize("name", NAMES)
def test_another_seed_paints_another_picture(name, small):
    height, width, _ = small[name].shape
    other = paint_styles.STYLES[name].paint(99, height, width)
    assert np.mean(other != small[name]) > 0.3


def test_saving_writes_a_jpeg_under_the_style_name(tmp_path, monkeypatch, small):
    monkeypatch.setattr(paint_styles, "painted", lambda name: small[name])
    path = paint_styles.save("mosaic", tmp_path)
    assert path == tmp_path / "mosaic.jpg"
    image = Image.open(io.BytesIO(path.read_bytes()))
    assert (image.format, image.size) == ("JPEG", small["mosaic"].shape[1::-1])


def test_variations_are_pairs_of_two_paintings_none_twice_and_programs_in_turn():
    paintings = [Path(f"{name}.jpg") for name in "abcd"]
    plan = list(vary_paintings.plan_variations(paintings, Path("to"), 12, 7, seed=3))
    pairs = [(each.strokes, each.colors) for each in plan[:12]]
    assert len(set(pairs)) == 12 and all(one != other for one, other in pairs)
    assert [each.strokes for each in plan[12:17]] == list(paint_styles.STYLES)
    assert len({each.path for each in plan}) == 19
    again = vary_paintings.plan_variations(paintings, Path("to"), 12, 7, seed=3)
    assert list(again) == plan


def test_an_exchanged_picture_has_the_strokes_of_one_and_the_colors_of_another(
    tmp_path,
):
    strokes, colors = (
        str(style_images.packaged_styles()[name]) for name in ("mosaic", "ink_wash")
    )
    made = vary_paintings.Variation(tmp_path / "made.png", strokes, colors, 0)
    made.write(side=160)
    drawn, one, other = (
        np.asarray(Image.open(path).convert("RGB").resize((160, 160)), float)
        for path in (made.path, strokes, colors)
    )
    shares = np.linspace(0.05, 0.95, 10)
    for channel in range(3):
        quantiles = [np.quantile(each[..., channel], shares) for each in (drawn, other)]
        assert np.abs(quantiles[0] - quantiles[1]).max() < 12
    grays = [each.mean(-1).ravel() for each in (drawn, one)]
    assert np.corrcoef(*grays)[0, 1] > 0.8


def test_an_existing_variation_is_not_replaced(tmp_path):
    path = tmp_path / "made.png"
    path.write_bytes(b"mine")
    style = str(style_images.packaged_styles()["mosaic"])
    with pytest.raises(UserError, match="exists"):
        vary_paintings.Variation(path, style, style, 0).write(side=32)
    assert path.read_bytes() == b"mine"
