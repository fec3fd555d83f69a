"""From settings to an optimized clip: frame after frame, kept, resumable, written."""

import dataclasses
import sys
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tqdm

from nst_tf.config.optimize import OptimizeSettings
from nst_tf.core import files
from nst_tf.core.errors import expected
from nst_tf.core.interrupts import Interruptible
from nst_tf.core.results import CommandResult
from nst_tf.images import io as image_io
from nst_tf.optimization import gatys
from nst_tf.optimization.loop import ImageOptimization, Result
from nst_tf.optimization.run import COMMAND, check_targets, name_remedy, pose
from nst_tf.optimization.video.following import follow
from nst_tf.optimization.video.kept_frames import KeptFrames
from nst_tf.optimization.video.problem import TERMS, FollowingFrames
from nst_tf.optimization.video.turns import Turn, plan_turns
from nst_tf.optimization.video.writing import write_frames
from nst_tf.runs import callbacks
from nst_tf.runs.folder import RunFolder, check_inputs, open_run
from nst_tf.video.opening import describe_content, open_source, open_target
from nst_tf.video.packages import import_cv2
from nst_tf.video.sizes import fit_facts, resize_frame


@dataclasses.dataclass(frozen=True)
class ClipResult:
    """What became of a clip.

    Attributes:
        written: the clip, the animation or the folder.
        frames: how many it has.
        scenes: how many it has; the first frame of each is painted as a photo is.
        seconds: of painting, those before a resume counted in.
        rose: frames whose objective was higher at the end than where they began.
        faults: what was wrong with the content, such as that it is cut off; what there
            was is painted all the same.
    """

    written: Path
    frames: int
    scenes: int
    seconds: float
    rose: int
    faults: tuple[str, ...] = ()

    def summarize(self) -> CommandResult:
        """Returns the attributes; the status is 1 if the content has faults."""
        return CommandResult(dataclasses.asdict(self), 1 if self.faults else 0)


def optimize_clip(
    settings: OptimizeSettings, log: Callable[[str], None] = print
) -> ClipResult:
    """Paints a clip by optimizing its frames, each from the last one moved along the flow.

    Needs the packages of `pip install 'nst_tf[video]'`. The run folder keeps the frames
    and every painted one; --resume goes on behind the last of them, or in the middle of
    one after Ctrl-C.

    Args:
        settings: of a clip.
        log: takes lines for the user.

    Raises:
        UserError: a clip that cannot be read, an output that cannot be written, or
            anything else that the user can mend.
        KeyboardInterrupt: after Ctrl-C or SIGTERM; what is painted stays.

    Reference:
        Ruder, Dosovitskiy, Brox 2016 (arXiv:1604.08610).
    """
    folder = settings.find_run(vars(settings))
    check_targets(settings, RunFolder(Path(folder)))
    import_cv2()  # without it nothing is begun
    source = open_source(settings)
    facts = fit_facts(source.facts, settings.image_size)
    target = open_target(source, facts, settings, settings.resume)
    first = resize_frame(next(source.read()), facts.size)
    settings, task = pose(settings, log, image_io.Image(image_io.to_float(first.rgb)))
    files.ensure_writable_folder(Path(settings.output).absolute().parent)
    run = open_run(settings, folder, command=COMMAND, flag="--run")
    inputs = {**task.provenance, "clip": describe_content(settings.content)}
    if settings.resume:
        check_inputs(run, inputs)
    run.note(**inputs)
    kept = KeptFrames(run.frames)
    painting = _ClipPainting(settings, task, kept, run)
    if task.extractor.note:
        log(task.extractor.note)
    with Interruptible() as signals:
        if not kept.are_read:
            frames = (resize_frame(frame, facts.size) for frame in source.read())
            kept.read(frames, lambda: signals.received)
        whole = kept.are_read and painting.paint_all(lambda: signals.received)
    if not whole:
        raise KeyboardInterrupt(
            f"{painting.done} frames are painted, which stay in {run.path}; --resume continues"
        )

    def finish(number: int, rgb8: np.ndarray) -> np.ndarray:
        task.show(image_io.Image(image_io.to_float(rgb8)))
        picture = kept.painted(settings.passes, number)
        return image_io.to_uint8(task.finish_picture(picture).rgb)

    try:
        write_frames(source, facts.size, target, run.path / "clip", finish)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"all frames are painted, which stay in {run.path}; --resume writes them"
        ) from None
    result = ClipResult(
        Path(settings.output),
        kept.count,
        len(kept.scenes),
        painting.seconds,
        painting.rose,
        tuple(source.faults),
    )
    run.note(frames=result.frames, scenes=result.scenes)
    if result.rose:
        log(
            f"{result.rose} frames ended above where they began: {name_remedy(settings)}"
        )
    for fault in result.faults:
        print(f"error: {settings.content}: {fault}", file=sys.stderr)
    log(f"frames painted: {result.frames}, wrote {settings.output}")
    return result


