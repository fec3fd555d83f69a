r"""How coherent painted clips are: models, choices of the coherence without training, speed.

Example: python benchmarks/video.py --sintel=SINTEL_EASY,SINTEL_HARD --clip=clip.mp4 --output=video.json \
    --models=exported_models/starry_night_mobile/tflite/starry_night_mobile_int8.tflite

Each of --sintel is a folder of frames with a true flow, as `nst_tf.evaluate --videos`
takes it. Prints three tables, and writes all numbers as JSON: e_warp of each model frame
by frame and with --coherence, beside the clip's own; of the first model with each choice
changed alone, beside the contrast that is left of the frame's own painting; and
the milliseconds of painting, flow and blending at 512x288. Times are the least of
several frames, and mean something on a machine that does nothing else.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np
from absl import flags
from report import write_report

from nst_tf.config.commandline import flags as config_flags
from nst_tf.evaluation.videos.clips import Clip, open_clips
from nst_tf.evaluation.videos.errors import WarpErrors
from nst_tf.images import io as image_io
from nst_tf.inference.model import Paint
from nst_tf.inference.open_model import load_model
from nst_tf.inference.video import coherent_painter as painter
from nst_tf.inference.video.coherent_painter import CoherentPainter
from nst_tf.video import flow, packages

flags.DEFINE_list("sintel", [], "Folders of frames with true flow.")
flags.DEFINE_string("clip", "", "A clip for times; without one, none are taken.")
flags.DEFINE_list("models", [], "Models; of any style with --style.")
flags.DEFINE_string("style", "starry_swirls", "For models of any style.")
flags.DEFINE_integer("frames", 24, "Of the clip.")
flags.DEFINE_string("output", None, "JSON file.", required=True)
FLAGS = flags.FLAGS

SIZE = (288, 512)  # height and width, pixels, of times
LONG_SIDE = 1024  # pixels, of the errors
ALWAYS = 1e9  # of a check that passes all
# name -> {setting of the flow or the painter: its value}
CHOICES: dict[str, dict] = {
    "as it is": {},
    "only where the flow is certain": {"POSSIBLE_SHARE": 0.0},
    "0.5 of the last frame where possible": {"POSSIBLE_SHARE": 0.5},
    "0.7 of the last frame where certain": {"CERTAIN_SHARE": 0.7},
    "1.0 of the last frame where certain": {"CERTAIN_SHARE": 1.0},
    "colors not kept within those around": {"REACH": (ALWAYS, ALWAYS)},
    "no contrast given back": {"MOST_GAIN": (1.0, 1.0)},
    "twice the contrast given back": {"MOST_GAIN": (1.16, 1.24)},
    "all contrast given back": {"MOST_GAIN": (2.0, 2.0)},
    "no photometric check": {"CERTAIN_ERROR": ALWAYS, "POSSIBLE_ERROR": ALWAYS},
    "no check of both directions": {"SLACK": ALWAYS},
    "flow at a quarter of the sides": {"SHARE": 0.25},
    "flow at half of the sides": {"SHARE": 0.5},
    "flow at full size": {"SHARE": 1.0, "LONG_SIDE": 4096},
    "no refinement of the flow": {"REFINEMENTS": 0},
    "patches 3 apart, 16 steps": {"PATCH_STRIDE": 3, "DESCENT_STEPS": 16},
}


@contextlib.contextmanager
def changed(choice: dict) -> Iterator[None]:
    """Paints with other figures than the package's."""
    with contextlib.ExitStack() as stack:
        for name, value in choice.items():
            module = flow if hasattr(flow, name) else painter
            stack.enter_context(mock.patch.object(module, name, value))
        yield


def measure(clip: Clip, pictures: list[np.ndarray]) -> float | None:
    """Returns e_warp where the clip's true flow is known."""
    errors = WarpErrors()
    for number, picture in enumerate(pictures):
        move = clip.find_truth(number - 1) if number else None
        errors.add(number, image_io.to_uint8(picture), move, None, None)
    return errors.short.value


def make_coherent(
    frames: list[np.ndarray], plain: list[np.ndarray]
) -> list[np.ndarray]:
    """Returns frames painted coherently, from those painted one by one."""
    each = iter(plain)
    coherent = CoherentPainter(lambda rgb: next(each))
    return [coherent.paint(frame) for frame in frames]


