"""From settings to where frames come from, and where they go."""

import os
from pathlib import Path
from typing import Any

from nst_tf.config.painting.clip import (
    CAMERA,
    CLIP_SUFFIXES,
    WRITTEN_ANIMATIONS,
    WRITTEN_CLIPS,
    is_pictures,
    read_time,
)
from nst_tf.video.frames import Facts, Source
from nst_tf.video.reading.animation import Animation
from nst_tf.video.reading.camera import Camera
from nst_tf.video.reading.clip import Clip
from nst_tf.video.reading.picture_folder import PictureFolder
from nst_tf.video.writing.targets import AnimationFile, ClipFile, FrameFolder, Target

# `nst_tf.config.painting.clip.ClipSettings` with "max_pixels" and "overwrite" among them.
Request = Any


def open_source(settings: Request) -> Source:
    """Returns the frames of --content between --start and --end.

    Raises:
        UserError: it cannot be read, or has no frame there.
    """
    content = settings.content
    start, end = read_time("start", settings.start), read_time("end", settings.end)
    if content.startswith(CAMERA):
        return Camera(content, end)
    if is_pictures(content) and Path(content).suffix.lower() not in CLIP_SUFFIXES:
        return PictureFolder(content, settings.fps, start, end, settings.max_pixels)
    if Path(content).suffix.lower() in CLIP_SUFFIXES:
        return Clip(content, start, end, settings.max_pixels)
    return Animation(content, start, end, settings.max_pixels)


def open_target(
    source: Source, facts: Facts, settings: Request, resumes: bool
) -> Target:
    """Returns what writes --output.

    Args:
        source: of the frames.
        facts: of the frames as they are painted.
        settings: of the command.
        resumes: whether frames that lie in a folder are those of a run that goes on.

    Raises:
        UserError: it cannot be written so.
    """
    output = Path(settings.output)
    suffix = output.suffix.lower()
    if suffix in WRITTEN_CLIPS:
        return ClipFile(
            output,
            source,
            facts,
            settings.codec,
            settings.crf,
            settings.strip_metadata,
        )
    if suffix in WRITTEN_ANIMATIONS:
        return AnimationFile(output, facts, settings.quality)
    # Frames that lie there when a run goes on are its own.
    return FrameFolder(output, settings.overwrite or resumes)


def describe_content(content: str) -> list[Any]:
    """Returns path, size and time of change of a --content, by which a run knows its own:
    to read all of a long clip would take minutes.
    """
    if content.startswith(CAMERA):
        return [content]
    path = os.path.realpath(content)
    paths = [path]
    if os.path.isdir(path):
        paths = sorted(entry.path for entry in os.scandir(path) if entry.is_file())
    described: list[Any] = [path]
    for each in paths:
        if os.path.isfile(each):
            status = os.stat(each)
            described += [os.path.basename(each), status.st_size, status.st_mtime_ns]
    return described
