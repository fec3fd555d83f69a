"""Makes docs/reference from the settings and the docstrings of the package.

Example: python -m tools.reference
"""

import dataclasses
import importlib
import inspect
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nst_tf
from nst_tf.__main__ import COMMANDS
from nst_tf.config.fields import bounds_text, condition_texts, text_of
from nst_tf.config.registries import METHOD_SETTINGS
from nst_tf.config.train import TrainSettings
from nst_tf.runs.folder import RunFolder

FOLDER = Path(__file__).parents[1] / "docs" / "reference"
# Classes that the API's functions return.
RETURNED = {
    "nst_tf.inference.model:Model": "What `load_model` and `connect` return.",
    "nst_tf.inference.published:PublishedModel": "What `published_models` has of each.",
    "nst_tf.inference.folder:Outcome": "What `stylize_files` returns.",
    "nst_tf.inference.video.run:VideoOutcome": "What `stylize_video` returns.",
}
NOTE = "<!-- made by `python -m tools.reference` -->\n"


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in write_pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        print(f"wrote {FOLDER / name}")


def write_pages() -> dict[str, str]:
    """Returns {file name: text} of all pages that are made."""
    pages = {f"{name}.md": _write_command(name) for name in COMMANDS}
    pages["api.md"] = _write_api()
    pages["run_folder.md"] = _write_run_folder()
    pages["index.md"] = _write_index()
    return pages


def _write_index() -> str:
    lines = ["# Every flag, the API, the run folder", "", NOTE]
    for name in COMMANDS:
        lines.append(f"- [nst {name}]({name}.md): {_first_line(_command(name))}")
    lines.append("- [The API](api.md): what `import nst_tf` has.")
    lines.append("- [The run folder](run_folder.md): what a run leaves.")
    lines.append("- [Which settings matter?](settings.md)")
    return "\n".join(lines) + "\n"


def _write_command(name: str) -> str:
    module = _command(name)
    lines = [f"# nst {name}", "", NOTE, "```text", inspect.getdoc(module) or "", "```"]
    if module.Settings is not TrainSettings:
        lines += _write_table(module.Settings.flag_fields())
        return "\n".join(lines) + "\n"
    common = dataclasses.fields(TrainSettings)
    lines += ["", "## With every method", *_write_table(common)]
    names = {field.name for field in common}
    for method, settings in METHOD_SETTINGS.items():
        fields = dataclasses.fields(settings)
        own = [field for field in fields if field.name not in names]
        lines += ["", f"## With --method={method}", *_write_table(own, fields)]
    return "\n".join(lines) + "\n"


def _write_table(fields: Sequence[Any], among: Sequence[Any] = ()) -> list[str]:
    lines = ["", "| flag | default | what |", "|---|---|---|"]
    for field in fields:
        names = [field.name, *field.metadata["aliases"]]
        flags = ", ".join(f"`--{each}`" for each in names)
        default = f"`{text_of(field.default)}`" if field.default not in ("", ()) else ""
        lines.append(f"| {flags} | {default} | {_describe(field, among or fields)} |")
    return lines


def _describe(field: Any, fields: Sequence[Any]) -> str:
    parts = [field.metadata["help"]]
    if field.metadata["choices"]:
        choices = ", ".join(f"`{each}`" for each in field.metadata["choices"])
        parts.append(f"One of {choices}.")
    bounds = bounds_text(field)
    if bounds:
        parts.append(f"A number {bounds}.")
    conditions = condition_texts(fields, field)
    if conditions:
        parts.append(f"Counts with {' or '.join(conditions)}.")
    if field.metadata["required"]:
        parts.append("Required.")
    return " ".join(parts).replace("|", "\\|").replace("<", "&lt;")


def _write_api() -> str:
    lines = ["# The API", "", NOTE]
    lines.append("What `import nst_tf` has, imported on first use.")
    for name in nst_tf.__all__:
        if name == "__version__":
            continue
        value = getattr(nst_tf, name)
        lines += ["", f"## nst_tf.{name}", *_code(name, value)]
        for method, member in _public_methods(value):
            lines += ["", f"### {name}.{method}", *_code(method, member)]
    for place, sentence in RETURNED.items():
        module, _, name = place.partition(":")
        value = getattr(importlib.import_module(module), name)
        lines += ["", f"## {name}", "", sentence, *_code(name, value)]
        for method, member in _public_methods(value):
            lines += ["", f"### {name}.{method}", *_code(method, member)]
    return "\n".join(lines) + "\n"


def _code(name: str, value: Any) -> list[str]:
    doc = inspect.getdoc(value) or ""
    has_signature = not isinstance(value, property) and value is not nst_tf.UserError
    if has_signature:
        signature = str(inspect.signature(value)).replace("'", "")
        signature = re.sub(r"<built-in function (\w+)>", r"\1", signature)
        doc = f"{name}{signature}\n\n{doc}"
    return ["", "```text", doc, "```"]


def _public_methods(value: Any) -> list[tuple[str, Any]]:
    if not inspect.isclass(value) or issubclass(value, Exception):
        return []
    members = value.__dict__.items()
    return [
        (name, member)
        for name, member in members
        if not name.startswith("_") or name == "__call__"
        if inspect.isfunction(member) or isinstance(member, property)
    ]


def _write_run_folder() -> str:
    lines = ["# The run folder", "", NOTE]
    lines.append("What a training or an optimization leaves, all that repeats it.")
    lines += ["", "| what | path | |", "|---|---|---|"]
    run = RunFolder(Path("runs/NAME"))
    for name, member in RunFolder.__dict__.items():
        if isinstance(member, property) and isinstance(getattr(run, name), Path):
            path = getattr(run, name).relative_to(run.path)
            doc = " ".join((inspect.getdoc(member) or "").split())
            lines.append(f"| {name} | `{path}` | {doc} |")
    return "\n".join(lines) + "\n"


def _command(name: str) -> Any:
    return importlib.import_module(f"nst_tf.{name}")


def _first_line(module: Any) -> str:
    return (inspect.getdoc(module) or "").splitlines()[0]


if __name__ == "__main__":
    main()
