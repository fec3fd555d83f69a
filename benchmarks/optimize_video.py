r"""How coherent optimized clips are: frame by frame, and with each part of `nst optimize`'s way.

Example: nice -n 15 python benchmarks/optimize_video.py --content=clip.mp4 --output=optimize_video.json \
    --folder=work

Paints the first frames of a clip in each way, judges them as `nst_tf.evaluate --videos`
does, prints its table, and writes all numbers as JSON. The folder keeps what is painted;
called again, it paints what is missing. `judged/strips.png` there shows four frames of
each way.
"""

import dataclasses
import json
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
from absl import flags
from report import write_report

from nst_tf.config.commandline import flags as config_flags
from nst_tf.config.evaluate import EvaluateSettings
from nst_tf.config.optimize import OptimizeSettings
from nst_tf.core.files import write_atomically
from nst_tf.data import sample_photos
from nst_tf.evaluation.videos.run import evaluate_videos
from nst_tf.images import io as image_io
from nst_tf.optimization.gatys import Gatys
from nst_tf.optimization.loop import ImageOptimization
from nst_tf.optimization.video.following import Followed
from nst_tf.optimization.video.kept_frames import KeptFrames
from nst_tf.optimization.video.problem import TERMS, FollowingFrames
from nst_tf.optimization.video.run import optimize_clip
from nst_tf.video.frames import Facts, Frame
from nst_tf.video.packages import import_cv2
from nst_tf.video.writing.encoders import ClipEncoder, ClipFormat
from nst_tf.video.writing.joining import join_clip
from nst_tf.video.writing.parts import Parts
from nst_tf.video.writing.pen import Pen

flags.DEFINE_string(
    "content",
    None,
    "A clip; or builtin:NAME, a photo of scikit-image over which a window moves.",
    required=True,
)
flags.DEFINE_string("end", "0.8", "Where to end, seconds.")
flags.DEFINE_string("style", "starry_swirls", "The style.")
flags.DEFINE_integer("image_size", 256, "Long side, pixels.")
flags.DEFINE_integer("iterations", 60, "Of the first frame.")
flags.DEFINE_integer("own_iterations", 20, "Of each frame painted by itself.")
flags.DEFINE_float("style_scale", 1.0, "As of nst_tf.optimize.")
flags.DEFINE_integer("frame_iterations", 20, "Of each following frame.")
flags.DEFINE_list("ways", [], "Of WAYS; all without.")
flags.DEFINE_string("folder", None, "Where paintings are kept.", required=True)
flags.DEFINE_string("output", None, "JSON file.", required=True)
FLAGS = flags.FLAGS

# name -> settings of a clip; None for frame by frame.
WAYS: dict[str, dict | None] = {
    "temporal": {},
    "warped start alone": {"temporal_weight": 0.0},
    "frame by frame": None,
    "long term": {"long_term": (1, 10, 20)},
    "two passes": {"passes": 2},
    "weight 100": {"temporal_weight": 100.0},
}


PAN_STEP = 3.3, 1.6  # pixels a frame, across and down
PAN_SIZE = 216, 288  # of the window, height and width
PAN_FPS, PAN_FRAMES = 30, 24


def make_pan(photo: str, path: Path) -> None:
    """Writes frames of a window that moves over a photo as a lossless clip."""
    rgb = sample_photos.read_photo(photo).rgb
    height, width = PAN_SIZE
    size = height, width
    time_base = Fraction(1, PAN_FPS)
    facts = Facts(size, time_base, 1 / time_base)
    format = ClipFormat("ffv1", {}, facts, (0, 0))
    parts = Parts(path)
    parts.begin({"pan": photo}, overwrite=True)
    pen = Pen(parts, lambda: ClipEncoder(format))
    for number in range(PAN_FRAMES):
        across, down = (number * step for step in PAN_STEP)
        matrix = np.float32([[1, 0, across], [0, 1, down]])
        window = import_cv2().warpAffine(
            rgb, matrix, (width, height), flags=2 | 16, borderMode=2
        )
        pen.write(Frame(number, 1, image_io.to_uint8(window)))
    pen.finish({})
    join_clip(parts, format, path, None, [], False)
    parts.remove()


