"""Paints a picture of any size in bands of rows, with the moments of the whole picture.

Each stage of a plan (`nst_tf.inference.tiles.plan`) runs over all bands before the next
one begins. Between stages small maps lie in files, so memory is that of one band.
"""

import contextlib
import shutil
from collections.abc import Mapping, Sequence

import numpy as np

from nst_tf.core.errors import expected
from nst_tf.images import padding
from nst_tf.images.large.spool import find_folder
from nst_tf.inference.tiles.graph import Key, Measure
from nst_tf.inference.tiles.picture import Picture
from nst_tf.inference.tiles.plan import Map, Plan, Stage
from nst_tf.inference.tiles.stored_map import StoredMap

# Memory of a stage over that of the numbers that it holds at once. Ours, from the
# peaks of processes: benchmarks/large_pictures.py.
PEAK = 4.0
# Bytes of a band at most: larger ones are not faster.
MOST_BYTES = 250_000_000
LEAST_ROWS = 16  # of the picture in a band
# Pixels of the strips by which moments are sampled, rows of each, and how many at least.
SAMPLE, STRIP, LEAST_STRIPS = 4_000_000, 64, 16


class RunningMoments:
    """Mean and variance of bands together, in float64.

    Reference:
        Chan, Golub, LeVeque 1983, "Algorithms for computing the sample variance",
        equations 2.1.
    """

    def __init__(self) -> None:
        self._count, self._mean, self._spread = 0, np.float64(0), np.float64(0)

    def add(self, count: int, mean: np.ndarray, variance: np.ndarray) -> None:
        """Adds the moments of `count` more pixels."""
        total = self._count + count
        step = mean - self._mean
        product = self._count * count / total
        self._spread = self._spread + variance * count + step**2 * product
        self._mean = self._mean + step * (count / total)
        self._count = total

    def get(self) -> list[np.ndarray]:
        """Returns mean and biased variance, each float32 [1, 1, 1, C]."""
        variance = self._spread / self._count
        return [
            np.asarray(each, np.float32).reshape(1, 1, 1, -1)
            for each in (self._mean, variance)
        ]


def paint_in_bands(
    plan: Plan,
    settings: Mapping[str, np.ndarray],
    picture: Picture,
    memory: float,
) -> None:
    """Paints a picture; it equals what the network draws of the whole but for rounding.

    With `Plan.single` moments are those of strips spread over the picture: it is
    painted in one pass, and differs a little from the whole's.

    Args:
        plan: of the network.
        settings: {name: [1, N]} that the network takes beside the picture.
        picture: the photo, and where its painting goes.
        memory: bytes that bands may take.

    Raises:
        UserError: a band does not fit into memory, or the maps onto the disk.
    """
    moments: Mapping[Measure, list[np.ndarray]] = {}
    stages = plan.stages
    if plan.single:
        strips = _Painting(plan, _sample(picture), memory)
        with contextlib.closing(strips):
            moments = strips.run(plan.stages[:-1], settings, {})
        stages = (plan.single,)
    painting = _Painting(plan, picture, memory)
    with contextlib.closing(painting):
        painting.run(stages, settings, moments)


