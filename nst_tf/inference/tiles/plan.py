"""Cuts a network into stages, so that bands of a picture give the picture of the whole.

Norms need the moments of the whole picture. With these given a network is made of
convolutions, and a band with some rows more on both sides gives the rows that the whole
picture would have. A stage computes the map of which the next norm takes moments. It
begins with maps of earlier stages, which are kept where they are small.
"""

import dataclasses
import math
import time
from collections.abc import Mapping, Sequence

import numpy as np

from nst_tf.inference.tiles.graph import (
    ADD,
    Function,
    Graph,
    Key,
    Measure,
    Operation,
    cannot_cut,
    find_dependents,
    find_makers,
    find_measures,
)

# Rows and columns of the picture that tells scales and what a row depends on, pixels.
PROBE = 512, 64
# What two sizes of a picture may differ by, of the largest number of a map: sums in
# another order. A row that sees the edge of its band differs by far more.
ROUNDING = 1e-5


@dataclasses.dataclass(frozen=True)
class Map:
    """A picture or a feature map [1, H / scale, W / scale, channels]."""

    key: Key
    scale: int
    channels: int


@dataclasses.dataclass(frozen=True)
class Stage:
    """A part of a network between maps.

    Attributes:
        inputs: the maps that it begins with.
        moments: norms whose moments it takes.
        settings: names of what it takes beside these.
        kept: the maps that it gives; of the last stage, the painting.
        measured: norms of whose maps it gives the moments.
        halo: rows of the picture that it must see beyond those that it gives.
        numbers: that it holds at once, for each pixel of the picture.
        seconds: it took for the probe.
        function: (inputs, a mean and a variance a norm, settings) -> (kept; row means,
            mean, row squares a norm that is measured).
    """

    inputs: tuple[Map, ...]
    moments: tuple[Measure, ...]
    settings: tuple[str, ...]
    kept: tuple[Map, ...]
    measured: tuple[Measure, ...]
    halo: int
    numbers: float
    seconds: float
    function: Function


@dataclasses.dataclass(frozen=True)
class Plan:
    """What bands of a picture are painted with.

    Attributes:
        stages: at least one; the last gives the painting.
        image: the map that the first stage begins with.
        output: the tensor that is the painting.
        multiple: of the rows of a band and of halos, pixels.
        sides: multiple and minimum of the sides of a picture.
        single: the whole network as one stage, which takes all moments; None where
            moments are not sampled.
    """

    stages: tuple[Stage, ...]
    image: Map
    output: Key
    multiple: int
    sides: tuple[int, int]
    single: Stage | None = None


def make_plan(
    graph: Graph, settings: Mapping[str, np.ndarray], sampled: bool = False
) -> Plan:
    """Returns the stages of a network.

    Args:
        graph: the network.
        settings: {name: [1, N]} of any style, for the probe.
        sampled: whether moments are to be sampled.

    Raises:
        UserError: it has an operation that sees more of a picture than its
            surroundings, other than norms.
    """
    return _Planner(graph, settings).plan(sampled)


