"""What is changed in a .tflite after its conversion: what it need not carry, and how
weights of single layers are rounded.

`tensorflow.lite.tools.flatbuffer_utils` and `schema_py_generated` are not public API of
TensorFlow: tested with 2.21.0; look here first when another one fails.
"""

import copy

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

CONVOLUTION, DEQUANTIZE = (
    schema.BuiltinOperator.CONV_2D,
    schema.BuiltinOperator.DEQUANTIZE,
)
SPREAD = schema.BuiltinOperator.DEPTH_TO_SPACE
PHASES = 4  # pixels that a folded convolution computes at once


def strip(data: bytes) -> bytes:
    """Leaves out what tensors inside need not carry: a twelfth of a small network's file.

    Their long names become numbers, since OpenVINO reads no file without names.
    """
    model = _read(data)
    for graph in model.subgraphs:
        named = {*graph.inputs, *graph.outputs}
        for index, tensor in enumerate(graph.tensors):
            if index not in named:
                tensor.name = str(index)
            if tensor.quantization is not None and tensor.quantization.scale is None:
                tensor.quantization = None
            if model.buffers[tensor.buffer].data is None:
                tensor.buffer = 0  # by convention the one of no data
    _drop_unused_buffers(model)
    return _serialize(model)


def store_convolutions_in_float16(
    data: bytes, exact: bytes, count: int, upsampling: bool = False
) -> bytes:
    """Returns a dynamic-range int8 file some of whose convolutions compute in float,
    with weights in float16.

    Dynamic range rounds what goes into a convolution to 256 steps between its smallest
    and largest number. That hurts most at the beginning, where a flat sky lies next to
    a lamp: the norm behind makes much of small differences. Next come those that
    upsample, whose norms see the sum of all blocks.

    Args:
        data: the converted file.
        exact: the same function, converted to float16 or float32.
        count: of first convolutions, in the order in which they run; those that are
            float already count, too, but not those that only mix the channels of a
            picture.
        upsampling: whether folded upsampling (`litert_layers.UpsamplingConvolution`) is
            float, too.
    """
    model, source = _read(data), _read(exact)
    graph, folded = model.subgraphs[0], _folded_upsampling(model)
    pairs = [
        (mine, theirs)
        for mine, theirs in zip(
            _convolutions(model), _convolutions(source), strict=True
        )
        if not _mixes_colors(graph.tensors[mine.inputs[1]])
    ]
    quantized = [
        (mine, theirs)
        for place, (mine, theirs) in enumerate(pairs)
        if graph.tensors[mine.inputs[1]].type == schema.TensorType.INT8
        and (place < count or (upsampling and mine in folded))
    ]
    if not quantized:
        return data
    code = _operator_code(model)
    widened = []
    for mine, theirs in quantized:
        weights = graph.tensors[mine.inputs[1]]
        values = _weights(source, theirs)
        if list(values.shape) != list(weights.shape):
            raise RuntimeError(
                f"Expected convolutions of one order in both files. Received: weights of "
                f"{list(weights.shape)} and {list(values.shape)}. This is a fault of conversion."
            )
        narrow = copy.deepcopy(weights)
        narrow.type, narrow.quantization = schema.TensorType.FLOAT16, None
        narrow.buffer = _add_buffer(model, values.astype("<f2"))
        graph.tensors.append(narrow)
        # The tensor that the convolution reads is now what becomes of them.
        weights.type, weights.quantization, weights.buffer = (
            schema.TensorType.FLOAT32,
            None,
            0,
        )
        operator = schema.OperatorT()
        operator.opcodeIndex = code
        operator.inputs = np.array([len(graph.tensors) - 1], np.int32)
        operator.outputs = np.array([mine.inputs[1]], np.int32)
        widened.append(operator)
    graph.operators = widened + list(graph.operators)
    return _serialize(model)


def _mixes_colors(weights) -> bool:
    """Whether a convolution's weights [out, h, w, in] only mix the channels of a picture."""
    channels, height, width, depth = weights.shape
    return height == width == 1 and 3 in (channels, depth)


