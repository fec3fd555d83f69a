"""The documentation: no dead link, a fresh reference, commands that run as written."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from support.pictures import smooth

from tools.figures import shorten
from tools.reference import FOLDER, write_pages
from tools.tables import FIGURES, find_pages, with_tables

ROOT = Path(__file__).parents[1]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")])
FIGURE_FILES = sorted((ROOT / FIGURES).glob("*.json"))
TESTED = re.compile(r"^```\{\.sh \.test\}\n(.*?)^```", re.DOTALL | re.MULTILINE)


def _name(page):
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_to_files_and_headings(page):
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), f"{_name(page)}: {link}"
        if anchor:
            headings = re.findall(r"^#+ (.*)", target.read_text("utf-8"), re.MULTILINE)
            anchors = [re.sub(r"[^\w -]", "", each.lower()) for each in headings]
            assert anchor in [each.replace(" ", "-") for each in anchors], link


@pytest.mark.parametrize("name", write_pages())
def test_reference_is_fresh(name):
    written = (FOLDER / name).read_text("utf-8")
    assert written == write_pages()[name], "python -m tools.reference writes it anew"


def test_every_page_is_in_the_site_and_in_the_index():
    site = (ROOT / "zensical.toml").read_text("utf-8")
    listed = re.findall(r'"([^"]+\.md)"', site)
    pages = {
        str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")
    }
    assert sorted(listed) == sorted(pages)
    index = (ROOT / "docs" / "index.md").read_text("utf-8")
    made = {f"reference/{name}" for name in write_pages()}
    linked = set(re.findall(r"\]\(([^)]+\.md)\)", index))
    assert linked | made >= pages - {"index.md"}


def test_readme_is_short():
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 160


def test_tables_are_those_of_their_figures():
    for page in find_pages():
        text = page.read_text("utf-8")
        assert with_tables(text) == text, f"python -m tools.tables writes {page} anew"


def test_a_table_has_a_row_of_the_report_and_dashes_where_values_are_missing(tmp_path):
    rows = [
        {"name": "ours", "style": {"mean": 0.1234, "error": 0.01}},
        {"name": "identity", "style": {"mean": 1.5}},
    ]
    (tmp_path / "pairs.json").write_text(json.dumps({"results": {"models": rows}}))
    text = (
        "Before.\n<!-- table of pairs.json: results.models\n"
        "model: `{name}`\nstyle: {style[mean]:.2f} ± {style[error]:.2f}\n-->\n"
        "old\n<!-- end of table -->\nAfter.\n"
    )
    made = with_tables(text, tmp_path)
    assert made.startswith("Before.\n<!-- table of") and made.endswith("After.\n")
    assert made.splitlines()[5:10] == [
        "| model | style |",
        "| --- | --- |",
        "| `ours` | 0.12 ± 0.01 |",
        "| `identity` | - |",
        "<!-- end of table -->",
    ]
    assert with_tables(made, tmp_path) == made
    with pytest.raises(ValueError, match="pairs.json has no results.rows"):
        with_tables(text.replace("results.models", "results.rows"), tmp_path)


@pytest.mark.parametrize("figures", FIGURE_FILES, ids=lambda path: path.stem)
def test_figures_say_their_commit_machine_and_command(figures):
    text = figures.read_text("utf-8")
    origin = json.loads(text)["origin"]
    assert all(origin[name] for name in ("version", "commit", "machine", "command"))
    assert "/home/" not in text and "/tmp/" not in text


def test_figures_that_are_kept_have_no_folders_of_the_machine_and_no_single_values():
    report = {
        "origin": {
            "command": "evaluate.py --models=ours=/a/b/model.h5,x=y --page=https://a.b/c"
        },
        "models": [{"style": {"mean": 0.1, "values": [0.1, 0.1]}}],
        "rows": [{"values": {"e_warp": 0.06}, "steps": {"e_warp": [[2, 0.06]]}}],
    }
    assert shorten(report) == {
        "origin": {
            "command": "evaluate.py --models=ours=model.h5,x=y --page=https://a.b/c"
        },
        "models": [{"style": {"mean": 0.1}}],
        "rows": [{"values": {"e_warp": 0.06}}],
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if TESTED.search(page.read_text("utf-8"))],
    ids=_name,
)
def test_commands_run_as_written(page, tmp_path):
    smooth(48, 60, 0).save(tmp_path / "photo.jpg")
    smooth(40, 40, 1).save(tmp_path / "painting.jpg")
    (tmp_path / "holiday" / "beach").mkdir(parents=True)
    smooth(44, 52, 2).save(tmp_path / "holiday" / "beach" / "sea.jpg")
    for name in ("configs", "exported_models"):
        (tmp_path / name).symlink_to(ROOT / name)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    for block in TESTED.findall(page.read_text("utf-8")):
        for line in block.replace("\\\n", " ").splitlines():
            program, *words = shlex.split(line)
            prefix = {
                "python": [sys.executable],
                "nst": [sys.executable, "-m", "nst_tf"],
            }
            done = subprocess.run(
                [*prefix[program], *words],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, f"{line}\n{done.stderr}"
    assert set(tmp_path.iterdir()) > {tmp_path / "photo.jpg"}
