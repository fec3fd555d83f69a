"""Opens an exported page in headless Chromium, paints a photo, and compares with the network.

Example: python benchmarks/browser.py --page=exported/starry/web --model=runs/starry
    --output=runs/browser

Needs Chromium (Debian's package, or --chromium=PATH) and `pip install playwright`.
Prints for each size, with and without threads, milliseconds and the ratio of the
picture that the page offers for download to the network's; with --output it leaves the
pictures and screenshots of desktop and phone, light and dark.
"""

import contextlib
import io
import itertools
import json
import runpy
import shutil
import statistics
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from absl import flags
from PIL import Image

FLAGS = flags.FLAGS
# Of a browser that runs as root, in a container, without a screen and without asking
# its maker's servers.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)
DESKTOP, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
DONE = "body:has(#status[data-kind=done]):has(#stage[aria-busy=false])"
WAIT = 120_000  # milliseconds
_numbers = itertools.count(1)  # of photos, whose names tell that a page shows a new one


def chromium() -> str | None:
    """Returns the path of a Chromium or Chrome on this machine."""
    return next(
        filter(
            None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))
        ),
        None,
    )


@contextlib.contextmanager
def served(page: Path, threads: bool = True):
    """Serves a page's folder by its own serve.py; yields the address. Without the
    headers there are no threads.
    """
    serve = runpy.run_path(str(page / "serve.py"))  # leaves no bytecode in the page
    serve["Handler"].log_message = lambda *args: None
    if not threads:
        serve["HEADERS"].clear()
    with serve["server"](str(page), 0, "127.0.0.1") as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()


@contextlib.contextmanager
def browser(executable: str):
    """Yields a function: options of a Playwright context -> a page, whose errors end up
    in `page.problems`.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as downloads:
        running = playwright.chromium.launch(
            executable_path=executable,
            headless=True,
            args=list(ARGUMENTS),
            downloads_path=downloads,
        )

        def opened(**options):
            page = running.new_context(**{"viewport": DESKTOP, **options}).new_page()
            page.set_default_timeout(WAIT)
            page.problems, page.addresses = [], []
            page.on("pageerror", lambda error: page.problems.append(str(error)))
            page.on(
                "console",
                lambda message: (
                    message.type == "error" and page.problems.append(message.text)
                ),
            )
            page.on("request", lambda request: page.addresses.append(request.url))
            return page

        yield opened
        running.close()


def paint(page, photo: np.ndarray | None = None) -> np.ndarray:
    """Gives the page a photo, uint8 [H, W, 3], or takes what it shows; returns the
    painting that it downloads.
    """
    if photo is not None:
        name = f"photo{next(_numbers)}"
        page.set_input_files(
            "#file",
            {"name": f"{name}.png", "mimeType": "image/png", "buffer": png(photo)},
        )
        page.wait_for_selector(f"#before[aria-label='Photo {name}']")
    page.wait_for_selector(DONE)
    with page.expect_download() as download:
        page.click("#download")
    return np.asarray(Image.open(download.value.path()).convert("RGB"))


def until(page, expression: str) -> None:
    """Waits for a JavaScript expression to hold; the page's policy forbids playwright's own way."""
    end = time.monotonic() + WAIT / 1000
    while not page.evaluate(expression):
        if time.monotonic() > end:
            raise TimeoutError(expression)
        page.wait_for_timeout(20)


def milliseconds(page) -> tuple[float, int]:
    """Returns how long the last painting took, and with how many threads."""
    return tuple(
        page.evaluate(
            "(({milliseconds, threads}) => [Number(milliseconds), Number(threads)])"
            "(document.querySelector('#status').dataset)"
        )
    )


def grown(photo: np.ndarray, frame: tuple[int, int]) -> np.ndarray:
    """Returns a photo [H, W, 3] mirrored at the right and at the bottom up to a frame's
    height and width.
    """
    (height, width), (tall, wide) = photo.shape[:2], frame
    return np.pad(photo, ((0, tall - height), (0, wide - width), (0, 0)), "reflect")


def png(pixels: np.ndarray) -> bytes:
    """Returns uint8 [H, W, 3] as the bytes of a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()


def psnr(picture: np.ndarray, reference: np.ndarray) -> float:
    """Returns the peak signal-to-noise ratio of uint8 pictures, decibels."""
    error = np.mean(np.square(picture.astype(float) - reference))
    return float("inf") if error == 0 else 10 * np.log10(255**2 / error)


