"""nst sheet: one photo in every style of some models."""

import numpy as np
import pytest
from PIL import Image
from support.pictures import smooth

from nst_tf.config.painting.sheet import SheetSettings
from nst_tf.core.errors import UserError
from nst_tf.images.contact_sheet import CAPTION, GAP
from nst_tf.images.io import read_image, to_uint8
from nst_tf.inference.open_model import load_model
from nst_tf.inference.sheet import write_sheet


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    smooth(32, 48).save(path)
    return path


def _settings(photo, **changes):
    return SheetSettings.of(
        {"content": str(photo), "output": str(photo.with_name("sheet.png")), **changes}
    )


def test_every_style_of_every_model_is_on_the_sheet_at_100_percent(photo, capsys):
    models = ("painters", "starry_night_mobile")
    settings = _settings(photo, models=models, columns=4, image_size=48)
    assert write_sheet(settings).status == 0
    assert "9 styles of 2 models" in capsys.readouterr().out
    sheet = np.asarray(Image.open(settings.output))
    # The photo and nine paintings are three rows of four cells.
    assert sheet.shape == (3 * (32 + CAPTION + GAP) + GAP, 4 * (48 + GAP) + GAP, 3)
    image = read_image(photo).rgb
    last = to_uint8(load_model("starry_night_mobile")(image))
    top, left = 2 * (32 + CAPTION + GAP) + GAP, GAP + (48 + GAP)
    np.testing.assert_array_equal(sheet[top : top + 32, left : left + 48], last)


def test_a_model_of_any_style_paints_the_pictures_named(photo, capsys):
    settings = _settings(photo, models=("any_style",), styles=("mosaic", str(photo)))
    assert write_sheet(settings).status == 0
    assert "2 styles of 1 models" in capsys.readouterr().out


def test_a_model_that_is_missing_is_named_and_the_others_are_shown(photo, capsys):
    settings = _settings(photo, models=("nothing", "starry_night_mobile"))
    assert write_sheet(settings).status == 1
    shown = capsys.readouterr()
    assert "nothing (there is nothing)" in shown.err and "failed: 1" in shown.out
    with pytest.raises(UserError, match="a model that paints"):
        write_sheet(_settings(photo, models=("nothing",), overwrite=True)).status


def test_an_existing_sheet_is_kept_before_anything_is_painted(photo):
    photo.with_name("sheet.png").write_bytes(b"mine")
    with pytest.raises(UserError, match="--overwrite"):
        write_sheet(_settings(photo)).status
    assert photo.with_name("sheet.png").read_bytes() == b"mine"


def test_larger_photos_are_refused_and_the_flag_that_the_error_names_exists(photo):
    with pytest.raises(UserError, match="--max_pixels"):
        write_sheet(_settings(photo, max_pixels=1000))
    models = ("starry_night_mobile",)
    assert write_sheet(_settings(photo, models=models, max_pixels=2000)).status == 0
