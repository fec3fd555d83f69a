"""The notebooks: they use the public API alone, are kept with their outputs, and run."""

import ast
import re
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

import nst_tf
from tools import notebooks

ROOT = Path(__file__).parents[1]
FILES = sorted(notebooks.FOLDER.glob("*.ipynb"))
PAGE = (ROOT / "docs" / "tutorials" / "notebooks.md").read_text("utf-8")


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def file(request):
    return request.param


def read(file):
    return nbformat.read(file, nbformat.NO_CONVERT)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_the_page_of_the_notebooks_lists_them_all():
    assert set(re.findall(r"notebooks/(\w+)\.ipynb", PAGE)) == {
        file.stem for file in FILES
    }


def test_only_the_public_api_is_called(file):
    transform = TransformerManager().transform_cell
    source = "\n".join(transform(cell.source) for cell in code_cells(read(file)))
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            assert not any(each.name.startswith("nst_tf.") for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.module.startswith("nst_tf")
        elif isinstance(node, ast.Attribute):
            assert not re.match("_[^_]", node.attr), node.attr
            if isinstance(node.value, ast.Name) and node.value.id == "nst_tf":
                names.add(node.attr)
    assert names and names <= set(nst_tf.__all__)


def test_the_first_cell_installs_where_the_package_is_missing(file):
    (first, *_) = code_cells(read(file))
    assert 'find_spec("nst_tf") is None' in first.source
    assert "%pip install --quiet nst_tf" in first.source


def test_it_was_run_whole_from_top_to_bottom_and_is_small(file):
    notebook = read(file)
    nbformat.validate(notebook)
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [each for each in outputs if each.output_type == "error"]
    pictures = [
        kind
        for output in outputs
        for kind in output.get("data", {})
        if kind.startswith("image/")
    ]
    assert len(pictures) >= 3
    assert file.stat().st_size <= notebooks.MOST_BYTES


def test_it_is_as_the_tool_writes_it(file):
    assert file.read_text("utf-8") == notebooks.shrink_notebook(read(file))


def test_links_lead_to_files(file):
    text = "\n".join(
        cell.source for cell in read(file).cells if cell.cell_type == "markdown"
    )
    for link in re.findall(r"\]\(([^)]+)\)", text):
        assert link.startswith("https://") or (notebooks.FOLDER / link).exists(), link
    for page in re.findall(r"\b(?:docs|configs|examples)/[\w/.]*", text):
        assert (ROOT / page.rstrip(".")).exists(), page


@pytest.mark.slow
def test_it_runs_from_top_to_bottom_without_a_network(file, tmp_path, monkeypatch):
    # A download would go to a port at which nobody listens.
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    notebook = read(file)
    for cell in code_cells(notebook):
        cell.outputs, cell.execution_count = [], None
    notebooks.execute_notebook(notebook, tmp_path)  # raises, if a cell fails
    before = [cell.source for cell in code_cells(read(file))]
    assert [cell.source for cell in code_cells(notebook)] == before
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1))
