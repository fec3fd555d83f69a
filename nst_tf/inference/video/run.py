"""From settings to a painted clip: what is read, what paints, what is written."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from nst_tf.config.painting.clip import (
    WRITTEN_ANIMATIONS,
    WRITTEN_CLIPS,
    is_picture,
)
from nst_tf.config.painting.folder import STREAM
from nst_tf.config.painting.video import VideoSettings
from nst_tf.core.errors import expected
from nst_tf.core.interrupts import Interruptible, interrupt_on_terminate
from nst_tf.core.results import CommandResult
from nst_tf.images import io as image_io
from nst_tf.inference.folder import identify, paint_photo, refuse_original
from nst_tf.inference.model import Model, Paint, Style
from nst_tf.inference.model_identity import hash_model
from nst_tf.inference.open_model import load_model
from nst_tf.inference.video import live
from nst_tf.inference.video.coherent_painter import CoherentPainter
from nst_tf.inference.video.fingerprint import describe_request, hash_paint
from nst_tf.inference.video.painting import paint_parts
from nst_tf.video.frames import EachFrame, Facts, FramePainter, Source
from nst_tf.video.opening import open_source, open_target
from nst_tf.video.reading.camera import Camera
from nst_tf.video.sizes import fit_facts, resize_frame
from nst_tf.video.writing.parts import Parts
from nst_tf.video.writing.targets import (
    refuse_existing,
)


@dataclasses.dataclass(frozen=True)
class VideoOutcome:
    """What became of a clip.

    Attributes:
        written: the clip, the animation, the picture or the folder.
        frames: how many were painted, by this run and by those that it went on with.
        faults: what was wrong with the content, such as that it is cut off; what there
            was is painted all the same.
    """

    written: Path
    frames: int
    faults: tuple[str, ...] = ()


def stylize_video(
    model: Model | str | os.PathLike[str],
    content: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    style: Style = None,
    strength: float = 1.0,
    preserve_color: str = "none",
    **options: Any,
) -> VideoOutcome:
    """Stylizes a clip or an animation; sound, subtitles and times stay as they are.

    Needs the packages of `pip install 'nst_tf[video]'`, unless content and output are
    animations or pictures. Parts that are painted lie in a hidden folder beside the
    output until it is whole: after Ctrl-C or a kill the same call goes on with them.

    Args:
        model: an opened model, or what `load_model` takes.
        content: a clip, an animated GIF or WebP, a folder or a glob of pictures, or
            "camera:0".
        output: a clip (.mp4, .mov, .m4v, .mkv, .webm), a .gif or .webp, a folder that
            gets numbered PNGs, or a picture, which shows the first frame.
        style, strength, preserve_color: as for `Model.prepare`.
        **options: settings of clips by name, such as start, end, codec, crf and
            overwrite; see `nst_tf.config.painting.video.VideoSettings`.

    Raises:
        UserError: as `load_model` and `Model.prepare`; a clip that cannot be read, or an
            output that cannot be written.
        KeyboardInterrupt: after Ctrl-C or SIGTERM; the parts stay.
    """
    opened = model if isinstance(model, Model) else load_model(model)
    settings = VideoSettings(
        model="opened" if isinstance(model, Model) else os.fspath(model),
        content=os.fspath(content),
        output=os.fspath(output),
        **options,
    )
    if not settings.paints_clip:
        raise expected(
            "a clip or an animation as content or output",
            f"{settings.content} and {settings.output}",
            "Paint photos with stylize_files.",
        )
    paint = opened.prepare(style, strength, preserve_color=preserve_color)
    return paint_video(paint, settings, hash_paint(paint))


def run_video(
    paint: Paint, settings: VideoSettings, keep: Sequence[str] = ()
) -> CommandResult:
    """Stylizes what a command's settings name.

    Args:
        paint: from `Model.prepare`.
        settings: of the command; they paint a clip.
        keep: files that are never replaced; they decide what is painted, too.

    Raises:
        UserError: as `stylize_video`.
    """
    outcome = paint_video(paint, settings, hash_model(settings.model), keep)
    for fault in outcome.faults:
        print(f"error: {settings.content}: {fault}", file=sys.stderr)
    where = sys.stderr if settings.output == STREAM else sys.stdout
    print(f"frames painted: {outcome.frames}, wrote {settings.output}", file=where)
    return CommandResult(dataclasses.asdict(outcome), 1 if outcome.faults else 0)


def paint_video(
    paint: Paint, settings: VideoSettings, model: str, keep: Sequence[str] = ()
) -> VideoOutcome:
    """Paints a clip; see `stylize_video`.

    Args:
        paint: from `Model.prepare`.
        settings: what is painted.
        model: stands for the model: parts of another one are not gone on with.
        keep: as for `run_video`.
    """
    output = Path(settings.output)
    if identify(output) in {identify(path) for path in [settings.content, *keep]} - {
        None
    }:
        raise refuse_original(settings.output)
    source = open_source(settings)
    facts = fit_facts(source.facts, settings.image_size)
    painter = _make_painter(paint, settings)
    if settings.output == STREAM:
        return VideoOutcome(output, live.show(source, painter, facts, settings.content))
    if is_picture(settings.output):
        return _paint_first(source, paint, facts, settings)
    parts = Parts(output)
    resumes = parts.count > 0
    if output.suffix.lower() in (*WRITTEN_CLIPS, *WRITTEN_ANIMATIONS):
        refuse_existing(output, settings.overwrite)
    target = open_target(source, facts, settings, resumes)
    line = parts.begin(
        describe_request(settings, model, keep), overwrite=settings.overwrite
    )
    if line:
        print(line, file=sys.stderr)

    def paint_all(ended: Callable[[], bool] = lambda: False) -> int:
        return paint_parts(
            source,
            painter,
            parts,
            target.make_encoder,
            settings.part_frames,
            facts.size,
            settings.content,
            ended,
        )

    if isinstance(source, Camera):  # Ctrl-C is how a recording ends
        with Interruptible() as signals:
            frames = paint_all(lambda: signals.received)
        target.write(parts)
    else:
        with interrupt_on_terminate(), _telling_what_stays(parts):
            frames = paint_all()
            target.write(parts)
    parts.remove()
    return VideoOutcome(output, frames, tuple(source.faults))


@contextlib.contextmanager
def _telling_what_stays(parts: Parts) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        painted = len(parts.read_index())
        raise KeyboardInterrupt(
            f"{painted} frames are painted, which stay in {parts.folder}; the same command "
            "goes on"
        ) from None


def _make_painter(paint: Paint, settings: VideoSettings) -> FramePainter:
    if settings.coherence:
        return CoherentPainter(paint, settings.coherence)
    return EachFrame(paint)


def _paint_first(
    source: Source, paint: Paint, facts: Facts, settings: VideoSettings
) -> VideoOutcome:
    """Paints the first frame alone, as a look at what a clip will be."""
    frame = next(source.read())
    rgb = image_io.to_float(resize_frame(frame, facts.size).rgb)
    drawn = paint_photo(paint, rgb, settings.content)
    image_io.write_image(
        settings.output,
        image_io.Image(drawn),
        overwrite=settings.overwrite,
        quality=settings.quality,
    )
    return VideoOutcome(Path(settings.output), 1)
