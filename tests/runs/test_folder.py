"""Run folders: what is refused, replaced, resumed, and never touched."""

import json

import pytest

from nst_tf.config.train import TrainSettings
from nst_tf.core.errors import UserError
from nst_tf.runs import folder as run_folder
from nst_tf.runs.folder import RunFolder, open_run


def settings(output, **changes):
    return TrainSettings.of({"output": str(output), "steps": 3, **changes})


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_new_run_records_settings_versions_and_replayable_flags(tmp_path):
    run = open_run(settings(tmp_path / "a" / "run", style_weight=7.0))
    record = json.loads(run.record.read_text())
    assert (
        record["settings"]["style_weight"] == 7.0 and "tensorflow" in record["versions"]
    )
    assert "--style_weight=7.0" in run.flags.read_text() and run.name == "run"


def test_run_flags_repeat_every_setting_of_the_run(tmp_path):
    """Parsed by absl itself, each flag gives back the value it was made from."""
    from absl import flags

    from nst_tf.config.commandline import flags as config_flags

    changed = settings(
        tmp_path,
        style_layers=("relu1_1:0.5", "relu2_1"),
        tensorboard=False,
        minutes=2.5,
        export=(),
        schedule="constant",
        content="a folder,b",
    )
    own = flags.FlagValues()
    config_flags.define(TrainSettings, own)
    lines = run_folder.format_flags(changed).splitlines()
    assert own(["train", *lines[1:]]) == ["train"] and lines[0].startswith("#")
    assert config_flags.read(TrainSettings, own) == changed


def test_a_folder_that_holds_a_run_is_refused_and_left_alone(tmp_path):
    open_run(settings(tmp_path / "run"))
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    with pytest.raises(UserError, match="Received: .*holds one.*--resume.*--overwrite"):
        open_run(settings(tmp_path / "run"))
    assert {
        path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()
    } == before


def test_overwrite_removes_the_run_and_nothing_else(tmp_path):
    run = open_run(settings(tmp_path / "run"))
    run.checkpoints.mkdir()
    (run.checkpoints / "ckpt-3.index").write_bytes(b"old")
    run.log.write_text("old")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("mine")
    run.previews.symlink_to(outside)
    (run.path / "notes.txt").write_text("mine")
    (run.path / "photos").mkdir()
    (run.path / "photos" / "a.jpg").write_bytes(b"mine")
    open_run(settings(tmp_path / "run", overwrite=True, seed=9))
    assert names(run.path) == ["notes.txt", "photos", "run.flags", "run.json"]
    assert names(run.path / "photos") == ["a.jpg"] and names(outside) == ["precious"]
    assert run.settings["seed"] == 9


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("name", ["thesis.tex", "run.json", "checkpoints"])
def test_a_folder_with_files_that_are_no_run_is_refused_even_with_overwrite(
    tmp_path, overwrite, name
):
    (tmp_path / name).write_text('{"not": "a run"}')
    with pytest.raises(
        UserError, match="Received: .*holds other files.*another --output"
    ):
        open_run(settings(tmp_path, overwrite=overwrite))
    assert (
        names(tmp_path) == [name]
        and (tmp_path / name).read_text() == '{"not": "a run"}'
    )


def test_an_empty_folder_is_used(tmp_path):
    assert open_run(settings(tmp_path)).record.is_file()


@pytest.mark.parametrize("where", ["file", "file/below"])
@pytest.mark.parametrize("flag", [{}, {"overwrite": True}])
def test_an_output_that_cannot_be_a_folder_is_refused(tmp_path, where, flag):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(
        UserError, match="Expected a folder that can be written. Received: "
    ):
        open_run(settings(tmp_path / where, **flag))
    assert (tmp_path / "file").read_text() == "mine"


def test_resume_reopens_the_run_and_changes_nothing(tmp_path):
    run = open_run(settings(tmp_path / "run"))
    record = run.record.read_bytes()
    assert open_run(settings(tmp_path / "run", resume=True)).path == run.path
    assert run.record.read_bytes() == record


def test_resume_refuses_other_settings_and_names_them(tmp_path):
    open_run(settings(tmp_path / "run"))
    with pytest.raises(UserError) as caught:
        open_run(settings(tmp_path / "run", resume=True, style_weight=3.0, width=8))
    message = str(caught.value)
    assert "--style_weight=3.0 (the run has 10.0)" in message
    assert "--width=8 (the run has 32)" in message
    assert str(RunFolder(tmp_path / "run").flags) in message


