"""A network's operations as every runtime gives them, and the moments that its norms take."""

import abc
import dataclasses
from collections.abc import Hashable, Iterable, Mapping, Sequence

import numpy as np

from nst_tf.core.errors import UserError, expected

Key = Hashable  # of a tensor in its graph

# Kinds of operations that matter here; a runtime names all others as it likes.
ADD, MEAN, SAME, SQUARED_DIFFERENCE = "add", "mean", "same", "squared difference"
ROWS, COLUMNS = (1,), (2,)  # axes of a mean


class Function(abc.ABC):
    """A part of a network: arrays to arrays."""

    @abc.abstractmethod
    def __call__(self, values: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Returns the part's outputs, float32."""

    def close(self) -> None:  # noqa: B027
        """Frees the memory that the last call has left; it can be called again."""


@dataclasses.dataclass(frozen=True)
class Operation:
    """One operation of a graph.

    Attributes:
        kind: one of the above, or the runtime's own name. `SAME` gives what it takes,
            or that in another number format.
        inputs: tensors that it takes; constants are left out.
        outputs: tensors that it gives.
        axes: of a mean; of any other ().
    """

    kind: str
    inputs: tuple[Key, ...]
    outputs: tuple[Key, ...]
    axes: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True)
class Measure:
    """Tensors of a norm that takes the moments of a map; see `ops.statistics.channel_moments`.

    Attributes:
        features: the map, [1, h, w, C].
        row_means: of each row of the map, [1, h, 1, C].
        mean: [1, 1, 1, C].
        row_squares: means of squared differences to `mean` in each row, [1, h, 1, C].
        variance: [1, 1, 1, C].
    """

    features: Key
    row_means: Key
    mean: Key
    row_squares: Key
    variance: Key


class Graph(abc.ABC):
    """A network that draws, as a graph of operations.

    Attributes:
        name: of the model, for errors.
        operations: in an order in which they can be computed.
        image: the photo, [1, H, W, 3].
        settings: {name: tensor} of what the network takes beside the photo.
        output: the painting, [1, H, W, 3].
        multiple, minimum: of the sides that it draws, pixels; photos are grown to them.
    """

    name: str
    operations: Sequence[Operation]
    image: Key
    settings: Mapping[str, Key]
    output: Key
    multiple: int
    minimum: int

    @abc.abstractmethod
    def cut(self, inputs: Sequence[Key], outputs: Sequence[Key]) -> Function:
        """Returns the part between tensors as a function from arrays to arrays.

        Maps may have any height and width.
        """

    @abc.abstractmethod
    def find_shapes(self, height: int, width: int) -> Mapping[Key, tuple[int, ...]]:
        """Returns the shape of each tensor for a photo of one size."""


def find_measures(graph: Graph) -> list[Measure]:
    """Returns the norms of a graph, in the order of its operations.

    Raises:
        UserError: there is a mean over a picture that belongs to no norm.
    """
    makers = find_makers(graph.operations)
    takers = find_takers(graph.operations)
    found, explained = [], set()
    for operation in graph.operations:
        if operation.kind != SQUARED_DIFFERENCE:
            continue
        measure = _find_measure(operation, makers, takers)
        if measure is not None:
            found.append(measure)
            explained |= {measure.mean, measure.variance}
    for operation in graph.operations:
        means = operation.kind == MEAN and operation.axes != COLUMNS
        if means and not explained & set(operation.outputs):
            raise cannot_cut(graph.name)
    return found


def cannot_cut(name: str) -> UserError:
    """Returns the error that a network cannot be computed in bands."""
    return expected(
        "a model whose norms alone see the whole picture, as this version exports them",
        name,
        "Export it again, or paint a smaller picture with --image_size.",
    )


def find_makers(operations: Iterable[Operation]) -> dict[Key, Operation]:
    """Returns which operation gives each tensor."""
    return {key: each for each in operations for key in each.outputs}


def find_dependents(operations: Iterable[Operation], source: Key) -> set[Key]:
    """Returns a tensor and all that are computed from it."""
    found = {source}
    for operation in operations:
        if found & set(operation.inputs):
            found |= set(operation.outputs)
    return found


def find_takers(operations: Iterable[Operation]) -> dict[Key, list[Operation]]:
    """Returns which operations take each tensor."""
    takers: dict[Key, list[Operation]] = {}
    for operation in operations:
        for key in operation.inputs:
            takers.setdefault(key, []).append(operation)
    return takers


def _find_measure(
    difference: Operation,
    makers: Mapping[Key, Operation],
    takers: Mapping[Key, list[Operation]],
) -> Measure | None:
    """Returns the norm to which a squared difference belongs; None for none."""
    if len(difference.inputs) != 2:
        return None
    mean = _find_mean(_find_origin(difference.inputs[1], makers), makers, ROWS)
    rows = mean and _find_mean(mean.inputs[0], makers, COLUMNS)
    squares = _find_taker(difference.outputs[0], takers, COLUMNS)
    variance = squares and _find_taker(squares.outputs[0], takers, ROWS)
    if not (mean and rows and squares and variance):
        return None
    features = _find_origin(difference.inputs[0], makers)
    if features != _find_origin(rows.inputs[0], makers):
        return None
    return Measure(
        features=features,
        row_means=rows.outputs[0],
        mean=mean.outputs[0],
        row_squares=squares.outputs[0],
        variance=variance.outputs[0],
    )


def _find_origin(key: Key, makers: Mapping[Key, Operation]) -> Key:
    while key in makers and makers[key].kind == SAME:
        key = makers[key].inputs[0]
    return key


def _find_mean(
    key: Key, makers: Mapping[Key, Operation], axes: tuple[int, ...]
) -> Operation | None:
    maker = makers.get(key)
    is_mean = maker is not None and maker.kind == MEAN and maker.axes == axes
    return maker if is_mean else None


def _find_taker(
    key: Key, takers: Mapping[Key, list[Operation]], axes: tuple[int, ...]
) -> Operation | None:
    for taker in takers.get(key, ()):
        if taker.kind == MEAN and taker.axes == axes:
            return taker
    return None
