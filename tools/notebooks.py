"""Executes notebooks/ anew and keeps their outputs small.

Example: python -m tools.notebooks quickstart gatys
"""

import base64
import io
import os
import re
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from PIL import Image

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "notebooks"
MOST_BYTES = 600_000  # of a notebook
QUALITY = 75  # of pictures, which become JPEG where that is smaller
# How TensorFlow and LiteRT report what they do, with times and the machine's features.
REPORT = re.compile(
    r"[IWE]\d{4} |WARNING: All log messages before|INFO: Created |INFO:tensorflow:"
)


def main(names: list[str]) -> None:
    files = [FOLDER / f"{name}.ipynb" for name in names]
    for file in files or sorted(FOLDER.glob("*.ipynb")):
        begin, used = time.monotonic(), _processor_seconds()
        notebook = nbformat.read(file, nbformat.NO_CONVERT)
        with tempfile.TemporaryDirectory() as folder:
            execute_notebook(notebook, Path(folder))
        text = shrink_notebook(notebook)
        file.write_text(text, encoding="utf-8")
        print(
            f"{file.name}: {len(text.encode()) / 1e3:.0f} kB, "
            f"{time.monotonic() - begin:.0f} seconds, "
            f"{_processor_seconds() - used:.0f} of one core"
        )


def execute_notebook(notebook: Any, folder: Path) -> None:
    """Runs all cells in a folder, with the package of this clone; outputs are replaced.

    Args:
        notebook: nbformat's.
        folder: to run in.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed.
    """
    client = NotebookClient(
        notebook,
        timeout=1800,
        kernel_name="python3",
        # A progress bar is one line, as a terminal shows it.
        coalesce_streams=True,
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute(env=os.environ | {"PYTHONPATH": str(ROOT)})


def shrink_notebook(notebook: Any) -> str:
    """Returns a notebook's text, its pictures small, without what differs from run to run."""
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {
                "display_name": "Python 3",
                "language": "python",
                "name": "python3",
            },
            "language_info": {"name": "python"},
        }
    )
    for cell in notebook.cells:
        cell.metadata.clear()
        outputs = cell.get("outputs", [])
        for output in outputs:
            if output.output_type == "stream":
                lines = output.text.splitlines(keepends=True)
                output.text = "".join(each for each in lines if not REPORT.match(each))
            if "image/png" in output.get("data", {}):
                output.data = _shrink_picture(output.data)
        if outputs:
            cell.outputs = [each for each in outputs if each.get("text", "1")]
    return nbformat.writes(notebook) + "\n"


def _shrink_picture(data: Any) -> Any:
    """Returns {MIME type: base64} of the smaller of PNG and JPEG, without the text beside it."""
    png = base64.b64decode(data["image/png"])
    buffer = io.BytesIO()
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture.save(buffer, "JPEG", quality=QUALITY, optimize=True)
    jpeg = buffer.getvalue()
    smaller = {"image/jpeg": jpeg} if len(jpeg) < len(png) else {"image/png": png}
    return {kind: base64.b64encode(each).decode() for kind, each in smaller.items()}


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main(sys.argv[1:])
