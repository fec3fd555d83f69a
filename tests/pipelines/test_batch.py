"""`nst batch` on this machine: pictures, names, failures, and what a second run does."""

import csv
import io
import os

import numpy as np
import pytest
from support import batches, painting

from nst_tf.core.errors import UserError
from nst_tf.inference.folder import stylize_files

pytest.importorskip("apache_beam", reason="apache-beam, of the extra beam, is missing")


@pytest.fixture
def painted(models, photos, tmp_path):
    """A finished batch: (model, photos, output)."""
    output = tmp_path / "painted"
    values = batches.run(models["tflite"], photos, output)
    assert batches.counts(values) == (38, 0, 2)
    return models["tflite"], photos, output


# -- what is painted -------------------------------------------------------------------------------


def test_good_photos_become_what_stylize_makes_and_broken_ones_a_line_each(
    painted, broken, tmp_path
):
    model, photos, output = painted
    outcome = stylize_files(model, photos, f"{tmp_path}/stylized", log=lambda line: 0)
    assert batches.pictures(output) == batches.pictures(tmp_path / "stylized")
    assert set(batches.failures(output)) == broken
    assert set(batches.failures(output).values()) == set(outcome.failed)


def test_a_saved_model_paints_what_stylize_makes(models, photos, tmp_path):
    settings = {"image_size": 20, "quality": 80, "strip_metadata": True}
    batches.run(models["saved_model"], photos, tmp_path / "a", **settings)
    stylize_files(
        models["saved_model"],
        photos,
        f"{tmp_path}/b",
        log=lambda line: 0,
        **settings,
    )
    assert batches.pictures(tmp_path / "a") == batches.pictures(tmp_path / "b")


def test_a_model_of_any_style_is_asked_by_a_code(photos, tmp_path):
    painting.save(tmp_path / "style.png", 40, 40, seed=9)
    styles = {str(tmp_path / "style.png"): 2.0, "mosaic": 1.0}
    text = tuple(f"{name}:{share}" for name, share in styles.items())
    given = {"style": text, "strength": 0.5}
    batches.run("any_style", photos / "*.png", tmp_path / "a", **given)
    given["style"] = styles
    stylize_files("any_style", photos / "*.png", f"{tmp_path}/b", **given)
    assert batches.pictures(tmp_path / "a") == batches.pictures(tmp_path / "b")


@pytest.mark.parametrize(
    "spec", ["*.png", "**/*.png", "below", "0[0-4].jpg", "**/?[02468].*", "00.jpg"]
)
def test_a_glob_means_what_it_means_for_stylize(spec, models, photos, tmp_path):
    batches.run(models["tflite"], photos / spec, tmp_path / "a")
    log = {"log": lambda line: 0}
    stylize_files(models["tflite"], photos / spec, f"{tmp_path}/b/", **log)
    assert batches.pictures(tmp_path / "a") == batches.pictures(tmp_path / "b")


def test_the_numbers_are_those_of_the_photos(models, photos, tmp_path):
    values = batches.run(models["tflite"], photos, tmp_path / "a")
    pixels = sum((9 + number) * 13 for number in range(38))
    assert (values["pixels"], values["left_out"]) == (pixels, 2)
    assert 0 <= values["seconds"] < values["job_seconds"]


# -- a second run ----------------------------------------------------------------------------------


