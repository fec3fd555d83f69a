"""Runs `nst batch` in this process, and reads what it leaves."""

import json

from nst_tf.config.painting.batch import BatchSettings
from nst_tf.pipelines.run import batch


def run(model, content, output, **settings):
    """Returns the values of a batch's result; its status has to fit them."""
    result = batch(
        BatchSettings(
            model=str(model), content=str(content), output=str(output), **settings
        )
    )
    assert result.status == bool(result.values["failed"])
    return result.values


def counts(values):
    return values["painted"], values["skipped"], values["failed"]


def failures(output):
    """{photo: reason} of failed.jsonl; a photo has one line."""
    lines = (output / "failed.jsonl").read_text().splitlines()
    found = {entry["input"]: entry["reason"] for entry in map(json.loads, lines)}
    assert len(found) == len(lines)
    return found


def lines(output, state="painted"):
    """All lines of a state in the manifest."""
    parts = sorted((output / "manifest").glob(f"{state}-*.jsonl"))
    texts = [text for part in parts for text in part.read_text().splitlines()]
    return [json.loads(text) for text in texts]


def pictures(output):
    """{path in the folder: bytes} of all pictures; nothing else lies there."""
    kept = {"failed.jsonl"}
    return {
        path.relative_to(output).as_posix(): path.read_bytes()
        for path in output.rglob("*")
        if path.is_file() and path.parent.name != "manifest" and path.name not in kept
    }
