"""Memory and time of painting a long clip: flat from the first frame to the last, and mostly painting.

Example: python benchmarks/video_memory.py --frames=10000 --output=memory.json
         python benchmarks/video_memory.py --frames=240 --width=512 --height=288

Makes a clip of noise that moves, with sound, paints it, and writes JSON: the resident
memory after every tenth of the frames, and the share of the time that the network took.
Needs `pip install 'nst_tf[video]'`. Linux only.
"""

import json
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from absl import flags
from report import write_report

from nst_tf import load_model
from nst_tf.config.commandline import flags as config_flags
from nst_tf.config.painting.video import VideoSettings
from nst_tf.images import noise
from nst_tf.inference.memory_check import resident_memory
from nst_tf.inference.video.run import paint_video

flags.DEFINE_string("model", "starry_night_mobile", "What paints.")
flags.DEFINE_integer("frames", 10_000, "Of the clip.")
flags.DEFINE_integer("width", 128, "Pixels.")
flags.DEFINE_integer("height", 72, "Pixels.")
flags.DEFINE_string("output", "", "JSON file; else stdout.")
FLAGS = flags.FLAGS


def write_clip(path: Path) -> None:
    """Writes the clip frame by frame: a window that wanders over a larger picture."""
    height, width = FLAGS.height, FLAGS.width
    field = noise.natural_noise(0, height + 64, width + 64)
    field = (255 * field).astype(np.uint8)
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25, options={"preset": "veryfast"})
        video.height, video.width, video.pix_fmt = height, width, "yuv420p"
        sound = container.add_stream("aac", rate=44100)
        sound.layout = "mono"
        for number in range(FLAGS.frames):
            top, left = (int(32 + 31 * f(number / 40)) for f in (np.sin, np.cos))
            view = np.ascontiguousarray(field[top : top + height, left : left + width])
            container.mux(video.encode(av.VideoFrame.from_ndarray(view, "rgb24")))
        for number in range(int(FLAGS.frames / 25 * 44100 / 1024)):
            silence = np.zeros((1, 1024), np.float32)
            frame = av.AudioFrame.from_ndarray(silence, "fltp", "mono")
            frame.sample_rate, frame.pts = 44100, 1024 * number
            frame.time_base = Fraction(1, 44100)
            container.mux(sound.encode(frame))
        container.mux(video.encode(None))
        container.mux(sound.encode(None))


def main() -> None:
    paint = load_model(FLAGS.model).prepare()
    memory, seconds = [], []

    def watch(rgb: np.ndarray) -> np.ndarray:
        began = time.perf_counter()
        drawn = paint(rgb)
        seconds.append(time.perf_counter() - began)
        if len(seconds) % max(FLAGS.frames // 10, 1) == 0:
            memory.append(round(resident_memory() / 1e6, 1))
        return drawn

    with tempfile.TemporaryDirectory() as folder:
        content = Path(folder) / "clip.mp4"
        write_clip(content)
        settings = VideoSettings(
            model=FLAGS.model, content=str(content), output=f"{folder}/out.mp4"
        )
        began = time.perf_counter()
        outcome = paint_video(watch, settings, FLAGS.model)
        wall = time.perf_counter() - began
    assert outcome.frames == FLAGS.frames and not outcome.faults
    results = {
        "av": av.__version__,
        "frames": outcome.frames,
        "size": [FLAGS.height, FLAGS.width],
        "memory_mb_after_each_tenth": memory,
        "frames_a_second": round(outcome.frames / wall, 2),
        "painting_share": round(sum(seconds) / wall, 3),
    }
    write_report(results, FLAGS.output)
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    config_flags.run(main)