def choose_settings(way: str, output: Path, **changes) -> OptimizeSettings:
    """Returns the settings of one way."""
    content, folder = FLAGS.content, Path(FLAGS.folder)
    if content.startswith(sample_photos.BUILTIN):
        pan = folder / "pan.mkv"
        if not pan.exists():
            make_pan(content, pan)
        content = str(pan)
    return OptimizeSettings(
        content=content,
        end=FLAGS.end,
        style=(FLAGS.style,),
        style_scale=FLAGS.style_scale,
        image_size=FLAGS.image_size,
        output=f"{output}.mp4",
        run=f"{output}_run",
        iterations=FLAGS.iterations,
        frame_iterations=FLAGS.frame_iterations,
        scales=1,
        **changes,
    )


def paint_by_themselves(settings: OptimizeSettings, kept: KeptFrames, folder: Path):
    """Optimizes each frame as a photo: from itself, and with nothing temporal."""
    first = image_io.Image(kept.content(0))
    task = Gatys(settings, first)
    following = FollowingFrames(task, FLAGS.own_iterations, 0.0)
    for number in range(kept.count):
        path = folder / f"{number + 1:06d}.png"
        if path.exists():
            continue
        frame = kept.content(number)
        task.show(image_io.Image(frame))
        following.pose(Followed(frame, 0 * frame, 0 * frame[..., :1]))
        painting = ImageOptimization(
            following,
            following.open_optimizer,
            TERMS,
            folder / "state.npz",
            float("inf"),
            keep_state=False,
            compile=following.compile,
        )
        image_io.write_image(path, image_io.Image(painting.run().picture))


def paint(way: str, folder: Path) -> float:
    """Paints what is missing of one way; returns the seconds that it took in all."""
    output = folder / way.replace(" ", "_")
    note = folder / f"{output.name}.seconds"
    if not note.exists():
        started = time.perf_counter()
        changes = WAYS[way]
        if changes is None:
            output.mkdir(exist_ok=True)
            kept = KeptFrames(folder / "temporal_run" / "frames")
            paint_by_themselves(choose_settings(way, output), kept, output)
        else:
            settings = choose_settings(way, output, **changes)
            resume = Path(settings.run).exists()
            optimize_clip(dataclasses.replace(settings, resume=resume))
        seconds = time.perf_counter() - started
        write_atomically(note, json.dumps(round(seconds, 1)).encode())
    return float(note.read_text())


def find_paintings(way: str, folder: Path) -> Path:
    """Returns the folder of a way's paintings, named as the frames."""
    output = folder / way.replace(" ", "_")
    changes = WAYS[way]
    if changes is None:
        return output
    return Path(f"{output}_run") / "frames" / f"pass_{changes.get('passes', 1):02d}"


def main():
    folder = Path(FLAGS.folder)
    folder.mkdir(parents=True, exist_ok=True)
    ways = FLAGS.ways or list(WAYS)
    seconds = {way: paint(way, folder) for way in ways}
    judged = evaluate_videos(
        EvaluateSettings(
            models=tuple(f"{way}={find_paintings(way, folder)}" for way in ways),
            videos=(str(folder / "temporal_run" / "frames" / "content"),),
            image_size=FLAGS.image_size,
            style_image=FLAGS.style,
            style_size=max(FLAGS.image_size, 156),  # what relu5_1 sees at once
            feature_network="slim_vgg19",
            output=str(folder / "judged"),
            overwrite=True,
        )
    )
    rows = [{"way": row.name, **row.values} for row in judged.rows]
    write_report({"rows": rows, "seconds": seconds}, FLAGS.output)


if __name__ == "__main__":
    config_flags.run(main)
