"""A .tflite as a graph of operations, parts of which LiteRT can run."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from nst_tf.inference.tiles import graph
from nst_tf.inference.tiles.graph import Function, Graph, Key, Operation

_BUILTIN = schema.BuiltinOperator
_KINDS = {
    _BUILTIN.ADD: graph.ADD,
    _BUILTIN.MEAN: graph.MEAN,
    _BUILTIN.SQUARED_DIFFERENCE: graph.SQUARED_DIFFERENCE,
}
_NUMBERS = {
    schema.TensorType.INT8: np.int8,
    schema.TensorType.INT32: np.int32,
    schema.TensorType.FLOAT32: np.float32,
}
_IDENTIFIER = b"TFL3"  # of the file format


class LiteRtGraph(Graph):
    """The operations of a .tflite with one signature.

    Weights in 8 bits become float32: LiteRT rounds what goes into such a convolution by
    the range of the whole map, which a band does not have.

    Args:
        path: the file.
        image: name of the photo among its inputs; all others are settings.
        sides: multiple and minimum of the sides that it draws, pixels.
    """

    def __init__(self, path: Path, image: str, sides: tuple[int, int]):
        self.name = str(path)
        self.multiple, self.minimum = sides
        data = path.read_bytes()
        self._model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
        (self._part,) = self._model.subgraphs
        self._sources = {
            key
            for key, tensor in enumerate(self._part.tensors)
            if self._model.buffers[tensor.buffer].data is not None
        }
        named = {self._name(key): int(key) for key in self._part.inputs}
        self.image = named.pop(image)
        self.settings = named
        (output,) = self._part.outputs
        self.output = int(output)
        self._makers = {
            int(key): operator
            for operator in self._part.operators
            for key in operator.outputs
        }
        self._fix_weights()
        self.operations = tuple(map(self._read, self._part.operators))

    def cut(self, inputs: Sequence[Key], outputs: Sequence[Key]) -> Function:
        """See `Graph.cut`."""
        data = self._write(inputs, outputs)
        return _Part(data, len(inputs))

    def find_shapes(self, height: int, width: int) -> Mapping[Key, tuple[int, ...]]:
        """See `Graph.find_shapes`."""
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        inputs = [self.image, *self.settings.values()]
        interpreter = Interpreter(
            model_content=self._write(inputs, [self.output]),
            # A delegate would hide the tensors inside.
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        interpreter.resize_tensor_input(self.image, (1, height, width, 3))
        interpreter.allocate_tensors()
        details = interpreter.get_tensor_details()
        return {each["index"]: tuple(map(int, each["shape"])) for each in details}

    def _name(self, key: int) -> str:
        name = self._part.tensors[key].name.decode()
        return str(name).removeprefix("serving_default_").partition(":")[0]

    def _code(self, operator: Any) -> int:
        code = self._model.operatorCodes[operator.opcodeIndex]
        return int(max(code.builtinCode, code.deprecatedBuiltinCode))

    def _read(self, operator: Any) -> Operation:
        code, axes = self._code(operator), ()
        if code == _BUILTIN.MEAN:
            axes = tuple(self._constant(operator.inputs[1]).ravel().tolist())
        inputs = tuple(
            int(key) for key in operator.inputs if key >= 0 and key not in self._sources
        )
        kind = _KINDS.get(code, str(code))
        return Operation(kind, inputs, tuple(map(int, operator.outputs)), axes)

    def _constant(self, key: int) -> np.ndarray:
        tensor = self._part.tensors[key]
        data = np.asarray(self._model.buffers[tensor.buffer].data, np.uint8)
        values = data.view(_NUMBERS[tensor.type])
        return values.reshape([] if tensor.shape is None else tensor.shape)

    def _fix_weights(self) -> None:
        for operator in self._part.operators:
            convolutions = (_BUILTIN.CONV_2D, _BUILTIN.DEPTHWISE_CONV_2D)
            if self._code(operator) not in convolutions:
                continue
            key = operator.inputs[1]
            if self._part.tensors[key].type == schema.TensorType.INT8:
                self._make_float(key)

    def _make_float(self, key: int) -> None:
        tensor = self._part.tensors[key]
        quantization = tensor.quantization
        shape = [1] * len(tensor.shape)
        shape[quantization.quantizedDimension] = len(quantization.scale)
        scale = np.asarray(quantization.scale, np.float32).reshape(shape)
        values = self._constant(key).astype(np.float32) * scale
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
        tensor.buffer = len(self._model.buffers)
        tensor.type = schema.TensorType.FLOAT32
        tensor.quantization = None
        self._model.buffers.append(buffer)

    def _write(self, inputs: Sequence[Key], outputs: Sequence[Key]) -> bytes:
        """Returns the file of a part: same tensors, fewer operations and weights."""
        needed = {int(key) for key in outputs}  # type: ignore[call-overload]
        given = set(inputs)
        operators = []
        for operator in reversed(self._part.operators):
            if needed & set(map(int, operator.outputs)) - given:
                operators.append(operator)
                needed |= set(map(int, operator.inputs))
        part = schema.SubGraphT()
        part.tensors, part.name = self._part.tensors, b"part"
        part.inputs, part.outputs = list(inputs), list(outputs)
        part.operators = operators[::-1]
        model = schema.ModelT()
        model.version = self._model.version
        model.operatorCodes = self._model.operatorCodes
        model.subgraphs = [part]
        used = {self._part.tensors[key].buffer for key in needed if key >= 0}
        model.buffers = [
            buffer if index in used else schema.BufferT()
            for index, buffer in enumerate(self._model.buffers)
        ]
        builder = flatbuffers.Builder(2**20)
        builder.Finish(model.Pack(builder), _IDENTIFIER)
        return bytes(builder.Output())


class _Part(Function):
    """A part of a .tflite as a function; its interpreter lives as long as it is used.

    Args:
        data: a file whose inputs and outputs are those of the function.
        count: of inputs.
    """

    def __init__(self, data: bytes, count: int):
        self._data, self._count = data, count
        self._interpreter: Any = None
        self._shapes: list[tuple[int, ...]] | None = None

    def __call__(self, values: Sequence[np.ndarray]) -> list[np.ndarray]:
        if self._interpreter is None:
            self._open()
        shapes = [value.shape for value in values]
        if shapes != self._shapes:
            self._allocate(shapes)
        for detail, value in zip(self._inputs, values):
            self._interpreter.set_tensor(detail["index"], value)
        self._interpreter.invoke()
        return [
            self._interpreter.get_tensor(detail["index"]) for detail in self._outputs
        ]

    def close(self) -> None:
        """Frees the memory of the last band."""
        self._interpreter = self._shapes = None

    def _open(self) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(
            model_content=self._data, num_threads=os.cpu_count()
        )
        self._inputs = self._interpreter.get_input_details()
        self._outputs = self._interpreter.get_output_details()

    def _allocate(self, shapes: list[tuple[int, ...]]) -> None:
        self._shapes = None
        for detail, shape in zip(self._inputs, shapes):
            self._interpreter.resize_tensor_input(detail["index"], shape)
        self._interpreter.allocate_tensors()
        self._shapes = shapes
