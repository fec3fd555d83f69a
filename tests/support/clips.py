"""Small clips, made when a test needs them: known pictures, times, sound and tags."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

av = pytest.importorskip("av", reason="needs PyAV: pip install 'nst_tf[video]'")

HEIGHT, WIDTH, FRAMES = 48, 64, 20
TIME_BASE = Fraction(1, 90000)


def pictures(count=FRAMES, height=HEIGHT, width=WIDTH):
    """uint8 [count, height, width, 3]: a smooth color field in which a bright square moves."""
    rng = np.random.default_rng(0)
    small = Image.fromarray(rng.integers(40, 216, (3, 4, 3), np.uint8))
    base = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))
    frames = np.stack([base] * count)
    side = max(height // 4, 1)
    for number in range(count):
        left = number * max(width - side, 0) // max(count - 1, 1)
        frames[number, :side, left : left + side] = (230, 225, 220)
    return frames


def variable_times(count=FRAMES, seed=0):
    """Times in units of TIME_BASE from 0 on, no two steps alike."""
    steps = np.random.default_rng(seed).integers(1001, 9001, count - 1)
    return [0, *np.cumsum(steps).tolist()]


def write_clip(
    path,
    frames=None,
    times=None,
    codec="libx264",
    pixel_format="yuv420p",
    sound=False,
    matrix=None,
    full=False,
    tags=(2, 2),
    options=None,
    container_options=None,
    metadata=None,
    duration=None,
):
    """Writes a clip by PyAV alone; returns its path as a text.

    Args:
        frames: uint8 [N, height, width, 3], or frames of PyAV as they are to be encoded.
        times: of the frames, in units of TIME_BASE; 25 a second without.
        sound: whether a tone is added, as AAC; of another codec by its name.
        matrix, full, tags: H.273's matrix, range, and (primaries, transfer).
        duration: of the sound, seconds; as long as the frames without.
    """
    frames = pictures() if frames is None else frames
    times = range(0, len(frames) * 3600, 3600) if times is None else times
    with av.open(
        str(path), "w", container_options=container_options or {}
    ) as container:
        container.metadata.update(metadata or {})
        video = container.add_stream(
            codec, rate=25, options={"crf": "8"} if options is None else options
        )
        context = video.codec_context
        first = frames[0]
        context.height, context.width = (
            first.shape[:2]
            if isinstance(first, np.ndarray)
            else (first.height, first.width)
        )
        context.pix_fmt, context.time_base = pixel_format, TIME_BASE
        context.color_range = 2 if full else 1
        context.colorspace = 2 if matrix is None else matrix
        context.color_primaries, context.color_trc = tags
        video.time_base = TIME_BASE
        tone = None
        if sound:
            tone = _add_tone_stream(container, "aac" if sound is True else sound)
        for picture, time in zip(frames, times):
            frame = picture
            if isinstance(picture, np.ndarray):
                frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(
                    format=pixel_format,
                    dst_colorspace=matrix or 5,
                    src_color_range=2,
                    dst_color_range=2 if full else 1,
                )
            frame.pts, frame.time_base = int(time), TIME_BASE
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if tone is not None:
            seconds = duration or float((times[-1] + 3600) * TIME_BASE)
            _add_tone(container, tone, seconds)
    return str(path)


def _add_tone_stream(container, codec):
    opus = codec == "libopus"
    tone = container.add_stream(codec, rate=48000 if opus else 44100)
    tone.layout, tone.format = "mono", "flt" if opus else "fltp"
    return tone


def _add_tone(container, tone, seconds):
    rate, format = tone.rate, tone.format.name
    for number in range(int(seconds * rate / 1024)):
        moments = np.arange(1024) + 1024 * number
        wave = 0.3 * np.sin(moments * 2 * np.pi * 440 / rate)
        frame = av.AudioFrame.from_ndarray(
            wave.astype(np.float32)[None], format, "mono"
        )
        frame.sample_rate, frame.pts = rate, 1024 * number
        frame.time_base = Fraction(1, rate)
        container.mux(tone.encode(frame))
    container.mux(tone.encode(None))


def write_sound(path):
    """A file with a tone alone."""
    with av.open(str(path), "w") as container:
        _add_tone(container, _add_tone_stream(container, "aac"), 0.5)
    return str(path)


def turn(path, quarters):
    """Marks an .mp4 as to be turned clockwise for showing, as phones do: by its matrix."""
    cosine, sine = [(1, 0), (0, 1), (-1, 0), (0, -1)][quarters % 4]
    data = bytearray(Path(path).read_bytes())
    place = data.find(b"tkhd") + 44  # ISO 14496-12, 8.3.2: behind layer and volume
    matrix = [cosine, sine, 0, -sine, cosine, 0, 0, 0, 16384]
    data[place : place + 36] = b"".join(
        (value * 65536).to_bytes(4, "big", signed=True) for value in matrix
    )
    Path(path).write_bytes(data)


def times(path):
    """Times of the frames in seconds, exactly."""
    with av.open(str(path)) as container:
        return [
            frame.pts * frame.time_base
            for frame in container.decode(container.streams.video[0])
        ]


def frames(path):
    """uint8 [N, height, width, 3], as ffmpeg decodes what the clip says of its colors."""
    with av.open(str(path)) as container:
        decoded = [
            frame.to_ndarray(
                format="rgb24", interpolation=4 | 0x2000 | 0x4000 | 0x40000
            )
            for frame in container.decode(container.streams.video[0])
        ]
    return np.stack(decoded)


def packets(path, kind):
    """(time in seconds, bytes) of the packets of the first stream of a kind."""
    with av.open(str(path)) as container:
        stream = next(each for each in container.streams if each.type == kind)
        return [
            (packet.pts * packet.time_base, bytes(packet))
            for packet in container.demux(stream)
            if packet.size
        ]


def copy_packets(source, stream, container):
    """Writes all packets of a container's first stream into a stream of another one."""
    for packet in source.demux(source.streams[0]):
        if packet.dts is not None:
            packet.stream = stream
            container.mux(packet)