def keep_phases_even(data: bytes, exact: bytes) -> bytes:
    """Returns a file whose folded upsampling (`litert_layers.UpsamplingConvolution`)
    leaves flat areas flat.

    The four pixels of a window have kernels of different numbers but equal sums, which
    rounding of each number spoils: flat areas would alternate from pixel to pixel,
    faintly, and in pictures of one color strongly, since norms make much of any
    difference. Here numbers are rounded so that the sums stay equal; see
    `round_evenly`.

    Args:
        data: the converted file, its weights in float16 or 8 bits; others are left as
            they are.
        exact: the same function, converted to float16 or float32; from integers nothing
            can be told, and `data` is returned.
    """
    model, source = _read(data), _read(exact)
    graph, changed = model.subgraphs[0], False
    folded = _folded_upsampling(model)
    for mine, theirs in zip(_convolutions(model), _convolutions(source), strict=True):
        if mine not in folded:
            continue
        tensor = graph.tensors[_stored(model, mine)]
        if (
            source.subgraphs[0].tensors[_stored(source, theirs)].type
            == schema.TensorType.INT8
        ):
            continue
        kernels = _weights(source, theirs)
        kernels = kernels.reshape(PHASES, -1, *kernels.shape[1:]).astype(np.float64)
        largest = (
            np.abs(kernels).max((0, 2, 3, 4)) + np.finfo(np.float32).tiny
        )  # of each filter
        if tensor.type == schema.TensorType.INT8:
            steps = largest / 127
            tensor.quantization.scale = np.tile(steps, PHASES).astype(np.float32)
            tensor.quantization.zeroPoint = np.zeros(len(steps) * PHASES, np.int64)
            rounded = round_evenly(kernels / steps[:, None, None, None], 127).astype(
                np.int8
            )
        elif tensor.type == schema.TensorType.FLOAT16:
            # Multiples of one power of two, which float16 holds exactly; so are their
            # sums.
            steps = 2.0 ** np.ceil(np.log2(largest / 2047))[:, None, None, None]
            rounded = (round_evenly(kernels / steps, 2047) * steps).astype("<f2")
        else:
            continue
        tensor.buffer, changed = _add_buffer(model, rounded), True
    return _serialize(model) if changed else data


def round_evenly(kernels: np.ndarray, largest: int) -> np.ndarray:
    """Rounds kernels to integers so that each filter's sums over places are the same in all phases.

    Args:
        kernels: [phases, filters, h, w, C] whose sums over h and w are equal in all
            phases but for rounding.
        largest: absolute value of the integers.
    """
    phases, filters, *sides, channels = kernels.shape
    flat = kernels.reshape(phases, filters, -1, channels)
    rounded = np.clip(np.round(flat), -largest, largest)
    wanted = np.round(flat.sum(2).mean(0))
    while (missing := np.sign(wanted - rounded.sum(2))).any():
        # One step at the place where it is least wrong and within the range.
        error = (flat - rounded) * missing[:, :, None]
        error[np.abs(rounded + missing[:, :, None]) > largest] = -np.inf
        place = error.argmax(2)[:, :, None]
        np.put_along_axis(
            rounded,
            place,
            np.take_along_axis(rounded, place, 2) + missing[:, :, None],
            2,
        )
    return rounded.reshape(kernels.shape)


def _add_buffer(model, values):
    """Index of a new buffer of these numbers."""
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(values.tobytes(), np.uint8)
    model.buffers.append(buffer)
    return len(model.buffers) - 1


def _drop_unused_buffers(model):
    users = [
        *(tensor for graph in model.subgraphs for tensor in graph.tensors),
        *(model.metadata or ()),
    ]
    kept = sorted({0, *(user.buffer for user in users)})
    place = {buffer: index for index, buffer in enumerate(kept)}
    model.buffers = [model.buffers[buffer] for buffer in kept]
    for user in users:
        user.buffer = place[user.buffer]


def _read(data):
    return flatbuffer_utils.read_model_from_bytearray(bytearray(data))


def _serialize(model):
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _builtin(model, operator):
    code = model.operatorCodes[operator.opcodeIndex]
    # Old readers know the first 127 operations by the second field alone.
    return max(code.builtinCode, code.deprecatedBuiltinCode)


def _convolutions(model):
    return [
        each
        for each in model.subgraphs[0].operators
        if _builtin(model, each) == CONVOLUTION
    ]


def _folded_upsampling(model):
    """The convolutions that compute four pixels of features at once; colors have
    larger kernels.
    """
    graph = model.subgraphs[0]
    spread = {
        operator.inputs[0]
        for operator in graph.operators
        if _builtin(model, operator) == SPREAD
    }
    return [
        each
        for each in _convolutions(model)
        if each.outputs[0] in spread
        and list(graph.tensors[_stored(model, each)].shape[1:3]) == [2, 2]
    ]


def _weights(model, convolution):
    """float array of a convolution's weights, which lie in the file as float32, or as
    float16 to be widened.
    """
    tensor = model.subgraphs[0].tensors[_stored(model, convolution)]
    kind = {schema.TensorType.FLOAT16: "<f2", schema.TensorType.FLOAT32: "<f4"}[
        tensor.type
    ]
    return np.frombuffer(bytes(model.buffers[tensor.buffer].data), kind).reshape(
        tensor.shape
    )


def _stored(model, convolution):
    """Index of the tensor that holds a convolution's weights."""
    index = convolution.inputs[1]
    for operator in model.subgraphs[0].operators:
        if _builtin(model, operator) == DEQUANTIZE and operator.outputs[0] == index:
            return operator.inputs[0]
    return index


def _operator_code(model):
    for index, code in enumerate(model.operatorCodes):
        if max(code.builtinCode, code.deprecatedBuiltinCode) == DEQUANTIZE:
            return index
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = DEQUANTIZE
    # Of float16; see tensorflow/lite/tools/versioning/op_version.cc.
    code.version = 3
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1