def main():
    from nst_tf.core.errors import expected
    from nst_tf.data import sample_photos
    from nst_tf.images import io as image_io

    page_folder, output = Path(FLAGS.page), Path(FLAGS.output) if FLAGS.output else None
    executable = FLAGS.chromium or chromium()
    if not executable:
        raise expected(
            "Chromium",
            "none on PATH",
            "Install Debian's package chromium, or give --chromium.",
        )
    described = json.loads((page_folder / "model.json").read_text())["models"][0]
    draw = _network(FLAGS.model, described) if FLAGS.model else None
    if output:
        output.mkdir(parents=True, exist_ok=True)
    original = sample_photos.builtin_photo(FLAGS.photo)
    print(
        f"{'photo':>10} {'frame':>8} {'threads':>7} {'ms':>7} {'dB':>6} {'dB, not grown':>14}"
    )
    with browser(executable) as opened:
        for threads in (False, True):
            with served(page_folder, threads) as address:
                page = opened()
                page.goto(address)
                for side in sorted(
                    {
                        max(frame["width"], frame["height"])
                        for frame in described["frames"]
                    }
                ):
                    photo = image_io.resize_rgb8(
                        original,
                        *image_io.fit_size(*original.shape[:2], long_side=side),
                    )
                    page.check(f"input[name=size][value='{side}']", force=True)
                    painted, times = paint(page, photo), []
                    for _ in range(FLAGS.repeats):
                        painted = paint(page, photo)
                        took, used = milliseconds(page)
                        times.append(took)
                    frame = page.evaluate(
                        "document.querySelector('#status').dataset.frame"
                    )
                    wide, tall = map(int, frame.split("x"))
                    height, width = photo.shape[:2]
                    ratios = (
                        [
                            f"{psnr(painted, image_io.to_uint8(draw(image_io.to_float(given))[:height, :width])):.1f}"
                            for given in (grown(photo, (tall, wide)), photo)
                        ]
                        if draw
                        else ["-", "-"]
                    )
                    print(
                        f"{width}x{height:<5} {frame:>8} {used:>7} {statistics.median(times):>7.0f} {ratios[0]:>6} "
                        f"{ratios[1]:>14}",
                        flush=True,
                    )
                    if output:
                        (output / f"{width}x{height}_{used}.png").write_bytes(
                            png(painted)
                        )
                _complain(page, address)
        if output:
            with served(page_folder) as address:
                _screenshots(opened, address, output)


def _network(model, described):
    """float32 [H, W, 3] -> the network's picture in the page's first style."""
    from nst_tf.inference.open_model import load_model

    opened = load_model(model)
    if opened.styles:
        return opened.prepare(0)
    return opened.prepare(np.float32(described["styles"][0]["code"]))


def _screenshots(opened, address, output):
    for name, viewport in (("desktop", DESKTOP), ("phone", PHONE)):
        for scheme in ("light", "dark"):
            page = opened(
                viewport=viewport,
                color_scheme=scheme,
                device_scale_factor=2 if name == "phone" else 1,
            )
            page.goto(address)
            paint(page)
            page.screenshot(
                path=output / f"{name}_{scheme}.png", full_page=name == "phone"
            )
            _complain(page, address)


def _complain(page, address):
    foreign = [
        url for url in page.addresses if not url.startswith((address, "blob:", "data:"))
    ]
    for line in [*page.problems, *(f"loaded from elsewhere: {url}" for url in foreign)]:
        print(f"problem: {line}")


if __name__ == "__main__":
    from nst_tf.config.commandline import flags as config_flags

    flags.DEFINE_string("page", None, "Exported folder web.", required=True)
    flags.DEFINE_string(
        "model",
        "",
        "What it was exported from, to compare with; empty for times alone.",
    )
    flags.DEFINE_string(
        "photo",
        "coffee",
        "Name of one of scikit-image's photos; see nst_tf/data/sample_photos.py.",
    )
    flags.DEFINE_integer("repeats", 5, "Paintings after the first; times are medians.")
    flags.DEFINE_string(
        "chromium", "", "Path of the browser; empty for the one on PATH."
    )
    flags.DEFINE_string(
        "output", "", "Folder for pictures and screenshots; empty for none."
    )
    config_flags.run(main)
