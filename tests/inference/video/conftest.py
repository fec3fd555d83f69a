"""Frames are painted by themselves here: what coherence does has tests of its own."""

import pytest

from nst_tf.inference.video import run
from nst_tf.video.frames import EachFrame


@pytest.fixture(autouse=True)
def each_frame_by_itself(request, monkeypatch):
    if request.node.path.stem != "test_coherent_painter":
        make = lambda paint, settings: EachFrame(paint)  # noqa: E731
        monkeypatch.setattr(run, "_make_painter", make)
