"""Runs under test: what they log, and what happens to them on the way."""

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import keras


def log(folder: Path) -> list[dict]:
    """The entries of a run folder's log."""
    return [
        json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()
    ]


def strike_at(
    monkeypatch, module: ModuleType, name: str, step: int, act: Callable
) -> None:
    """Makes runs of the class `name` in `module` do something after a step."""

    class Struck(getattr(module, name)):
        def run(self, *args, **kwargs):
            strike = keras.callbacks.LambdaCallback(
                on_train_batch_end=lambda batch, logs: (
                    act() if batch + 1 == step else None
                )
            )
            given = inspect.signature(super().run).bind(*args, **kwargs)
            given.arguments["callbacks"] = [*given.arguments["callbacks"], strike]
            return super().run(*given.args, **given.kwargs)

    monkeypatch.setattr(module, name, Struck)
