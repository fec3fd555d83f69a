"""The page paints clips and the camera in a real browser: what the network paints of
each picture, no two at once, and it lets go of the camera.

Needs what test_browser.py needs, and PyAV for the clips.
"""

import base64
import io

import numpy as np
import pytest
from PIL import Image
from support import tiny
from support.browser import bench, needs_browser, write_page
from support.clips import av, pictures, write_clip, write_sound

from nst_tf.exporters.web.page import Offer
from nst_tf.images import io as image_io

pytestmark = needs_browser

STYLES = "mosaic,ink_wash"
SIDES, SHAPES = (96, 128), ((0.75, 1.0),)
SIZE = (72, 96)  # of the clips, which fit into the smallest frame as they are
COUNT = 500  # pictures, 25 a second: no test sees the end that does not seek it

# Counts the pictures that are with the worker, and keeps cameras, recordings' names aside.
WATCH = """
(() => {
  const seen = window.seen = { now: 0, most: 0, tracks: [], asked: [] };
  window.Worker = class extends Worker {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", () => { seen.now--; });
    }
    postMessage(...given) {
      seen.most = Math.max(seen.most, ++seen.now);
      super.postMessage(...given);
    }
  };
  const devices = navigator.mediaDevices, ask = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (wanted) => {
    seen.asked.push(wanted.video.facingMode.ideal);
    const stream = await ask(wanted);
    seen.tracks.push(...stream.getTracks());
    return stream;
  };
})()
"""
# Original, at the painting's size as the page makes it, and painting: of one moment.
PAIR = """
() => {
  const [before, after] = ["before", "after"].map((id) => document.getElementById(id));
  const small = document.createElement("canvas");
  [small.width, small.height] = [after.width, after.height];
  const context = small.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(before, 0, 0, small.width, small.height);
  return [small.toDataURL(), after.toDataURL()];
}
"""


@pytest.fixture(scope="module")
def network():
    return tiny.network(styles=2)


@pytest.fixture(scope="module")
def folder(network, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    return write_page([Offer("tiny", network, STYLES)], folder, SIDES, SHAPES)


@pytest.fixture(scope="module")
def frames():
    return pictures(COUNT, *SIZE)


@pytest.fixture(scope="module")
def clips(frames, tmp_path_factory):
    """{what it is: path}"""
    folder = tmp_path_factory.mktemp("clips")
    webm = {"codec": "libvpx", "options": {"crf": "4", "b": "4000000"}}
    return {
        "webm": write_clip(folder / "loud.webm", frames, sound="libopus", **webm),
        "mp4": write_clip(folder / "calm.mp4", frames),
    }


@pytest.fixture
def page(opened, address):
    page = opened()
    page.add_init_script(WATCH)
    page.goto(address)
    page.wait_for_selector(bench.DONE)
    yield page
    assert page.problems == []
    page.context.close()


def open_clip(page, path, painted=4):
    page.set_input_files("#file", path)
    wait_for_paintings(page, painted)


def wait_for_paintings(page, count):
    bench.until(
        page, f"Number(document.querySelector('#player').dataset.painted) >= {count}"
    )


def pause(page):
    page.click("[data-play]:has-text('Pause')")
    page.wait_for_selector("[data-play]:has-text('Play')")
    wait_for_rest(page)


def wait_for_rest(page):
    """Until nothing is painted any more."""
    page.wait_for_timeout(300)
    bench.until(page, "window.seen.now === 0")
    page.wait_for_timeout(50)


def seek(page, seconds):
    page.locator("[data-seek]").evaluate(
        "(range, at) => { range.value = at; range.dispatchEvent(new Event('input')); }",
        seconds,
    )


def pair(page):
    """Original and painting, uint8 [H, W, 3]."""
    return [
        np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))))[
            ..., :3
        ]
        for url in page.evaluate(PAIR)
    ]


