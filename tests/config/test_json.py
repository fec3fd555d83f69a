"""--json: the result of a command is one JSON object, and nothing else is on stdout."""

import json
import os
import subprocess
import sys

import pytest
from support import tiny
from support.pictures import smooth


@pytest.fixture
def run(tmp_path):
    def in_folder(*arguments, **options):
        done = subprocess.run(
            [sys.executable, "-m", "nst_tf", *arguments],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            **options,
        )
        return done.returncode, done.stdout, done.stderr.decode()

    smooth(24, 36, 0).save(tmp_path / "photo.png")
    return in_folder


def test_the_result_is_one_object_and_other_lines_go_to_stderr(run, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    status, out, err = run(
        "stylize",
        f"--model={tiny.artifact('tiny.tflite')}",
        "--content=.",
        "--output=painted/",
        "--json",
    )
    result = json.loads(out)
    assert status == result["status"] == 1 and "photos painted: 1" in err
    assert result["written"] == ["painted/photo.png"] and len(result["failed"]) == 1


def test_an_error_is_an_object_too(run):
    status, out, err = run(
        "stylize", "--model=nothing", "--content=photo.png", "--output=o.png", "--json"
    )
    result = json.loads(out)
    assert status == result["status"] == 1
    assert err == f"error: {result['error']}\n"


def test_models_are_listed_as_json(run):
    status, out, _ = run("models", "--json")
    assert status == 0 and len(json.loads(out)["painters"]["styles"]) == 8


def test_a_photo_goes_from_stdin_to_stdout(run, tmp_path):
    data = (tmp_path / "photo.png").read_bytes()
    model = f"--model={tiny.artifact('tiny.tflite')}"
    status, out, err = run("stylize", model, "--content=-", "--output=-", input=data)
    assert status == 0 and err == "photos painted: 1\n"
    run("stylize", model, "--content=photo.png", "--output=file.png")
    assert out == (tmp_path / "file.png").read_bytes()


def test_stdout_takes_a_picture_or_json_and_a_folder_neither(run):
    model = f"--model={tiny.artifact('tiny.tflite')}"
    for arguments in (["--content=photo.png", "--json"], ["--content=."]):
        status, out, err = run("stylize", model, *arguments, "--output=-")
        assert status == 1 and out == b"" and err.count("\n") == 1


def test_an_empty_stdin_is_one_line(run):
    model = f"--model={tiny.artifact('tiny.tflite')}"
    status, out, err = run("stylize", model, "--content=-", "--output=o.png", input=b"")
    assert status == 1 and "stdin (the file is empty)" in err and err.count("\n") == 1


def test_settings_that_cannot_be_are_an_error_object_too(run):
    status, out, err = run("stylize", "--model=x", "--output=o.png", "--json")
    result = json.loads(out)
    assert status == result["status"] == 1 and err == f"error: {result['error']}\n"


def test_a_texture_goes_to_stdout_and_replaces_no_style(run, tmp_path):
    smooth(40, 40, 1).save(tmp_path / "style.png")
    before = (tmp_path / "style.png").read_bytes()
    words = [
        "stylize",
        "--model=any_style",
        "--style=style.png",
        "--texture_size=40x32",
    ]
    status, out, err = run(*words, "--output=-")
    assert status == 0 and out.startswith(b"\x89PNG") and err == ""
    status, _, err = run(*words, "--output=style.png", "--overwrite")
    assert status == 1 and "originals are never replaced" in err
    assert (tmp_path / "style.png").read_bytes() == before