class _Planner:
    def __init__(self, graph: Graph, settings: Mapping[str, np.ndarray]):
        self._graph = graph
        self._values = settings
        self._makers = find_makers(graph.operations)
        self._measures = find_measures(graph)
        self._shapes = graph.find_shapes(*PROBE)
        self._fed = find_dependents(graph.operations, graph.image)
        self._moment_keys = {
            key
            for measure in self._measures
            for key in (measure.mean, measure.variance)
        }

    def plan(self, sampled: bool) -> Plan:
        """Returns all stages."""
        maps = self._find_maps()
        multiple = max(each.scale for each in maps.values())
        kept = {key for key in maps if self._is_worth_keeping(maps[key], multiple)}
        probe = _Probe(self._graph.image, multiple, self._values)
        known, stages = {self._graph.image}, []
        for measure in self._measures:
            targets = [measure.row_means, measure.mean, measure.row_squares]
            stage = self._make_stage(targets, [measure], known, kept, maps)
            stages.append(probe.measure(stage))
            known |= {each.key for each in stage.kept}
        stage = self._make_stage([self._graph.output], [], known, kept, maps)
        stages.append(probe.measure(stage))
        single = None
        if sampled:
            image = {self._graph.image}
            single = self._make_stage([self._graph.output], [], image, set(), maps)
            single = probe.measure(single)
        return Plan(
            tuple(stages),
            maps[self._graph.image],
            self._graph.output,
            math.lcm(multiple, self._graph.multiple),
            (self._graph.multiple, self._graph.minimum),
            single,
        )

    def _make_stage(
        self,
        targets: Sequence[Key],
        measured: Sequence[Measure],
        known: set[Key],
        kept: set[Key],
        maps: Mapping[Key, Map],
    ) -> Stage:
        own = {each.mean for each in measured}
        inputs, moments, between = self._trace(targets, known, own)
        fresh = [
            key
            for operation in between
            for key in operation.outputs
            if key in kept and key not in known
        ]
        if not measured:
            fresh = list(targets)
        used = {key for operation in between for key in operation.inputs}
        names = [name for name, key in self._graph.settings.items() if key in used]
        fed = [
            *inputs,
            *(key for each in moments for key in (each.mean, each.variance)),
            *(self._graph.settings[name] for name in names),
        ]
        wanted = [*fresh, *(targets if measured else [])]
        return Stage(
            inputs=tuple(maps[key] for key in inputs),
            moments=tuple(moments),
            settings=tuple(names),
            kept=tuple(maps[key] for key in fresh),
            measured=tuple(measured),
            halo=0,
            numbers=self._count_numbers(between, inputs, wanted),
            seconds=0.0,
            function=self._graph.cut(fed, wanted),
        )

    def _trace(
        self, targets: Sequence[Key], known: set[Key], own: set[Key]
    ) -> tuple[list[Key], list[Measure], list[Operation]]:
        """Returns the maps and norms that tensors are computed from, and how."""
        needed, inputs, moments = set(targets), [], []
        between = []
        for operation in reversed(self._graph.operations):
            if not needed & set(operation.outputs):
                continue
            if all(self._is_given(key, known, own) for key in operation.outputs):
                continue
            between.append(operation)
            needed |= set(operation.inputs)
        for key in needed:
            if key in known and key not in targets:
                inputs.append(key)
        for measure in self._measures:
            given = {measure.mean, measure.variance} & needed
            if given and measure.mean not in own:
                moments.append(measure)
        return inputs, moments, between[::-1]

    def _is_given(self, key: Key, known: set[Key], own: set[Key]) -> bool:
        return key in known or (key in self._moment_keys and key not in own)

    def _find_maps(self) -> dict[Key, Map]:
        """Returns the tensors that bands of a picture may begin and end with."""
        keys = {self._graph.image, self._graph.output}
        keys |= {measure.features for measure in self._measures}
        for operation in self._graph.operations:
            if operation.kind == ADD:
                keys |= set(operation.outputs)
        maps = {}
        for key in keys:
            shape = self._shapes.get(key, ())
            if len(shape) != 4 or min(shape[1:3]) < 2 or key not in self._fed:
                continue
            if PROBE[0] % shape[1] or PROBE[0] // shape[1] != PROBE[1] // shape[2]:
                continue
            maps[key] = Map(key, PROBE[0] // shape[1], shape[3])
        for measure in self._measures:
            if measure.features not in maps:
                raise cannot_cut(self._graph.name)
        return maps

    def _is_worth_keeping(self, found: Map, coarsest: int) -> bool:
        """Whether to write and read a map takes less time than to compute it again:
        measured maps below full resolution, measured pictures, and sums of two at the
        coarsest scale.
        """
        if found.key in (self._graph.image, self._graph.output):
            return False
        if any(found.key == each.features for each in self._measures):
            return found.scale > 1 or found.channels <= 3
        if found.scale < coarsest:
            return False
        summands = self._makers[found.key].inputs
        shapes = {self._shapes.get(key) for key in summands}
        return len(summands) == 2 and shapes == {self._shapes[found.key]}

    def _count_numbers(
        self,
        between: Sequence[Operation],
        inputs: Sequence[Key],
        wanted: Sequence[Key],
    ) -> float:
        """Returns how many numbers a pixel are held at once, at the most."""
        last = {key: -1 for key in inputs}
        for index, operation in enumerate(between):
            last |= dict.fromkeys([*operation.inputs, *operation.outputs], index)
        last |= dict.fromkeys([*wanted, *inputs], len(between))
        held, most = set(inputs), 0
        for index, operation in enumerate(between):
            held |= set(operation.outputs)
            most = max(most, sum(map(self._size, held)))
            held = {key for key in held if last[key] > index}
        return most / math.prod(PROBE)

    def _size(self, key: Key) -> int:
        return math.prod(self._shapes.get(key, ()))


class _Probe:
    """Finds out by a small picture what rows of a stage depend on, and how long it takes."""

    def __init__(self, image: Key, multiple: int, settings: Mapping[str, np.ndarray]):
        generator = np.random.default_rng(0)
        picture = generator.random((1, *PROBE, 3)).astype(np.float32)
        self._maps: dict[Key, np.ndarray] = {image: picture}
        self._moments: dict[Measure, list[np.ndarray]] = {}
        self._settings = settings
        self._multiple = multiple

    def measure(self, stage: Stage) -> Stage:
        """Returns a stage with its halo and its time."""
        whole = self._run(stage, 0, PROBE[0])
        start = time.monotonic()
        self._run(stage, 0, PROBE[0])
        seconds = time.monotonic() - start
        middle = PROBE[0] // 2
        above = self._run(stage, 0, middle)
        below = self._run(stage, middle, PROBE[0])
        stage.function.close()
        halo = 0
        for index, rows in enumerate(whole):
            if rows.shape[1] == 1:
                continue  # a mean of all rows
            if _is_squares(stage, index):
                continue  # they depend on the mean of the band
            scale = PROBE[0] // rows.shape[1]
            cut = middle // scale
            differs = _find_rows(rows[:, :cut], above[index])
            if differs.any():
                halo = max(halo, (cut - int(np.argmax(differs))) * scale)
            differs = _find_rows(rows[:, cut:], below[index])
            if differs.any():
                halo = max(halo, (int(np.nonzero(differs)[0][-1]) + 1) * scale)
        for each, value in zip(stage.kept, whole):
            self._maps[each.key] = value
        for index, measure in enumerate(stage.measured):
            rows, _, squares = whole[len(stage.kept) + 3 * index :][:3]
            mean = rows.mean(1, keepdims=True)
            self._moments[measure] = [mean, squares.mean(1, keepdims=True)]
        return dataclasses.replace(
            stage,
            halo=math.ceil(halo / self._multiple) * self._multiple,
            seconds=seconds,
        )

    def _run(self, stage: Stage, first: int, last: int) -> list[np.ndarray]:
        inputs = [
            self._maps[each.key][:, first // each.scale : last // each.scale]
            for each in stage.inputs
        ]
        moments = [each for key in stage.moments for each in self._moments[key]]
        settings = [self._settings[name] for name in stage.settings]
        return stage.function([*inputs, *moments, *settings])


def _is_squares(stage: Stage, index: int) -> bool:
    return index >= len(stage.kept) and (index - len(stage.kept)) % 3 == 2


def _find_rows(whole: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Returns which rows of two maps differ by more than rounding, bool [h]."""
    most = np.abs(whole - part).max((0, 2, 3))
    return most > ROUNDING * np.abs(whole).max()
