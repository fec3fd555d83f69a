"""Plays a clip painted in an exported page in headless Chromium, and counts frames a second.

Example: python benchmarks/browser_video.py --page=exported/page/web --output=video.json

Needs what benchmarks/browser.py needs, and PyAV unless --clip names a file. Prints for
each network of the page, with and without threads, and for each of its sizes, how many
frames a second it painted, the median that the page shows, and milliseconds of the
network alone. --models chooses networks; --screenshots leaves pictures of the page.
"""

import json
import os
import statistics
import tempfile
from pathlib import Path

import browser as bench
import numpy as np
from absl import flags
from report import write_report

FLAGS = flags.FLAGS
HEIGHT, WIDTH, COUNT = 360, 640, 150  # of the clip that is made, 25 frames a second
PAINTED = "Number(document.querySelector('#player').dataset.painted)"


def main():
    page_folder = Path(FLAGS.page)
    models = json.loads((page_folder / "model.json").read_text())["models"]
    rows = []
    with (
        tempfile.TemporaryDirectory() as scratch,
        bench.browser(FLAGS.chromium or bench.chromium()) as opened,
    ):
        clip = FLAGS.clip or make_clip(Path(scratch) / "clip.webm")
        for threads in (False, True):
            with bench.served(page_folder, threads) as address:
                for number, model in enumerate(models):
                    if FLAGS.models and model["name"] not in FLAGS.models:
                        continue
                    page = opened()
                    page.goto(address)
                    page.wait_for_selector(bench.DONE)
                    rows += measure(page, number, model, clip)
                    page.context.close()
        if FLAGS.screenshots:
            with bench.served(page_folder) as address:
                take_screenshots(opened, address, clip, Path(FLAGS.screenshots))
    load = os.getloadavg()[0]  # of the last minute: a busy machine paints fewer
    write_report({"load": round(load, 1), "rows": rows}, FLAGS.output)


def measure(page, number, model, clip):
    """Rows of one network, one a size."""
    choose_model(page, number)
    play(page, clip)
    rows = []
    for side in sorted(
        {max(frame["width"], frame["height"]) for frame in model["frames"]}
    ):
        page.check(f"input[name=size][value='{side}']", force=True)
        begun = page.evaluate(PAINTED)
        bench.until(page, f"{PAINTED} >= {begun + 3}")
        first, start = page.evaluate(f"[{PAINTED}, performance.now()]")
        times, shown = [], []
        end = start + 1000 * FLAGS.seconds
        now = start
        while now < end:
            page.wait_for_timeout(250)
            times.append(bench.milliseconds(page)[0])
            shown.append(
                page.evaluate(
                    "Number(document.querySelector('#player').dataset.fps ?? 0)"
                )
            )
            now = page.evaluate("performance.now()")
        last = page.evaluate(PAINTED)
        frame = page.evaluate("document.querySelector('#status').dataset.frame")
        row = {
            "model": model["name"],
            "frame": frame,
            "threads": bench.milliseconds(page)[1],
            "frames_a_second": round(1000 * (last - first) / (now - start), 2),
            "shown": round(statistics.median(shown), 2),
            "milliseconds_of_the_network": round(statistics.median(times), 1),
        }
        print(row, flush=True)
        rows.append(row)
    return rows


def choose_model(page, number):
    if page.locator("#models").is_visible():
        page.select_option("#model", str(number))
        page.wait_for_selector(bench.DONE)


def play(page, clip):
    page.set_input_files("#file", clip)
    page.wait_for_selector("#player:visible")
    page.evaluate("document.querySelector('#video').loop = true")
    bench.until(page, f"{PAINTED} >= 2")


def make_clip(path):
    """A camera that moves over a photograph; returns its path."""
    import av

    from nst_tf.data import sample_photos
    from nst_tf.images import io as image_io

    photo = sample_photos.builtin_photo("coffee")
    height, width = image_io.fit_size(*photo.shape[:2], long_side=WIDTH + 160)
    photo = image_io.resize_rgb8(photo, height, width)
    with av.open(str(path), "w") as container:
        video = container.add_stream("libvpx", rate=25, options={"b": "4000000"})
        video.height, video.width, video.pix_fmt = HEIGHT, WIDTH, "yuv420p"
        for number in range(COUNT):
            share = (1 - np.cos(2 * np.pi * number / COUNT)) / 2
            left, top = round(share * 160), round(share * (height - HEIGHT))
            picture = photo[top : top + HEIGHT, left : left + WIDTH]
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24")
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    return str(path)


def take_screenshots(opened, address, clip, folder):
    """Leaves pictures of the page while a clip plays and of the camera's dialog, on desktop and phone."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, viewport in (("desktop", bench.DESKTOP), ("phone", bench.PHONE)):
        for scheme in ("light", "dark"):
            page = opened(viewport=viewport, color_scheme=scheme)
            page.goto(address)
            page.wait_for_selector(bench.DONE)
            play(page, clip)
            page.screenshot(
                path=folder / f"video_{name}_{scheme}.png", full_page=name == "phone"
            )
            page.click("#use-camera")
            page.wait_for_selector("[data-live]:enabled")
            page.screenshot(path=folder / f"camera_{name}_{scheme}.png")
            page.click("[data-live]")
            page.wait_for_selector("#before[aria-label='Video camera']")
            bench.until(page, f"{PAINTED} >= 2")
            page.screenshot(path=folder / f"live_{name}_{scheme}.png")
            page.context.close()


if __name__ == "__main__":
    from nst_tf.config.commandline import flags as config_flags

    flags.DEFINE_string("page", None, "Exported folder web.", required=True)
    flags.DEFINE_string("clip", "", "A video file; empty for one that is made.")
    flags.DEFINE_list("models", [], "Names of networks; empty for all.")
    flags.DEFINE_float("seconds", 6.0, "For how long each is watched.")
    flags.DEFINE_string("chromium", "", "Path of the browser; empty for that on PATH.")
    flags.DEFINE_string("output", "", "JSON file; empty for none.")
    flags.DEFINE_string("screenshots", "", "Folder for pictures; empty for none.")
    config_flags.run(main)
