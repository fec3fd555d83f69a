"""A real process with the packaged network, killed without a word, and what goes on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from support import clips
from support.pictures import smooth

from nst_tf.config.optimize import OptimizeSettings
from nst_tf.optimization.video.run import optimize_clip

pytestmark = pytest.mark.slow
pytest.importorskip("cv2")
FRAMES = 12


def asked(content, output, **changes):
    return OptimizeSettings(
        content=content,
        output=str(output),
        style=("starry_swirls",),
        style_layers=("relu1_1",),
        content_layers=("relu1_1",),
        optimizer="adam",
        scales=1,
        iterations=4,
        frame_iterations=4,
        **changes,
    )


def test_a_kill_costs_one_frame_at_most(tmp_path):
    frames = [np.asarray(smooth(48, 64, 3))] * FRAMES
    content = clips.write_clip(tmp_path / "clip.mp4", np.stack(frames), sound=True)
    settings = asked(content, tmp_path / "out.mp4")
    flags = [f"--{name}={text}" for name, text in settings.to_flags().items()]
    running = subprocess.Popen(
        [sys.executable, "-m", "nst_tf.optimize", *flags],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
        stderr=subprocess.DEVNULL,
    )
    folder = tmp_path / "out_run" / "frames" / "pass_01"
    deadline = time.monotonic() + 300
    while len(list(folder.glob("0*.png"))) < 3 and time.monotonic() < deadline:
        assert running.poll() is None
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.wait()
    kept = {path: path.stat().st_mtime_ns for path in folder.glob("0*.png")}
    assert 3 <= len(kept) < FRAMES and not (tmp_path / "out.mp4").exists()
    optimize_clip(asked(content, tmp_path / "out.mp4", resume=True))
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    optimize_clip(asked(content, tmp_path / "whole.mp4"))
    one, other = tmp_path / "out.mp4", tmp_path / "whole.mp4"
    assert one.read_bytes() == other.read_bytes()