def wanted(network, original, blend=(1, 0)):
    height, width = original.shape[:2]
    grown = image_io.to_float(bench.grown(original, SIZE))
    return image_io.to_uint8(tiny.draw(network, grown, blend))[:height, :width]


@pytest.mark.parametrize("kind", ["webm", "mp4"])
def test_each_picture_is_painted_as_the_network_paints_it(
    page, network, frames, clips, kind
):
    open_clip(page, clips[kind])
    pause(page)
    for seconds in (None, 4.0, 16.0):
        if seconds is not None:
            seek(page, seconds)
            wait_for_rest(page)
        original, painting = pair(page)
        assert original.shape == painting.shape == (*SIZE, 3)
        assert bench.psnr(painting, wanted(network, original)) >= 40
        if seconds is not None:  # it is the picture of that time
            likeness = [bench.psnr(original, frame) for frame in frames]
            assert likeness[int(25 * seconds)] > max(likeness) - 0.5
            assert min(likeness) < max(likeness) - 5


def test_pictures_are_counted_and_never_two_are_painted_at_once(page, clips):
    open_clip(page, clips["webm"], painted=8)
    assert float(page.get_attribute("#player", "data-fps")) > 0
    assert "frames a second" in page.text_content("[data-fps]")
    assert page.evaluate("window.seen.most") == 1


def test_a_style_chosen_while_it_stands_still_is_painted(page, network, clips):
    open_clip(page, clips["mp4"])
    pause(page)
    page.check("input[name=style][value='1']", force=True)
    wait_for_rest(page)
    original, painting = pair(page)
    assert bench.psnr(painting, wanted(network, original, (0, 1))) >= 40
    assert bench.psnr(painting, wanted(network, original, (1, 0))) < 30


def test_it_begins_with_the_smallest_size_and_photos_keep_theirs(page, clips):
    chosen = "document.querySelector('input[name=size]:checked').value"
    assert page.evaluate(chosen) == "128"
    open_clip(page, clips["mp4"])
    assert page.evaluate(chosen) == "96"
    page.click("[data-stop]")
    page.wait_for_selector(bench.DONE)
    assert page.locator("#player").is_hidden()
    assert page.evaluate(chosen) == "128"
    assert page.get_attribute("#before", "aria-label") == "Photo calm"


@pytest.mark.parametrize("kind", ["webm", "mp4"])
def test_a_recording_has_the_paintings_and_the_sound_of_the_clip(
    page, clips, kind, tmp_path
):
    open_clip(page, clips[kind])
    seek(page, COUNT / 25 - 3)
    with page.expect_download() as download:  # the clip's end ends the recording
        page.click("[data-record]")
        assert page.locator("#sizes input:disabled").count() == len(SIDES)
    assert page.locator("#sizes input:disabled").count() == 0
    name = {"webm": "loud", "mp4": "calm"}[kind]
    assert download.value.suggested_filename == f"{name} - mosaic.webm"
    download.value.save_as(tmp_path / "recorded.webm")
    _, painting = pair(page)
    with av.open(str(tmp_path / "recorded.webm")) as recorded:
        assert len(recorded.streams.audio) == (1 if kind == "webm" else 0)
        decoded = [
            frame.to_ndarray(format="rgb24") for frame in recorded.decode(video=0)
        ]
    assert len(decoded) >= 3
    assert {frame.shape for frame in decoded} == {(*SIZE, 3)}
    # The clip is nearly still, so each picture of it is near to each.
    assert bench.psnr(decoded[-1], painting) > 20


def test_the_camera_is_painted_live_and_let_go(page, network):
    page.click("#use-camera")
    page.click("[data-live]:enabled")
    wait_for_paintings(page, 5)
    assert float(page.get_attribute("#player", "data-fps")) > 0
    assert page.locator("[data-seek]").is_hidden()
    pause(page)
    original, painting = pair(page)
    assert original.std() > 5
    assert bench.psnr(painting, wanted(network, original)) >= 40
    page.click("[data-record]:has-text('Record')")
    page.click("[data-play]:has-text('Pause')")
    with page.expect_download() as download:
        page.click("[data-record]:has-text('Save')")
    assert download.value.suggested_filename == "camera - mosaic.webm"
    states = "window.seen.tracks.map((track) => track.readyState)"
    assert page.evaluate(states) == ["live"]
    page.click("[data-stop]")
    page.wait_for_selector(bench.DONE)
    assert page.evaluate(states) == ["ended"]
    assert page.get_attribute("#before", "aria-label") == "Photo camera"