def _sample(picture: Picture) -> Picture:
    """Returns strips of a picture, spread over it, as a picture of their own."""
    height, width = picture.size
    count = max(LEAST_STRIPS, SAMPLE // (STRIP * width))
    if count * STRIP >= height:
        strips = [picture.read(0, height)]
    else:
        tops = np.linspace(0, height - STRIP, count).astype(int).tolist()
        strips = [picture.read(top, top + STRIP) for top in tops]
    rows = np.concatenate(strips)
    return Picture(lambda first, last: rows[first:last], (len(rows), width), _forget)


def _forget(rows: np.ndarray) -> None:
    """Takes painted rows that nobody wants."""


class _Painting:
    """One picture on its way through the stages."""

    def __init__(self, plan: Plan, picture: Picture, memory: float):
        self._plan, self._picture = plan, picture
        self._memory = memory
        self._rows, self._columns = (
            padding.padded_side(side, *plan.sides) for side in picture.size
        )
        source = _GrownRows(picture, self._columns)
        self._maps: dict[Key, StoredMap | _GrownRows] = {plan.image.key: source}
        self._moments: dict[Measure, list[np.ndarray]] = {}

    def run(
        self,
        stages: Sequence[Stage],
        settings: Mapping[str, np.ndarray],
        moments: Mapping[Measure, list[np.ndarray]],
    ) -> Mapping[Measure, list[np.ndarray]]:
        """Runs stages, and returns the moments of all norms.

        Args:
            stages: one after the other.
            settings: {name: [1, N]}.
            moments: known before.
        """
        self._check(stages)
        self._moments |= moments
        total, done = sum(stage.seconds for stage in stages), 0.0
        for number, stage in enumerate(stages):
            values = [settings[name] for name in stage.settings]
            running = [RunningMoments() for _ in stage.measured]
            needed = _find_inputs(stages[number + 1 :])
            self._open_maps([each for each in stage.kept if each.key in needed])
            spent = [each for each in stage.inputs if each.key not in needed]
            step = self._choose_step(stage)
            for top in range(0, self._rows, step):
                bottom = min(top + step, self._rows)
                start, stop = self._find_seen(stage, top, step)
                for each in spent:
                    self._maps[each.key].free(start // each.scale)
                band = top, bottom, start, stop
                kept = self._compute(stage, values, band, running)
                for each, rows in zip(stage.kept, kept):
                    self._store(each, top, rows)
                share = stage.seconds * bottom / self._rows
                self._picture.report((done + share) / total)
            done += stage.seconds
            for measure, found in zip(stage.measured, running):
                self._moments[measure] = found.get()
            stage.function.close()
            self._close_unused(needed)
        return self._moments

    def close(self) -> None:
        """Frees the disk space."""
        self._close_unused(set())

    def _check(self, stages: Sequence[Stage]) -> None:
        """Raises `UserError` for too little memory or disk space."""
        most = max(
            self._row_bytes(stage) * (LEAST_ROWS + 2 * stage.halo) for stage in stages
        )
        if most > self._memory:
            raise expected(
                f"{most / 1e9:.1f} GB of free memory for a band of {self._columns} columns",
                f"{self._memory / 1e9:.1f} GB",
                "Raise --memory, or use a smaller model.",
            )
        needed = find_disk_bytes(stages, self._rows, self._columns)
        place = find_folder()
        free = shutil.disk_usage(place).free
        if needed > free:
            raise expected(
                f"{needed / 1e9:.1f} GB of free disk space in {place} for feature maps",
                f"{free / 1e9:.1f} GB",
                "Free some, or name another folder by the variable TMPDIR.",
            )

    def _choose_step(self, stage: Stage) -> int:
        """Returns how many rows a band gives."""
        row_bytes = self._row_bytes(stage)
        # A large halo is worth a larger band.
        most = max(MOST_BYTES, 10 * stage.halo * row_bytes)
        rows = int(min(self._memory, most) / row_bytes) - 2 * stage.halo
        multiple = self._plan.multiple
        step = max(LEAST_ROWS, rows // multiple * multiple)
        count = -(-self._rows // step)
        return -(-self._rows // (count * multiple)) * multiple

    def _row_bytes(self, stage: Stage) -> float:
        return PEAK * 4 * stage.numbers * self._columns

    def _compute(
        self,
        stage: Stage,
        settings: Sequence[np.ndarray],
        band: tuple[int, int, int, int],
        running: Sequence[RunningMoments],
    ) -> list[np.ndarray]:
        """Computes one band, adds its moments, and returns its rows of the kept maps."""
        top, bottom, start, stop = band
        inputs = [
            self._maps[each.key].read(start // each.scale, stop // each.scale)[None]
            for each in stage.inputs
        ]
        moments = [each for key in stage.moments for each in self._moments[key]]
        results = stage.function([*inputs, *moments, *settings])
        count = len(stage.kept)
        for index, each in enumerate(running):
            rows, mean, squares = results[count + 3 * index :][:3]
            scale = (stop - start) // rows.shape[1]
            inside = slice((top - start) // scale, (bottom - start) // scale)
            means = rows[0, inside, 0].astype(np.float64)
            spread = squares[0, inside, 0].astype(np.float64)
            band_mean = means.mean(0)
            shift = band_mean - mean.ravel().astype(np.float64)
            pixels = len(means) * (self._columns // scale)
            each.add(pixels, band_mean, spread.mean(0) - shift**2)
        return [
            result[0, (top - start) // kept.scale : (bottom - start) // kept.scale]
            for kept, result in zip(stage.kept, results)
        ]

    def _find_seen(self, stage: Stage, top: int, step: int) -> tuple[int, int]:
        """Returns the first row that a band sees, and the row behind its last."""
        # All bands have one height, so that a runtime allocates its memory once.
        height = min(step + 2 * stage.halo, self._rows)
        start = min(max(0, top - stage.halo), self._rows - height)
        return start, start + height

    def _open_maps(self, maps: Sequence[Map]) -> None:
        for each in maps:
            self._maps[each.key] = StoredMap()

    def _store(self, found: Map, top: int, rows: np.ndarray) -> None:
        if found.key == self._plan.output:
            height, width = self._picture.size
            if top < height:
                self._picture.write(np.clip(rows[: height - top, :width], 0, 1))
            return
        stored = self._maps.get(found.key)
        if isinstance(stored, StoredMap):  # else no later stage reads it
            stored.write(rows)

    def _close_unused(self, needed: set[Key]) -> None:
        for key in list(self._maps):
            if key not in needed:
                self._maps.pop(key).close()


class _GrownRows:
    """Rows of a picture that is grown at the bottom and right by mirroring."""

    def __init__(self, picture: Picture, columns: int):
        self._read = picture.read
        self._height, self._width = picture.size
        self._columns = columns

    def read(self, first: int, last: int) -> np.ndarray:
        """Returns rows `first` to `last`, [last - first, columns, 3]."""
        wanted = padding.mirrored(self._height, last, first)
        low, high = int(wanted.min()), int(wanted.max()) + 1
        rows = self._read(low, high)
        if self._columns > self._width or last > self._height:
            across = padding.mirrored(self._width, self._columns)
            rows = rows[wanted - low][:, across]
        return rows

    def free(self, first: int) -> None:
        """Nothing is to be freed: the picture is the caller's."""

    def close(self) -> None:
        """The caller's picture stays open."""


def find_disk_bytes(stages: Sequence[Stage], rows: int, columns: int) -> int:
    """Returns how much disk space maps take at the most, but for a band of each, bytes.

    A stage's maps grow as fast as those shrink that it reads for the last time: most
    is held at its beginning or at its end.

    Args:
        stages: of the network; the last one gives the painting.
        rows, columns: of the picture, grown.
    """
    held: dict[Key, Map] = {}
    most = 0.0
    for number, stage in enumerate(stages[:-1]):
        held |= {each.key: each for each in stage.kept}
        needed = _find_inputs(stages[number + 1 :])
        held = {key: each for key, each in held.items() if key in needed}
        sizes = [each.channels / each.scale**2 for each in held.values()]
        most = max(most, sum(sizes))
    return int(4 * most * rows * columns)


def _find_inputs(stages: Sequence[Stage]) -> set[Key]:
    """Returns the maps that stages begin with."""
    return {each.key for stage in stages for each in stage.inputs}