def detail(picture: np.ndarray) -> float:
    """Returns the root mean square difference of neighboring pixels."""
    down = np.square(np.diff(picture, axis=0)[:, :-1])
    across = np.square(np.diff(picture, axis=1)[:-1])
    return float(np.sqrt(np.mean(down + across)))


def compare_models(clips: list[Clip], paints: dict[str, Paint]) -> list[dict]:
    rows = []
    print("\n| clip | model | frame by frame | coherent | the clip itself |")
    print("|---|---|---|---|---|")
    for clip in clips:
        frames = [rgb for _, rgb in clip.read()]
        own = measure(clip, frames)
        for name, paint in paints.items():
            plain = [paint(frame) for frame in frames]
            row = {
                "clip": clip.name,
                "model": name,
                "plain": measure(clip, plain),
                "coherent": measure(clip, make_coherent(frames, plain)),
                "clip_itself": own,
            }
            rows.append(row)
            print(
                f"| {clip.name} | {name} | {row['plain']:.4f} | {row['coherent']:.4f} | {own:.4f} |"
            )
    return rows


def compare_choices(clips: list[Clip], paint: Paint) -> list[dict]:
    read = {clip.name: [rgb for _, rgb in clip.read()] for clip in clips}
    plain = {name: [paint(each) for each in frames] for name, frames in read.items()}
    columns = "".join(f" {clip.name}: e_warp | detail left |" for clip in clips)
    print(f"\n| choice |{columns}\n|---|{'---|---|' * len(clips)}")
    rows = []
    for choice, values in CHOICES.items():
        row: dict = {"choice": choice}
        with changed(values):
            for clip in clips:
                painted = plain[clip.name]
                coherent = make_coherent(read[clip.name], painted)
                left = detail(coherent[2]) / detail(painted[2])
                row[clip.name] = {"e_warp": measure(clip, coherent), "detail": left}
        rows.append(row)
        found = [row[clip.name] for clip in clips]
        cells = "".join(
            f" {each['e_warp']:.4f} | {each['detail']:.2f} |" for each in found
        )
        print(f"| {choice} |{cells}")
    return rows


def time_parts(clip: Clip, paint: Paint) -> dict:
    """Returns milliseconds of the parts of a frame, the least over the frames."""
    cv2 = packages.import_cv2()
    frames = [cv2.resize(rgb, SIZE[::-1]) for _, rgb in clip.read()]
    estimator = flow.FlowEstimator()
    times: dict[str, list[float]] = {"paint": [], "flow": [], "coherent": []}
    plain = []
    for frame in frames:
        started = time.perf_counter()
        plain.append(paint(frame))
        times["paint"].append(time.perf_counter() - started)
    for last, frame in zip(frames, frames[1:]):
        small = estimator.shrink(last)
        started = time.perf_counter()
        estimator.find_motion(small, estimator.shrink(frame))
        times["flow"].append(time.perf_counter() - started)
    each = iter(plain)
    coherent = CoherentPainter(lambda rgb: next(each))
    for frame in frames:
        started = time.perf_counter()
        coherent.paint(frame)
        times["coherent"].append(time.perf_counter() - started)
    least = {name: 1000 * min(values[1:]) for name, values in times.items()}
    median = {
        name: 1000 * float(np.median(values[1:])) for name, values in times.items()
    }
    share = least["paint"] / (least["paint"] + least["coherent"])
    print("\n| at 512x288, ms | least | median |\n|---|---|---|")
    for name in times:
        print(f"| {name} | {least[name]:.1f} | {median[name]:.1f} |")
    print(f"\npainting takes {share:.0%} of painting and coherence together")
    return {"least": least, "median": median, "share_of_painting": share}


def main():
    paints = {}
    for path in FLAGS.models:
        model = load_model(path)
        style = model.styles[0] if model.styles else FLAGS.style
        paints[Path(path).stem] = model.prepare(style)
    clips = open_clips(FLAGS.sintel, LONG_SIDE, 0)
    results = {
        "load": os.getloadavg(),
        "models": compare_models(clips, paints),
        "choices": compare_choices(clips, next(iter(paints.values()))),
    }
    if FLAGS.clip:
        (clip,) = open_clips([FLAGS.clip], LONG_SIDE, FLAGS.frames)
        results["times"] = time_parts(clip, next(iter(paints.values())))
    write_report(results, FLAGS.output)


if __name__ == "__main__":
    config_flags.run(main)
