"""The run folder: all that is needed to repeat, resume and judge a run."""

import dataclasses
import importlib.metadata
import json
import platform
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nst_tf
from nst_tf.core import files
from nst_tf.core.errors import UserError, expected, first_line
from nst_tf.runs import lock

# All that a run of any method writes; the record last, so that an interrupted removal
# can be repeated.
WRITTEN = (
    "checkpoints",
    "previews",
    "tensorboard",
    "saved_model",
    "tflite",
    "web",
    "onnx",
    "openvino",
    "log.jsonl",
    "network.keras",
    "classifier.keras",
    "epochs.jsonl",
    "confusion.png",
    "contact_sheet.png",
    "slim_vgg19.npz",
    "slim_vgg19.json",
    "state.npz",
    "frames",
    "losses.png",
    "run.flags",
    "run.json",
)
BUDGET = ("steps", "minutes", "least_steps")
# What a record has of the result.
RESULTS = ("steps", "seconds", "stopped_by", "last_terms", "unreadable")
# `nst_tf.config.fields.Settings` with "method", "resume" and "overwrite" among them.
RunSettings = Any
PACKAGES = (
    "tensorflow",
    "keras",
    "numpy",
    "pillow",
    "scikit-image",
    "tensorflow-datasets",
)


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """Paths inside a run folder.

    Attributes:
        path: the folder; its name names the style's artifacts.
    """

    path: Path

    @property
    def name(self) -> str:
        return self.path.resolve().name

    @property
    def flags(self) -> Path:
        """Replayable with `python -m nst_tf.train --flagfile=`, or `nst_tf.optimize`."""
        return self.path / "run.flags"

    @property
    def command(self) -> str:
        """The module that replays the run, such as "nst_tf.train"; empty if it is not
        known.
        """
        command = self.recorded.get("command")
        if isinstance(command, str):
            return command
        # Earlier versions say it in the first line of `flags` alone.
        try:
            first, _, _ = self.flags.read_text().partition("\n")
        except (OSError, ValueError):
            return ""
        return next((word for word in first.split() if word.startswith("nst_tf.")), "")

    @property
    def record(self) -> Path:
        """Command, method, versions, hashes, seeds and results (JSON)."""
        return self.path / "run.json"

    @property
    def log(self) -> Path:
        """One JSON object a step."""
        return self.path / "log.jsonl"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def previews(self) -> Path:
        return self.path / "previews"

    @property
    def tensorboard(self) -> Path:
        return self.path / "tensorboard"

    @property
    def network(self) -> Path:
        """The trained network in Keras's format."""
        return self.path / "network.keras"

    @property
    def classifier(self) -> Path:
        """A trained classifier in Keras's format."""
        return self.path / "classifier.keras"

    @property
    def epochs(self) -> Path:
        """Of a classifier: one JSON object an epoch, what it scores."""
        return self.path / "epochs.jsonl"

    @property
    def confusion(self) -> Path:
        """Of a classifier: which class is taken for which; earlier ones are in `previews`."""
        return self.path / "confusion.png"

    @property
    def contact_sheet(self) -> Path:
        return self.path / "contact_sheet.png"

    @property
    def state(self) -> Path:
        """Of an optimization: what --resume continues from."""
        return self.path / "state.npz"

    @property
    def frames(self) -> Path:
        """Of an optimized clip: its frames, and what is painted of them in each pass."""
        return self.path / "frames"

    @property
    def loss_plot(self) -> Path:
        return self.path / "losses.png"

    @property
    def settings(self) -> dict | None:
        """Settings of the run in this folder; None if there is no run in it."""
        settings = self.recorded.get("settings")
        return settings if isinstance(settings, dict) else None

    @property
    def recorded(self) -> dict:
        """What `record` says; {} if there is no run in this folder."""
        return files.read_json(self.record)

    def summarize(self) -> dict:
        """Returns the path, and what `record` says of the result."""
        recorded = self.recorded
        names = [name for name in RESULTS if name in recorded]
        return {"run": str(self.path), **{name: recorded[name] for name in names}}

    def note(self, **entries) -> None:
        """Adds entries to `record`."""
        record = self.recorded | entries
        files.write_atomically(
            self.record, json.dumps(record, indent=2).encode(), overwrite=True
        )


