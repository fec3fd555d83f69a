"""Photos that do not fit into memory are refused before a process is killed for them."""

import math
import subprocess
import sys
import threading

import numpy as np
import pytest
from support import tiny
from support.painting import Negative, save

from nst_tf.core.errors import UserError
from nst_tf.inference import folder as photo_folder, memory_check, published
from nst_tf.inference.model import Model
from nst_tf.inference.open_model import load_model
from nst_tf.inference.tiles import any_size
from nst_tf.inference.tiles.any_size import AnySize


class Hungry(Negative):
    """Takes 1000 bytes a pixel, it says."""

    bytes_a_pixel = 1000.0
    most_pixels = math.inf

    def __init__(self):
        self.drawn = []

    def draw(self, image, code, strength):
        self.drawn.append(image.shape[:2])
        return super().draw(image, code, strength)


@pytest.fixture
def memory(monkeypatch):
    """Sets what is free, and what this process holds."""

    def set_memory(free, held=10**9):
        monkeypatch.setattr(any_size, "available_memory", lambda: free)
        monkeypatch.setattr(any_size, "resident_memory", lambda: held)

    return set_memory


def test_what_does_not_fit_is_refused_with_the_size_that_does(memory, tmp_path):
    save(tmp_path / "in" / "a.png", 30, 40)
    save(tmp_path / "in" / "b.png", 300, 400)
    save(tmp_path / "in" / "c.png", 20, 20)
    hungry = Hungry()
    paint = Model(AnySize(hungry), ["Negative"]).prepare()
    memory(memory_check.BASE + 30e6)  # 30,000 pixels: 200 x 150
    outcome = photo_folder.stylize_folder(
        paint, str(tmp_path / "in"), str(tmp_path / "out"), log=lambda line: None
    )
    assert [path.name for path in outcome.written] == ["a.png", "c.png"]
    (line,) = outcome.failed
    assert "b.png" in line and "400x300" in line and "--image_size=176 fits" in line
    assert hungry.drawn == [(30, 40), (20, 20)]
    for size, fits in ((176, True), (208, False)):
        outcome = photo_folder.stylize_folder(
            paint,
            str(tmp_path / "in" / "b.png"),
            str(tmp_path / f"{size}.png"),
            image_size=size,
            log=lambda line: None,
        )
        assert bool(outcome.written) == fits


def test_where_nothing_fits_no_size_is_named(memory):
    model = Model(AnySize(Hungry()), ["Negative"])
    memory(memory_check.BASE / 2)
    with pytest.raises(UserError, match="Close other programs") as caught:
        model(np.zeros((4, 4, 3), np.float32))
    assert "--image_size" not in str(caught.value)


def test_what_an_earlier_photo_left_allocated_counts_as_free(memory):
    hungry = Hungry()
    model = Model(AnySize(hungry), ["Negative"])
    photo = np.zeros((200, 150, 3), np.float32)
    memory(memory_check.BASE + 31e6)
    model(photo)
    memory(memory_check.BASE + 1e6, held=10**9 + 30_000_000)  # the runtime has kept it
    model(photo)
    model(np.zeros((201, 150, 3), np.float32))
    with pytest.raises(UserError, match="--image_size=192 fits"):
        model(np.zeros((220, 150, 3), np.float32))
    assert len(hungry.drawn) == 3


@pytest.mark.parametrize(
    "model, width", [("tiny", 12), ("starry_night", 32), ("any_style", 16)]
)
def test_the_widest_map_is_known_from_the_weights(model, width, tmp_path):
    path = published.FOLDERS[1] / model / "saved_model"
    if model == "tiny":
        path = tmp_path / "network.keras"
        tiny.network(width=width).save(path)
    runtime = load_model(path)._runtime._runtime
    wanted = memory_check.TENSORFLOW_MAPS * 4 * width + memory_check.PHOTO
    assert runtime.bytes_a_pixel == wanted


def test_without_onednn_large_photos_are_refused(monkeypatch, memory):
    memory(10**12)
    monkeypatch.setenv(memory_check.ONEDNN, "0")
    hungry = Hungry()
    hungry.most_pixels = memory_check.find_most_pixels()
    model = Model(AnySize(hungry), ["Negative"])
    with pytest.raises(UserError, match="8 megapixels.*--image_size=3088 fits"):
        model(np.zeros((2450, 3266, 3), np.float32))
    model(np.zeros((2448, 3264, 3), np.float32))
    monkeypatch.setenv(memory_check.ONEDNN, "1")
    assert memory_check.find_most_pixels() == math.inf


def test_growth_is_seen_while_a_call_runs():
    ended = threading.Event()

    def call():
        block = np.ones(20_000_000)
        ended.wait(0.1)
        del block

    assert memory_check.measure_growth(call) == pytest.approx(160e6, rel=0.2)


# A process with a limit of its address space, in which the first size would end it.
LIMITED = """
import resource, sys
import numpy as np, psutil
from nst_tf.core.errors import UserError
from nst_tf.inference.open_model import load_model
model = load_model(sys.argv[1])
model._runtime._runtime.make_graph = lambda: None  # what does not fit is refused
model(np.zeros((64, 64, 3), np.float32), style=0)
limit = psutil.Process().memory_info().vms + 700_000_000
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
side = int(sys.argv[2])
try:
    print(model(np.zeros((side * 3 // 4, side, 3), np.float32), style=0).shape[1])
except UserError as error:
    print(str(error).split("--image_size=")[1].split()[0])
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="Linux's limits")
@pytest.mark.parametrize("name", ["tiny.tflite", "1"])
def test_in_a_process_with_a_limit_what_is_said_to_fit_does(name):
    sides = [4000]
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", LIMITED, str(tiny.artifact(name)), str(sides[-1])],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        sides.append(int(done.stdout))
    assert 300 < sides[1] < 4000 and sides[2] == sides[1]