def test_another_camera_is_opened_after_the_first_one_was_let_go(opened, address):
    page = opened()
    page.add_init_script(WATCH)
    # Two of them, as a phone has.
    page.add_init_script(
        "MediaDevices.prototype.enumerateDevices = async () => "
        "[{ kind: 'videoinput' }, { kind: 'videoinput' }]"
    )
    page.goto(address)
    page.wait_for_selector(bench.DONE)
    page.click("#use-camera")
    page.click("[data-live]:enabled")
    page.click("#player [data-flip]")
    bench.until(page, "window.seen.asked.length === 2")
    wait_for_paintings(page, 3)
    assert page.evaluate("window.seen.asked") == ["environment", "user"]
    assert page.evaluate("window.seen.tracks.map((track) => track.readyState)") == [
        "ended",
        "live",
    ]
    page.context.close()


@pytest.mark.parametrize(
    "error, message",
    [
        ("NotAllowedError", "not allowed here"),
        ("NotFoundError", "No camera was found"),
        ("NotReadableError", "Close other programs"),
    ],
)
def test_why_there_is_no_camera_is_said(opened, address, error, message):
    page = opened()
    page.add_init_script(
        "MediaDevices.prototype.getUserMedia = async () => "
        f"{{ throw new DOMException('', '{error}'); }}"
    )
    page.goto(address)
    page.wait_for_selector(bench.DONE)
    page.click("#use-camera")
    page.wait_for_selector(f"dialog [data-message]:has-text('{message}')")
    assert page.locator("[data-live]").is_disabled()
    page.context.close()


def test_a_file_that_is_no_video_is_named_and_the_page_goes_on(page, clips, tmp_path):
    sound = write_sound(tmp_path / "sound.mp4")
    page.set_input_files("#file", sound)
    page.wait_for_selector("#status[data-kind=error]:has-text('has no pictures')")
    noise = {"name": "noise.mp4", "mimeType": "video/mp4", "buffer": b"no video" * 99}
    page.set_input_files("#file", noise)
    page.wait_for_selector("#status[data-kind=error]:has-text('noise.mp4 is no video')")
    assert page.locator("#player").is_hidden()
    open_clip(page, clips["mp4"])
    page.set_input_files("#file", noise)
    page.wait_for_selector("#status[data-kind=error]:has-text('noise.mp4 is no video')")
    page.click("#use-sample")
    page.wait_for_selector(bench.DONE)
    page.problems.clear()  # the browser says it, too


def test_a_page_without_threads_says_why_it_is_slow(opened, folder, clips):
    with bench.served(folder, threads=False) as address:
        page = opened()
        page.goto(address)
        page.wait_for_selector(bench.DONE)
        open_clip(page, clips["mp4"])
        assert "may not use threads" in page.text_content("#player [data-hint]")
        page.context.close()


def test_the_keyboard_plays_seeks_and_stops(page, clips):
    open_clip(page, clips["webm"])
    page.focus("[data-play]")
    page.keyboard.press("Space")
    page.wait_for_selector("[data-play]:has-text('Play')")
    page.focus("[data-seek]")
    at = page.evaluate("document.querySelector('#video').currentTime")
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.querySelector('#video').currentTime") < at
    assert page.get_attribute("[data-seek]", "aria-valuetext").startswith("0:0")
    page.focus("[data-stop]")
    page.keyboard.press("Enter")
    page.wait_for_selector("#player", state="hidden")
    wait_for_rest(page)