def open_run(
    settings: RunSettings,
    folder: str = "",
    *,
    command: str = "nst_tf.train",
    flag: str = "--output",
) -> RunFolder:
    """Creates the run folder, or reopens it to resume.

    Args:
        settings: all settings of the run.
        folder: its path; empty for `settings.output`.
        command: the module that replays the run, such as "nst_tf.train".
        flag: which names the folder.

    Raises:
        UserError: it holds a run and neither resume nor overwrite is set, it cannot be
            written, another process works in it, or resume is set and the settings
            differ from those of the run.
    """
    run = RunFolder(Path(folder or settings.output))
    if run.settings:
        lock.check_free(run.log)
    if settings.resume:
        _check_same(run, settings, flag)
        return run
    if run.settings and not settings.overwrite:
        raise expected(
            f"a folder {flag} without a run in it",
            f"{run.path}, which holds one",
            f"Use --resume to continue it, --overwrite to replace it, or another {flag}.",
        )
    if run.path.is_dir() and not run.settings and any(run.path.iterdir()):
        raise expected(
            f"a folder {flag} that is new, empty, or holds a run",
            f"{run.path}, which holds other files",
            f"Choose another {flag}.",
        )
    files.ensure_writable_folder(run.path)
    if run.settings:
        _remove_run(run)
    # Names of files may be no UTF-8.
    flags = format_flags(settings, command).encode(errors="surrogateescape")
    files.write_atomically(run.flags, flags)
    run.note(
        command=command,
        method=settings.method,
        version=nst_tf.__version__,
        settings=_recorded(settings),
        python=platform.python_version(),
        machine=platform.machine(),
        versions={name: importlib.metadata.version(name) for name in PACKAGES},
    )
    return run


def check_first_run(path: str) -> None:
    """Raises `UserError` if --init_from names no folder of a run; "" names none."""
    run = RunFolder(Path(path))
    parts = (run.record, run.network, run.checkpoints)
    if path and not any(part.exists() for part in parts):
        state = "none of its files are there" if run.path.exists() else "nothing there"
        raise expected("--init_from with a run", f"{path} ({state})", "Check the path.")


def check_inputs(run: RunFolder, inputs: Mapping[str, Any]) -> None:
    """Raises `UserError` if a run to be resumed began with other inputs than these.

    Names in settings may stand for something else by now: another picture, other
    weights, other photos.

    Args:
        run: what is to be resumed.
        inputs: {name: hashes and counts, as `RunFolder.note` took them}. Those that an
            earlier version did not note are passed over.
    """
    recorded = run.recorded
    changed = [
        name
        for name, value in json.loads(json.dumps(inputs)).items()
        if name in recorded and _differ(recorded[name], value)
    ]
    if changed:
        raise expected(
            f"{', '.join(changed)} as the run in {run.path} began with",
            "something else under the same names",
            f"Put it back as {run.record.name} has its hashes, or begin a new run.",
        )


def _differ(before, now):
    if isinstance(before, dict) and isinstance(now, dict):
        return any(_differ(before[key], now[key]) for key in before.keys() & now)
    return before != now


def format_flags(settings: RunSettings, command: str = "nst_tf.train") -> str:
    """Returns the text of a flagfile with which `command` repeats these settings."""
    lines = [f"# python -m {command} --flagfile=run.flags --output=ANOTHER"]
    for name, text in settings.to_flags().items():
        if name not in ("resume", "overwrite"):
            lines.append(f"--{name}={text}")
    return "\n".join(lines) + "\n"


def _remove_run(run):
    # By name, since someone may have put files of his own beside the run's.
    for name in WRITTEN:
        path = run.path / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _check_same(run, settings, flag):
    if not run.settings:
        raise expected(
            f"{flag} with an interrupted run in it",
            str(run.path),
            "Leave out --resume.",
        )
    # An earlier version recorded earlier names, and settings that do not count.
    try:
        began = type(settings).of(run.settings, drop_unused=True, log=lambda line: None)
    except (UserError, TypeError, ValueError, AttributeError, KeyError) as error:
        raise expected(
            f"settings of {settings.method} in {run.record}",
            first_line(error),
            "Put the file back as the run wrote it, or begin a new run.",
        ) from error
    before, now = _recorded(began), _recorded(settings)
    free = {
        field.name
        for field in dataclasses.fields(settings)
        if field.metadata["resumable"]
    }
    differing = [
        name for name in now if name not in free and now[name] != before.get(name)
    ]
    if not differing:
        return
    remedy = f"Resume with --flagfile={run.flags} --resume, or choose another --output."
    if "init_from" in now and set(differing) <= set(BUDGET):
        remedy = (
            f"To train further, begin a new run from it: --init_from={run.path} and "
            "another --output."
        )
    raise expected(
        f"the settings of the run in {run.path}",
        ", ".join(
            f"--{name}={now[name]} (the run has {before.get(name)})"
            for name in differing
        ),
        remedy,
    )


def _recorded(settings):
    # JSON has lists, no tuples: bring both sides of the comparison to the same form.
    return json.loads(json.dumps(dataclasses.asdict(settings)))
