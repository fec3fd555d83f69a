"""`python -m nst_tf.evaluate`: what is compared, what is written, and every bad input."""

import dataclasses
import importlib.metadata
import json
import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from scipy import interpolate, stats
from support import tiny
from support.pictures import smooth

import nst_tf
from nst_tf import evaluate
from nst_tf.config.evaluate import EvaluateSettings
from nst_tf.core.errors import UserError
from nst_tf.evaluation import contenders, report, run as evaluate_run, score
from nst_tf.evaluation.origin import describe_origin
from nst_tf.features import precision, slim_vgg19
from nst_tf.images import io as image_io
from nst_tf.losses import perceptual

LAYERS = {"style_layers": ("relu1_1", "relu2_1:3"), "content_layers": ("relu2_1",)}


STYLE = np.full((32, 32, 3), 0.4, np.float32)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Two photos, a style, and a folder of finished pictures: the photos in negative."""
    folder = tmp_path_factory.mktemp("inputs")
    for name in ("photos", "negatives"):
        (folder / name).mkdir()
    for seed, name in enumerate(("hill", "lake")):
        photo = smooth(48, 64, seed)
        photo.save(folder / "photos" / f"{name}.png")
        photo.point(lambda value: 255 - value).save(
            folder / "negatives" / f"{name}.png"
        )
    smooth(60, 50, 5).save(folder / "style.png")
    return folder


def small(inputs, output, **changes):
    return EvaluateSettings(
        **{
            "feature_network": "slim_vgg19",
            "content": str(inputs / "photos"),
            "image_size": 64,
            "style_image": str(inputs / "style.png"),
            "style_size": 50,
            "output": str(output),
            **LAYERS,
            **changes,
        }
    )


@pytest.fixture(scope="module")
def evaluated(inputs, tmp_path_factory):
    """The folder, the rows and the lines of one evaluation."""
    output, lines = tmp_path_factory.mktemp("evaluated"), []
    models = (
        f"negative={inputs / 'negatives'}",
        str(tiny.artifact("tiny.tflite")),
        f"both={inputs / 'photos'}+{inputs / 'negatives'}",
    )
    rows = evaluate_run.evaluate(
        small(inputs, output, models=models, reference="negative"), lines.append
    ).rows
    return output, {row.name: row for row in rows}, "\n".join(lines)


def test_a_judge_that_may_choose_its_arithmetic_says_which(
    inputs, tmp_path, monkeypatch
):
    monkeypatch.setattr(
        precision, "convolution_seconds", {"float32": 1.0, "bfloat16": 6.0}.get
    )
    said = []
    evaluate_run.evaluate(
        small(inputs, tmp_path, models=(), precision="auto"), said.append
    )
    assert any("--precision=float32" in line for line in said)


# -- what is measured ------------------------------------------------------------------------------


def test_identity_and_copy_of_the_style_are_always_beside_the_models(evaluated):
    _, rows, _ = evaluated
    assert list(rows) == [
        "identity",
        "copy of the style",
        "negative",
        "tiny.tflite",
        "both: photos",
        "both: negatives",
    ]
    assert rows["identity"].mean("content") == 0 and rows["identity"].mean(
        "ssim"
    ) == pytest.approx(1)
    assert rows["copy of the style"].mean("style") < 0.2 * rows["identity"].mean(
        "style"
    )
    assert rows["copy of the style"].mean("color_distance") < rows["identity"].mean(
        "color_distance"
    )


def test_finished_pictures_score_as_what_drew_them(evaluated):
    _, rows, _ = evaluated
    for metric, values in rows["identity"].values.items():
        assert rows["both: photos"].values[metric] == pytest.approx(values, abs=1e-6), (
            metric
        )
    assert (
        rows["negative"].mean("content")
        == rows["both: negatives"].mean("content")
        > 0.1
    )


def test_the_objective_is_the_training_loss(evaluated, inputs):
    _, rows, _ = evaluated
    weights = perceptual.LossWeights(
        1.0, 10.0, 0.0, {"relu2_1": 1.0}, {"relu1_1": 1.0, "relu2_1": 3.0}
    )
    loss = perceptual.PerceptualLoss(
        slim_vgg19.load_slim_vgg19(weights.layers), weights
    )
    photo, drawn = (
        image_io.read_image(inputs / folder / "lake.png").rgb[None]
        for folder in ("photos", "negatives")
    )
    target = loss.style_target(image_io.read_image(inputs / "style.png").rgb[None])
    terms = loss.terms(tf.constant(drawn), tf.constant(photo), target)
    for name, of_loss in (
        ("content", "content"),
        ("style", "style"),
        ("total", "loss"),
    ):
        assert rows["negative"].values[name][1] == pytest.approx(
            float(terms[of_loss][0]), rel=1e-5
        )
    by_layer = [
        rows["negative"].values[f"style {layer}"][1] for layer in ("relu1_1", "relu2_1")
    ]
    assert rows["negative"].values["style"][1] == pytest.approx(
        np.average(by_layer, weights=(1, 3))
    )


def test_only_what_paints_is_timed_and_tried_on_a_flat_picture(evaluated):
    _, rows, _ = evaluated
    timed = {name for name, row in rows.items() if "seconds_a_megapixel" in row.values}
    assert (
        timed
        == {"tiny.tflite"}
        == {name for name, row in rows.items() if "checkerboard_flat" in row.values}
        == {name for name, row in rows.items() if "noise_gain" in row.values}
    )


# -- what is written -------------------------------------------------------------------------------


def test_numbers_say_their_version_commit_machine_and_command(evaluated):
    output, _, _ = evaluated
    origin = json.loads((output / "numbers.json").read_text())["origin"]
    assert origin["version"] == importlib.metadata.version("nst_tf")
    assert f"{os.cpu_count()} cores" in origin["machine"] and origin["command"]
    checkout = Path(nst_tf.__file__).parents[1]
    if not (checkout / ".git").exists():
        pytest.skip("the package lies in no checkout of git")
    asked = ["git", "-C", str(checkout), "rev-parse", "HEAD"]
    commit = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    assert origin["commit"].rstrip("+") == commit.strip()


def test_a_package_outside_of_a_checkout_has_no_commit(tmp_path, monkeypatch):
    monkeypatch.setattr(nst_tf, "__file__", str(tmp_path / "nst_tf" / "__init__.py"))
    assert describe_origin()["commit"] == ""


def test_it_leaves_table_numbers_plot_and_sheet(evaluated):
    output, rows, said = evaluated
    assert {path.name for path in output.iterdir()} == set(evaluate_run.WRITTEN)
    table = (output / "table.md").read_text()
    assert table.strip() in said and "judged by slim_vgg19" in table
    assert "not comparable with what VGG19 says" in said
    numbers = json.loads((output / "numbers.json").read_text())
    (negative,) = [model for model in numbers["models"] if model["name"] == "negative"]
    assert negative["metrics"]["ssim"]["values"] == pytest.approx(
        rows["negative"].values["ssim"], abs=1e-6
    )
    low, high = negative["metrics"]["style"]["interval_95"]
    assert low <= negative["metrics"]["style"]["mean"] <= high
    assert image_io.read_image(output / "sheet.png").size[1] > 4 * evaluate_run.CELL
    assert image_io.read_image(output / "trade_off.png").size[0] > 200


def test_every_row_of_the_table_has_its_headings_and_the_objective_its_interval():
    values = {metric: np.array([0.1, 0.3]) for metric in report.COLUMNS}
    row = report.Measured("mine", "", {**values, "style relu1_1": np.array([0.5, 0.7])})
    lines = report.table([row]).splitlines()
    assert len({line.count("|") for line in lines[:3]}) == 1
    assert lines[2].startswith(
        "| mine | 0.200 [0.100, 0.300] | 0.2000 [0.1000, 0.3000] | 0.200 | "
    )
    assert lines[-1] == "| mine | 0.6000 |"


def test_a_family_is_read_off_at_the_content_of_the_reference():
    def row(name, family, content, style):
        return report.Measured(
            name, family, {"content": np.array([content]), "style": np.array([style])}
        )

    rows = [
        row("a", "ours", 1.0, 0.4),
        row("b", "ours", 2.0, 0.1),
        row("c", "narrow", 1.0, 0.4),
        row("d", "narrow", 1.2, 0.3),
        reference := row("theirs", "", 1.5, 0.1),
    ]
    lines = report.comparison(rows, reference).splitlines()
    # The geometric mean, half way; one photo has no spread.
    assert "| ours | 0.2000 [0.2000, 0.2000] | 2.000 [2.000, 2.000] |" in lines
    assert lines[-1].startswith("| narrow | ") and "(extrapolated)" in lines[-1]


CURVE = [(0.2, 9.0), (0.6, 2.5), (0.9, 0.9), (1.6, 0.1), (4.0, 0.02)]


@pytest.mark.parametrize("content", [0.2, 0.3, 0.75, 1.2, 1.59, 1.61, 3.9, 4.0])
def test_a_curve_is_read_off_between_the_points_on_both_sides(content):
    """Of 1.59 and 1.2 the two nearest points are others."""
    places, styles = zip(*CURVE)
    wanted = np.exp(np.interp(content, places, np.log(styles)))
    shuffled = [CURVE[index] for index in (3, 0, 4, 2, 1)]
    assert score.style_at_content(shuffled, content) == pytest.approx(wanted)


@pytest.mark.parametrize("content", [0.05, 5.0])
def test_beyond_its_ends_a_curve_goes_on_as_its_last_two_points(content):
    places, styles = zip(*CURVE)
    line = interpolate.interp1d(places, np.log(styles), fill_value="extrapolate")
    found = score.style_at_content(CURVE, content)
    assert found == pytest.approx(float(np.exp(line(content))))


def test_the_interval_at_equal_content_is_that_of_photos_drawn_for_all():
    rng = np.random.default_rng(3)
    hard = rng.uniform(0.5, 2.0, 60)  # hard photos are hard for all

    def row(name, family, content, style):
        values = {"content": content * hard, "style": style * hard}
        return report.Measured(name, family, values)

    rows = [row("a", "ours", 1.0, 0.4), row("b", "ours", 2.0, 0.1)]
    reference = row("theirs", "", 1.5, 0.2)
    (line,) = report.comparison([*rows, reference], reference).splitlines()[4:]
    # Their ratio is the same on every photo, so no draw can change it.
    assert line.endswith("| 1.000 [1.000, 1.000] |")
    drawn = stats.bootstrap(
        (0.2 * hard,), np.mean, method="percentile", random_state=1
    ).confidence_interval
    low, high = map(float, re.findall(r"\[(.+?), (.+?)\]", line)[0])
    assert (low, high) == pytest.approx((drawn.low, drawn.high), rel=0.02)


def test_models_of_one_content_are_no_curve_and_no_error():
    assert score.style_at_content([(1.0, 0.4), (1.0, 0.1)], 1.5) == pytest.approx(0.2)


def test_results_are_not_overwritten_without_a_word(evaluated, inputs):
    with pytest.raises(UserError, match="--overwrite"):
        evaluate_run.evaluate(small(inputs, evaluated[0]), print)


# -- Gatys -----------------------------------------------------------------------------------------


def test_gatys_is_painted_once_and_gets_better_with_iterations(inputs, tmp_path):
    settings = small(inputs, tmp_path, gatys=("4", "1"), photos=1)
    (photo, _), _ = evaluate_run.read_photos(
        dataclasses.replace(settings, photos=0), print
    )
    style = image_io.read_image(inputs / "style.png")
    baselines = contenders.make_gatys_baselines(settings, style)
    assert [each.name for each in baselines] == [
        "Gatys, 1 iterations",
        "Gatys, 4 iterations",
    ]
    judge = score.PerceptualScore(
        slim_vgg19.load_slim_vgg19(("relu1_1", "relu2_1")),
        style,
        perceptual.LossWeights(
            1.0, 10.0, 0.0, {"relu2_1": 1.0}, {"relu1_1": 1.0, "relu2_1": 3.0}
        ),
    )
    totals = [
        judge.terms(each.draw(photo), photo.rgb)["total"]
        for each in (contenders.make_identity(), *baselines)
    ]
    assert totals[0] > totals[1] > totals[2]
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.png")}
    contenders.make_gatys_baselines(settings, style)[1].draw(photo)
    del files[next(path for path in files if path.name == "style.png")]
    assert len(files) == 2 and all(
        path.stat().st_mtime_ns == then for path, then in files.items()
    )


def test_other_settings_paint_other_gatys_pictures(inputs, tmp_path):
    style = image_io.read_image(inputs / "style.png")
    for weight in (10.0, 20.0):
        contenders.make_gatys_baselines(
            small(inputs, tmp_path, gatys=("1",), style_weight=weight), style
        )
    assert len(list(tmp_path.glob("gatys_*"))) == 2


# -- bad input -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"models": ("nowhere",)}, "nowhere"),
        ({"models": ("a=nowhere+nothing",)}, "nowhere"),
        ({"reference": "none"}, "--reference among identity, copy of the style"),
        ({"content": "nowhere"}, "nowhere"),
        ({"style_image": "nowhere.png"}, "nowhere.png"),
        ({"style_layers": ("relu9_1",)}, "relu9_1"),
        ({"style_weight": -1.0}, "at least 0"),
    ],
)
def test_bad_input_is_said_in_one_line_before_anything_is_written(
    inputs, tmp_path, changes, message
):
    with pytest.raises(UserError, match=message):
        evaluate_run.evaluate(small(inputs, tmp_path / "out", **changes), print)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"gatys": ("many",)}, "--gatys"),
        ({"gatys": ("0",)}, "--gatys"),
        ({"image_size": 0}, "--image_size"),
        ({"photos": -1}, "--photos"),
        ({"output": ""}, "--output"),
        ({"feature_network": "vgg16"}, "--feature_network"),
    ],
)
def test_wrong_settings_are_refused(inputs, changes, message):
    with pytest.raises(UserError, match=message):
        small(inputs, **{"output": "out", **changes})


def test_two_models_of_one_name_need_names(inputs):
    with pytest.raises(UserError, match="negatives twice"):
        contenders.open_models([str(inputs / "negatives")] * 2, STYLE)


@pytest.mark.slow
def test_a_style_of_a_model_of_several_is_chosen_by_its_number(inputs, tmp_path):
    path = next(artifact.path for artifact in tiny.exported(3)[1]["tflite"])
    (model,) = contenders.open_models([f"last={path}@2"], STYLE)
    photo = evaluate_run.read_photos(small(inputs, tmp_path), print)[0][0]
    assert model.name == "last"
    np.testing.assert_allclose(
        model.draw(photo),
        tiny.draw(tiny.exported(3)[0], photo.rgb, (0, 0, 1)),
        atol=1e-4,
    )


@pytest.mark.slow
def test_a_model_of_any_style_paints_in_the_style_that_is_judged():
    (model,) = contenders.open_models(
        [str(tiny.any_style_exported() / "network.keras")], STYLE
    )
    photo = image_io.to_float(tiny.photo(40, 48))
    wanted = tiny.any_style()(
        [photo[None], STYLE[None], np.ones((1, 1), np.float32)]
    ).numpy()[0]
    drawn = model.draw(contenders.Photo("cat", "builtin:cat", photo))
    np.testing.assert_allclose(drawn, np.clip(wanted, 0, 1), atol=1e-4)


def test_a_result_that_is_missing_or_of_another_size_is_named(inputs, tmp_path):
    smooth(24, 32, 0).save(tmp_path / "hill.png")
    (model,) = contenders.open_models([str(tmp_path)], STYLE)
    (hill, lake), _ = evaluate_run.read_photos(small(inputs, tmp_path), print)
    with pytest.raises(UserError, match="hill.png at 64x48. Received: 32x24"):
        model.draw(hill)
    with pytest.raises(UserError, match="a picture named lake"):
        model.draw(lake)


def test_an_unfinished_run_is_no_folder_of_pictures(tmp_path):
    smooth(24, 32, 0).save(tmp_path / "contact_sheet.png")
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(UserError, match="a finished run"):
        contenders.open_models([str(tmp_path)], STYLE)


def test_a_model_that_draws_nan_is_named(inputs, tmp_path):
    settings = small(inputs, tmp_path)
    broken = contenders.Contender("broken", lambda photo: photo.rgb * np.nan)
    with pytest.raises(UserError, match="of broken"):
        evaluate_run.measure(
            broken, evaluate_run.read_photos(settings, print)[0], None, None
        )


def test_an_unreadable_photo_is_left_out_by_name(inputs, tmp_path):
    smooth(48, 64, 0).save(tmp_path / "fine.png")
    (tmp_path / "text.jpg").write_text("this is no picture")
    smooth(4, 64, 0).save(tmp_path / "thin.png")
    lines = []
    shown, left_out = evaluate_run.read_photos(
        small(inputs, tmp_path, content=str(tmp_path)), lines.append
    )
    assert [photo.name for photo in shown] == ["fine"] and len(left_out) == 2
    assert [name for name in ("text.jpg", "thin.png") if name in "\n".join(lines)] == [
        "text.jpg",
        "thin.png",
    ]


def test_the_command_ends_with_1_after_the_photos_that_can_be_read(
    inputs, in_process, tmp_path
):
    smooth(48, 64, 0).save(tmp_path / "fine.png")
    (tmp_path / "text.jpg").write_text("this is no picture")
    flags = {**LAYERS, "content": tmp_path, "output": tmp_path / "out"}
    flags["style_layers"] = flags["content_layers"] = "relu1_1"
    flags |= {"feature_network": "slim_vgg19", "style_image": inputs / "style.png"}
    status, out, _ = in_process(
        evaluate.main,
        EvaluateSettings,
        [f"--{name}={value}" for name, value in flags.items()],
    )
    assert status == 1 and "text.jpg" in out
    numbers = json.loads((tmp_path / "out" / "numbers.json").read_text())
    assert len(numbers["left_out"]) == 1 and "text.jpg" in numbers["left_out"][0]
    assert len(numbers["models"][0]["metrics"]["ssim"]["values"]) == 1


def test_names_of_any_bytes_and_formulas_are_evaluated(inputs, tmp_path):
    photos = tmp_path / os.fsdecode(b"\xff,=")
    photos.mkdir()
    smooth(48, 64, 0).save(photos / os.fsdecode(b"\xfe.png"))
    settings = small(
        inputs,
        tmp_path / os.fsdecode(b"out\xff"),
        content=str(photos),
        models=(
            f"{os.fsdecode(b'$x_ $')}={photos}",
            os.fsdecode(b"\xfd=") + str(photos),
        ),
    )
    said = []
    assert not evaluate_run.evaluate(settings, said.append).left_out
    assert r"| \udcfd |" in (Path(settings.output) / "table.md").read_text()


def test_names_of_baselines_are_taken(inputs):
    with pytest.raises(UserError, match="identity twice"):
        contenders.open_models([f"identity={inputs / 'negatives'}"], STYLE)
    with pytest.raises(UserError, match="NAME=PATH"):
        contenders.open_models(["mine="], STYLE)


def test_photos_of_one_name_in_two_folders_are_told_apart(inputs, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        smooth(48, 64, 0).save(tmp_path / folder / "one.png")
    shown, _ = evaluate_run.read_photos(
        small(inputs, tmp_path, content=str(tmp_path)), print
    )
    assert [photo.name for photo in shown] == ["a_one.png", "b_one.png"]


def test_the_command_exits_with_one_line(in_process, tmp_path):
    status, _, err = in_process(
        evaluate.main,
        EvaluateSettings,
        [
            "--models=nowhere",
            "--feature_network=slim_vgg19",
            f"--output={tmp_path / 'out'}",
        ],
    )
    assert (
        status == 1
        and err.startswith("error: Expected a model")
        and err.count("\n") == 1
    )
