"""A function of TensorFlow as a graph of operations, parts of which it can run.

Functions inside are inlined and variables frozen; after that `WrappedFunction.prune`
gives the part between any tensors.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import convert_to_constants

from nst_tf.inference.tiles import graph
from nst_tf.inference.tiles.graph import Function, Graph, Key, Operation

_KINDS = {
    "Add": graph.ADD,
    "AddV2": graph.ADD,
    "Cast": graph.SAME,
    "Identity": graph.SAME,
    "Mean": graph.MEAN,
    "SquaredDifference": graph.SQUARED_DIFFERENCE,
    "StopGradient": graph.SAME,
}
FLOATS = (tf.float32, tf.bfloat16, tf.float16)


class TensorFlowGraph(Graph):
    """The operations of a concrete function.

    Args:
        name: of the model, for errors.
        function: pictures [B, H, W, 3] and settings -> pictures of the same size.
        image: name of the photo among its inputs; all others are settings.
        sides: multiple and minimum of the sides that it draws, pixels.
    """

    def __init__(self, name: str, function: Any, image: str, sides: tuple[int, int]):
        self.name = name
        self.multiple, self.minimum = sides
        frozen = convert_to_constants.convert_variables_to_constants_v2(function)
        definition = frozen.graph.as_graph_def()

        def load() -> None:
            tf.graph_util.import_graph_def(definition, name="")

        self._whole = tf.compat.v1.wrap_function(load, [])
        named = {each.name.partition(":")[0]: each.name for each in frozen.inputs}
        self.image = named.pop(image)
        self.settings = named
        (output,) = frozen.outputs
        self.output = output.name
        # TensorFlow adds operations in an order in which they can be computed.
        self.operations = tuple(
            self._read(each) for each in self._whole.graph.get_operations()
        )

    def cut(self, inputs: Sequence[Key], outputs: Sequence[Key]) -> Function:
        """See `Graph.cut`."""
        find = self._whole.graph.get_tensor_by_name
        fed = [find(str(key)) for key in inputs]
        return _Part(self._whole.prune(fed, [find(str(key)) for key in outputs]), fed)

    def find_shapes(self, height: int, width: int) -> Mapping[Key, tuple[int, ...]]:
        """See `Graph.find_shapes`."""
        find = self._whole.graph.get_tensor_by_name
        inputs = [find(str(key)) for key in (self.image, *self.settings.values())]
        depends = graph.find_dependents(self.operations, self.image)
        keys = [key for key in depends if find(str(key)).dtype in FLOATS]
        run = self._whole.prune(inputs, [find(str(key)) for key in keys])
        picture = tf.zeros([1, height, width, 3])
        settings = [tf.zeros([1, each.shape[-1]]) for each in inputs[1:]]
        values = run(picture, *settings)
        return {key: tuple(value.shape) for key, value in zip(keys, values)}

    def _read(self, operation: Any) -> Operation:
        axes = ()
        if operation.type == "Mean":
            axes = tuple(np.ravel(_constant(operation.inputs[1])).tolist())
        inputs = [each.name for each in operation.inputs if each.op.type != "Const"]
        outputs = [each.name for each in operation.outputs]
        if operation.type in ("Const", "Placeholder"):
            outputs = []
        kind = _KINDS.get(operation.type, operation.type)
        return Operation(kind, tuple(inputs), tuple(outputs), axes)


class _Part(Function):
    """A part of a graph as a function.

    Args:
        function: of TensorFlow.
        inputs: its tensors in the graph, whose number formats it takes.
    """

    def __init__(self, function: Any, inputs: Sequence[Any]):
        self._function = function
        self._types = [each.dtype for each in inputs]

    def __call__(self, values: Sequence[np.ndarray]) -> list[np.ndarray]:
        tensors = [
            tf.cast(tf.convert_to_tensor(value), dtype)
            for value, dtype in zip(values, self._types)
        ]
        results = self._function(*tensors)
        return [tf.cast(each, tf.float32).numpy() for each in results]


def _constant(tensor: Any) -> np.ndarray:
    """Returns a constant's value, behind operations that give it on."""
    while tensor.op.type == "Identity":
        tensor = tensor.op.inputs[0]
    return np.asarray(tf.make_ndarray(tensor.op.get_attr("value")))