def test_resume_allows_other_settings_that_do_not_change_what_is_learnt(tmp_path):
    open_run(settings(tmp_path / "run"))
    open_run(
        settings(
            tmp_path / "run",
            resume=True,
            checkpoint_steps=7,
            preview_steps=3,
            strategy="mirrored",
        )
    )


def test_settings_that_change_what_is_learnt_are_not_free():
    free = {
        field.name
        for field in TrainSettings.flag_fields()
        if field.metadata["resumable"]
    }
    assert not free & {
        "method",
        "style_image",
        "style_weight",
        "content",
        "crop_size",
        "batch_size",
        "learning_rate",
        "schedule",
        "steps",
        "seed",
        "precision",
        "width",
    }


@pytest.mark.parametrize("record", [None, "", "{", "[]", '{"versions": {}}'])
def test_resume_without_a_run_is_refused(tmp_path, record):
    if record is not None:
        (tmp_path / "run.json").write_text(record)
    with pytest.raises(
        UserError, match="Expected --output with an interrupted run in it. Rec"
    ):
        open_run(settings(tmp_path, resume=True))


def test_notes_are_added_to_the_record(tmp_path):
    run = open_run(settings(tmp_path))
    run.note(steps=3)
    run.note(seconds=1.5)
    record = json.loads(run.record.read_text())
    assert (record["steps"], record["seconds"]) == (3, 1.5) and record["settings"]


@pytest.mark.parametrize("changes", [{"steps": 9}, {"minutes": 5.0}])
def test_more_of_a_budget_names_init_from(tmp_path, changes):
    run = open_run(settings(tmp_path))
    with pytest.raises(UserError, match=f"--init_from={run.path}"):
        open_run(settings(tmp_path, resume=True, **changes))
    with pytest.raises(UserError, match="--flagfile"):
        open_run(settings(tmp_path, resume=True, seed=2, **changes))


BEGUN_WITH = {
    "style_sha256": ["a" * 64],
    "feature_network": {"name": "vgg19", "sha256": "b" * 64},
    "photos": {"photos": 12, "names_sha256": "c" * 64},
}


@pytest.mark.parametrize(
    "name, now",
    [
        ("style_sha256", ["d" * 64]),
        ("feature_network", {"name": "vgg19", "sha256": "d" * 64}),
        ("photos", {"photos": 13, "names_sha256": "c" * 64}),
        ("photos", {"photos": 12, "names_sha256": "d" * 64}),
    ],
)
def test_a_run_is_not_resumed_with_other_things_under_the_same_names(
    tmp_path, name, now
):
    run = open_run(settings(tmp_path))
    run.note(**BEGUN_WITH)
    run_folder.check_inputs(run, BEGUN_WITH)
    with pytest.raises(UserError, match=f"Expected {name} as the run"):
        run_folder.check_inputs(run, {**BEGUN_WITH, name: now})


def test_what_an_earlier_version_did_not_note_is_passed_over(tmp_path):
    run = open_run(settings(tmp_path))
    run.note(feature_network={"name": "vgg19"})
    run_folder.check_inputs(run, BEGUN_WITH)


GARBAGE = [None, 0, 1.5, "text", True, [], [[]], {}, {"a": {}}, [None]]


def test_whatever_stands_in_a_record_resuming_works_or_is_refused_in_one_line(tmp_path):
    run = open_run(settings(tmp_path))
    whole, refused = run.recorded, 0
    records = [{**whole, name: garbage} for name in whole for garbage in GARBAGE]
    for name in whole["settings"]:
        others = {
            key: whole["settings"][key] for key in whole["settings"] if key != name
        }
        records.append({**whole, "settings": others})
        for garbage in GARBAGE:
            records.append({**whole, "settings": {**others, name: garbage}})
    for record in records:
        run.record.write_text(json.dumps(record))
        try:
            resumed = open_run(settings(tmp_path, resume=True))
            run_folder.check_inputs(resumed, BEGUN_WITH)
            assert isinstance(resumed.command, str)
        except UserError as error:
            assert "\n" not in str(error)
            refused += 1
    assert len(whole["settings"]) < refused < len(records)
