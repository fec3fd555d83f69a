"""How much memory pictures take, before a runtime tries and the process is killed."""

import math
import os
import platform
import threading
from collections.abc import Callable, Iterable, Sequence

# Bytes a pixel that no network of usual width exceeds: what surely fits is not estimated.
MOST = 4000
# Bytes of a runtime's first picture, whatever its size.
BASE = 0.2e9
# Bytes a pixel of the photo itself: read, painted, as it is written.
PHOTO = 50
# Peak memory of TensorFlow with oneDNN over that of one float32 map with the channels
# that the last convolution takes. Ours, from the peaks of processes: at 0.8 and 3.1
# megapixels 6.7 for starry_night_mobile, 7.2 for starry_night and 7.0 for painters; at
# 11 megapixels 8.7 for starry_night_mobile.
TENSORFLOW_MAPS = 9
# Without oneDNN TensorFlow's convolutions end the process at sizes that depend on their
# shapes, 12 megapixels for starry_night, 14 for starry_night_mobile.
MOST_PIXELS_WITHOUT_ONEDNN = 8_000_000
ONEDNN = "TF_ENABLE_ONEDNN_OPTS"
# Side in pixels of the picture that tells what LiteRT takes, and a margin: larger ones
# take up to 1.18 as much a pixel (starry_night_mobile, 3.1 megapixels).
PROBE, MARGIN = 512, 1.2


def estimate_tensorflow(shapes: Iterable[Sequence[int]]) -> float:
    """Returns how many bytes a pixel of a photo takes in TensorFlow.

    Args:
        shapes: of the network's weights. The kernel that makes 3 colors tells how many
            channels there are at full resolution; without one, 64 are assumed.
    """
    colors = [shape[-2] for shape in shapes if len(shape) == 4 and shape[-1] == 3]
    return TENSORFLOW_MAPS * 4 * max(colors, default=64) + PHOTO


def find_most_pixels() -> float:
    """Returns the largest picture that TensorFlow's convolutions here can do, pixels."""
    has_onednn = platform.machine().lower() in ("x86_64", "amd64")
    if os.environ.get(ONEDNN, "1" if has_onednn else "0").lower() in ("0", "false"):
        return MOST_PIXELS_WITHOUT_ONEDNN
    return math.inf


def measure_growth(call: Callable[[], object]) -> int:
    """Returns by how many bytes this process grew at most while something was called."""
    before, peak, ended = resident_memory(), 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not ended.wait(0.002):
            peak = max(peak, resident_memory())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        call()
    finally:
        ended.set()
        watcher.join()
    return max(peak, resident_memory()) - before


def resident_memory() -> int:
    """Returns the bytes of memory that this process holds."""
    # Here, since painting imports as little as it can at its start.
    import psutil

    return int(psutil.Process().memory_info().rss)