def states(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.*g")}


def test_a_second_run_paints_nothing(painted, broken):
    model, photos, output = painted
    before, lines = states(output), batches.lines(output)
    values = batches.run(model, photos, output)
    assert batches.counts(values) == (0, 38, 2)
    assert states(output) == before and batches.lines(output) == lines
    assert set(batches.failures(output)) == broken


@pytest.mark.parametrize(
    "change, word",
    [
        ("photo", "another photo"),
        ("model", "another model"),
        ("quality", "other settings"),
    ],
)
def test_what_changed_is_said_and_with_overwrite_painted_again(
    painted, models, change, word
):
    model, photos, output = painted
    before, changed, settings = batches.pictures(output), 38, {}
    if change == "photo":
        painting.save(photos / "06.jpg", 15, 13, seed=99)
        changed = 1
    elif change == "model":
        model = models["other"]
    else:
        settings = {"quality": 50}
    values = batches.run(model, photos, output, **settings)
    assert batches.counts(values) == (0, 38 - changed, 2 + changed)
    reasons = batches.failures(output)
    assert (
        sum(f"painted with {word}." in reason for reason in reasons.values()) == changed
    )
    assert batches.pictures(output) == before
    values = batches.run(model, photos, output, overwrite=True, **settings)
    assert batches.counts(values) == (changed, 38 - changed, 2)
    assert batches.pictures(output) != before
    values = batches.run(model, photos, output, **settings)
    assert batches.counts(values) == (0, 38, 2)


def test_a_picture_that_was_removed_is_painted_again(painted):
    model, photos, output = painted
    before = batches.pictures(output)
    (output / "06.jpg").unlink()
    assert batches.counts(batches.run(model, photos, output)) == (1, 37, 2)
    assert batches.pictures(output) == before


def test_what_a_killed_run_left_is_painted_again_whoever_painted_before(
    painted, models
):
    """The model was tried, another run began to paint with another one, and was killed."""
    model, photos, output = painted
    before = batches.pictures(output)
    claim = '{"state": "claimed", "run": 2, "output": "06.jpg", "input": "x"}\n'
    (output / "manifest" / "claimed-000002-ab.jsonl").write_text(claim)
    painting.save(output / "06.jpg", 15, 13)
    assert batches.counts(batches.run(model, photos, output)) == (1, 37, 2)
    assert batches.pictures(output) == before
    assert {line["run"] for line in batches.lines(output)} == {1, 3}


def test_a_file_that_is_not_ours_stays(models, photos, tmp_path):
    output = tmp_path / "painted"
    output.mkdir()
    (output / "06.jpg").write_text("mine")
    values = batches.run(models["tflite"], photos, output)
    assert batches.counts(values) == (37, 0, 3)
    reason = batches.failures(output)[str(photos / "06.jpg")]
    assert "no line of the manifest" in reason and "--overwrite" in reason
    assert (output / "06.jpg").read_text() == "mine"
    values = batches.run(models["tflite"], photos, output, overwrite=True)
    assert batches.counts(values) == (1, 37, 2)
    assert (output / "06.jpg").read_bytes() != b"mine"


# -- names -----------------------------------------------------------------------------------------


def test_a_hash_of_all_that_makes_a_picture_is_its_name(models, photos, tmp_path):
    output = tmp_path / "painted"
    hashed = {"names": "hash"}
    values = batches.run(models["tflite"], photos, output, **hashed)
    assert batches.counts(values) == (38, 0, 2)
    first = batches.pictures(output)
    stylize_files(models["tflite"], photos, f"{tmp_path}/b", log=lambda line: 0)
    plain = batches.pictures(tmp_path / "b")
    assert sorted(first.values()) == sorted(plain.values())
    values = batches.run(models["tflite"], photos, output, **hashed)
    assert batches.counts(values) == (0, 38, 2)
    painting.save(photos / "06.jpg", 15, 13, seed=99)
    values = batches.run(models["tflite"], photos, output, **hashed)
    assert batches.counts(values) == (1, 37, 2)
    assert first.items() < batches.pictures(output).items()


def test_photos_that_would_become_one_file_are_lines_and_not_painted(models, tmp_path):
    painting.save(tmp_path / "photos" / "a.gif")
    painting.save(tmp_path / "photos" / "a.png")
    painting.save(tmp_path / "photos" / "b.png")
    output = tmp_path / "painted"
    values = batches.run(models["tflite"], tmp_path / "photos", output)
    assert batches.counts(values) == (1, 0, 2)
    assert all(
        "both" in reason or "all become" in reason
        for reason in batches.failures(output).values()
    )
    assert set(batches.pictures(output)) == {"b.png"}


# -- lists and tables ------------------------------------------------------------------------------


def write_list(kind, path, photos):
    if kind == "txt":
        path.write_text("".join(f"{photo}\n" for photo in photos) + "\n")
    elif kind == "csv":
        text = io.StringIO()
        rows = csv.writer(text)
        rows.writerow(["who", "photo"])
        rows.writerows([f"a, {number}", photo] for number, photo in enumerate(photos))
        path.write_text(text.getvalue())
    else:
        import pyarrow
        import pyarrow.parquet

        table = pyarrow.table({"who": list(range(len(photos))), "photo": photos})
        pyarrow.parquet.write_table(table, path)


@pytest.mark.parametrize("kind", ["txt", "csv", "parquet"])
def test_the_photos_of_a_list_or_table_are_painted(kind, models, photos, tmp_path):
    wanted = [
        photos / "00.jpg",
        photos / "below" / "01.png",
        photos / "none, at all.jpg",
    ]
    write_list(kind, tmp_path / f"list.{kind}", list(map(str, wanted)))
    output = tmp_path / "painted"
    column = {} if kind == "txt" else {"column": "photo"}
    values = batches.run(
        models["tflite"], tmp_path / f"list.{kind}", output, root=str(photos), **column
    )
    assert batches.counts(values) == (2, 0, 1)
    assert set(batches.pictures(output)) == {"00.jpg", "below/01.png"}
    assert set(batches.failures(output)) == {str(wanted[2])}


def test_a_listed_photo_outside_the_root_or_in_the_output_is_a_line(
    models, photos, tmp_path
):
    output, outside = tmp_path / "painted", tmp_path / "outside.png"
    painting.save(outside)
    painting.save(output / "inside.png")
    write_list(
        "txt", photos / "list.txt", [outside, output / "inside.png", photos / "00.jpg"]
    )
    values = batches.run(models["tflite"], photos / "list.txt", output)
    assert batches.counts(values) == (1, 0, 2)
    reasons = batches.failures(output)
    assert "--root" in reasons[str(outside)]
    assert "originals" in reasons[str(output / "inside.png")]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_table_without_the_column_is_refused_by_name(kind, models, photos, tmp_path):
    write_list(kind, tmp_path / f"list.{kind}", [str(photos / "00.jpg")])
    with pytest.raises(UserError, match="a column path in .* Received: who, photo"):
        batches.run(models["tflite"], tmp_path / f"list.{kind}", tmp_path / "out")


# -- what is refused at once -----------------------------------------------------------------------


def test_a_batch_never_writes_over_its_photos(models, photos, tmp_path):
    before = painting.tree(tmp_path)
    for output in (photos, tmp_path):
        with pytest.raises(UserError, match="originals are never replaced"):
            batches.run(models["tflite"], photos, output)
    link = tmp_path / "link"
    os.symlink(photos, link)
    with pytest.raises(UserError, match="originals are never replaced"):
        batches.run(models["tflite"], photos, link)
    link.unlink()
    assert painting.tree(tmp_path) == before


def test_results_below_the_photos_are_not_painted_again(models, photos):
    output = photos / "below" / "painted"
    assert batches.counts(batches.run(models["tflite"], photos, output)) == (38, 0, 2)
    assert batches.counts(batches.run(models["tflite"], photos, output)) == (0, 38, 2)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"content": "{photos}/*.nothing"}, "Expected photos. Received: .*nothing"),
        ({"content": "{photos}/list.txt"}, "Expected a list of photos"),
        ({"style": ("nobody",)}, "Expected one of the styles"),
        ({"strength": 0.5}, "Expected --strength=1"),
        ({"model": "{photos}"}, "none of these"),
        ({"beam_options": "--regoin=x"}, "Received: --regoin=x"),
        ({"beam_options": "--direct_num_workers=many"}, "invalid int value"),
        ({"beam_options": "--runner=SparkRunner"}, "Expected --runner and --processes"),
        ({"beam_options": "'"}, "as a shell would read them"),
    ],
)
def test_what_cannot_be_is_one_line(changes, message, models, photos, tmp_path):
    given = {"model": str(models["tflite"]), "content": str(photos), **changes}
    given = {
        name: value.format(photos=photos) if isinstance(value, str) else value
        for name, value in given.items()
    }
    with pytest.raises(UserError, match=message) as refused:
        batches.run(output=tmp_path / "out", **given)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "out").exists() or "Expected photos" in message


def test_pictures_are_no_noise(painted):
    """So that equal files above are equal paintings, not equally empty ones."""
    _, _, output = painted
    assert np.std(painting.pixels(output / "06.jpg")) > 5
