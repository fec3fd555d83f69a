"""The examples that can be run here are, the others as far as their functions go."""

import importlib.util
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import tiny

from nst_tf.core.errors import UserError
from nst_tf.images import io as image_io

EXAMPLES = Path(__file__).parents[1] / "examples"
PAINT = EXAMPLES / "python" / "paint.py"


def load_example(path):
    """Executes an example as a module of its own."""
    spec = importlib.util.spec_from_file_location("example", EXAMPLES / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def model(monkeypatch):
    """The path of a model, which examples open by the environment, and what it paints."""
    path = tiny.artifact("tiny.tflite")
    monkeypatch.setenv("MODEL", str(path))
    return types.SimpleNamespace(path=path, paint=tiny.open_painter(path))


class Tensor(np.ndarray):
    """As much of torch's as the node for ComfyUI uses."""

    def cpu(self):
        return self

    def numpy(self):
        return np.asarray(self)


@pytest.mark.parametrize("size", [(45, 62), (3, 1)])
def test_the_python_example_paints_what_stylize_paints(tmp_path, size):
    Image.fromarray(tiny.photo(*size)).save(tmp_path / "photo.png")
    model, painted = tiny.artifact("tiny.tflite"), tmp_path / "painted.png"
    names = ["paint.py", str(model), str(tmp_path / "photo.png"), str(painted)]
    # As where neither is installed.
    without = (
        "import runpy, sys; sys.modules['tensorflow'] = sys.modules['nst_tf'] = None; "
        f"sys.argv = {names!r}; runpy.run_path({str(PAINT)!r}, run_name='__main__')"
    )
    subprocess.run([sys.executable, "-c", without], check=True, capture_output=True)
    wanted = image_io.to_uint8(
        tiny.open_painter(model)(image_io.to_float(tiny.photo(*size)))
    )
    drawn = np.asarray(Image.open(painted))
    assert drawn.shape == wanted.shape
    assert np.abs(drawn.astype(int) - wanted).max() <= 1


# -- a service -------------------------------------------------------------------------------------


@pytest.fixture
def service(model):
    pytest.importorskip("fastapi")
    pytest.importorskip("httpx")
    from fastapi.testclient import TestClient

    return TestClient(load_example("fastapi/service.py").app)


def test_the_service_paints_what_the_model_paints(service, model):
    photo = tiny.photo(45, 62)
    answer = service.post("/stylize", content=image_io.encode_rgb8(photo, "png"))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    drawn = image_io.read_image(answer.content).rgb
    wanted = model.paint(image_io.to_float(photo))
    assert drawn.shape == wanted.shape and np.abs(drawn - wanted).mean() < 0.02
    assert len(service.get("/styles").json()) == 1


@pytest.mark.parametrize(
    "content, query, code, words",
    [
        (b"no picture", "", 400, "Expected "),
        (b"", "", 400, "Expected "),
        (None, "?strength=0.5", 400, "Expected "),
        (None, "?style=nobody", 400, "nobody"),
        (bytes(20_000_001), "", 413, "20000000 bytes"),
    ],
)
def test_the_service_refuses_with_one_line(service, content, query, code, words):
    if content is None:
        content = image_io.encode_rgb8(tiny.photo(8, 8), "png")
    answer = service.post(f"/stylize{query}", content=content)
    assert answer.status_code == code
    assert words in answer.json()["detail"] and "\n" not in answer.json()["detail"]


# -- a node ----------------------------------------------------------------------------------------


def test_the_node_paints_each_image_of_a_batch(model, monkeypatch):
    torch = types.ModuleType("torch")
    torch.from_numpy = lambda array: array.view(Tensor)
    monkeypatch.setitem(sys.modules, "torch", torch)
    example = load_example("comfyui/__init__.py")
    (node,) = example.NODE_CLASS_MAPPINGS.values()
    assert set(example.NODE_DISPLAY_NAME_MAPPINGS) == set(example.NODE_CLASS_MAPPINGS)
    photo = image_io.to_float(tiny.photo(45, 62))
    batch = np.stack([photo, photo[::-1]]).view(Tensor)
    paint = getattr(node(), node.FUNCTION)
    (drawn,) = paint(batch, str(model.path))
    assert drawn.shape == batch.shape and drawn.dtype == np.float32
    for one, picture in zip(drawn, batch):
        np.testing.assert_array_equal(one, model.paint(np.asarray(picture)))
    # Its function takes what it says to ComfyUI.
    inputs = {name for part in node.INPUT_TYPES().values() for name in part}
    assert inputs == {"image", "model", "strength", "style", "style_image"}
    with pytest.raises(UserError, match="nobody"):
        paint(batch, str(model.path), style="nobody")


# -- a page ----------------------------------------------------------------------------------------


def test_the_function_of_the_page_paints_bytes(model, monkeypatch):
    gradio = types.ModuleType("gradio")
    gradio.Error = type("Error", (Exception,), {})
    monkeypatch.setitem(sys.modules, "gradio", gradio)
    example = load_example("gradio/app.py")
    photo = tiny.photo(45, 62)
    wanted = image_io.to_uint8(model.paint(image_io.to_float(photo)))
    np.testing.assert_array_equal(example.paint(photo, None), wanted)
    with pytest.raises(gradio.Error, match="nobody"):
        example.paint(photo, "nobody")


def test_the_page_is_made_by_gradio_itself(model):
    pytest.importorskip("gradio")
    page = load_example("gradio/app.py").make_page()
    assert len(page.input_components) == 2