class _ClipPainting:
    """Paints the frames of all passes that are not painted yet.

    Args:
        settings: of the clip.
        task: has the style.
        kept: the frames.
        run: its log gets a line a frame.

    Attributes:
        done: frames that are painted, of all passes.
        seconds: of painting, those before a resume counted in.
        rose: frames whose objective rose.
    """

    def __init__(
        self,
        settings: OptimizeSettings,
        task: gatys.Gatys,
        kept: KeptFrames,
        run: RunFolder,
    ):
        self._settings, self._task = settings, task
        self._kept, self._run = kept, run
        self._following: FollowingFrames | None = None
        self.done = self.rose = 0
        self.seconds = float(run.recorded.get("seconds", 0))

    def paint_all(self, stopped: Callable[[], bool]) -> bool:
        """Paints until all is done, or until `stopped` says so before a frame, or Ctrl-C
        ends one on the way; returns whether all is done.

        Raises:
            UserError: a number that is not finite; what was painted before stays.
        """
        turns = plan_turns(self._kept.scenes, self._settings.passes)
        left = [turn for turn in turns if not self._kept.has(turn)]
        total = self._kept.count * self._settings.passes
        self.done = total - len(left)
        history = callbacks.JsonLog(self._run.log, after=self.done)
        history.on_train_begin()
        started = time.monotonic()
        try:
            with tqdm.tqdm(total=total, initial=self.done, unit="frame") as progress:
                for turn in left:
                    if stopped():
                        return False
                    painted = self._paint(turn, progress)
                    if painted.interrupted:
                        return False
                    entry = {
                        "pass": turn.pass_number,
                        "frame": turn.number + 1,
                        **painted.logs,
                    }
                    history.on_train_batch_end(self.done, entry)
                    self._kept.keep(turn, painted.picture)
                    self.done += 1
                    progress.update()
            return True
        finally:
            history.on_train_end()
            self.seconds = round(self.seconds + time.monotonic() - started, 1)
            self._run.note(seconds=self.seconds)

    def _paint(self, turn: Turn, progress: tqdm.tqdm) -> Result:
        settings = self._settings
        frame = self._kept.content(turn.number)
        self._task.show(image_io.Image(frame))
        state_file = self._kept.state_path(turn)
        if turn.begins_scene:
            painting = ImageOptimization(
                self._task,
                self._task.open_optimizer,
                gatys.TERMS,
                state_file,
                settings.checkpoint_minutes,
                keep_state=False,
            )
        else:
            following = self._open_following()
            following.pose(follow(self._kept, turn, settings.long_term))
            painting = ImageOptimization(
                following,
                following.open_optimizer,
                TERMS,
                state_file,
                settings.checkpoint_minutes,
                keep_state=False,
                compile=following.compile,
            )
        if state_file.exists():
            painting.restore()
        painted = painting.run([_Postfix(progress)])
        if painted.failed:
            raise expected(
                "finite numbers",
                f"{painted.reason} in frame {turn.number + 1}",
                f"Begin anew, and {name_remedy(settings)}.",
            )
        self.rose += painted.worse is not None
        return painted

    def _open_following(self) -> FollowingFrames:
        if self._following is None:
            settings = self._settings
            self._following = FollowingFrames(
                self._task, settings.frame_iterations, settings.temporal_weight
            )
        return self._following


class _Postfix(keras.callbacks.Callback):
    """Shows the iterations of a frame beside the progress over frames, once a second."""

    def __init__(self, progress: tqdm.tqdm):
        super().__init__()
        self._progress, self._shown = progress, time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        if time.monotonic() - self._shown > 1:
            self._shown = time.monotonic()
            self._progress.set_postfix_str(f"iteration {batch + 1}")
