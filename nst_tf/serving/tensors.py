"""Arrays as TensorFlow Serving's tensors, and back."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from nst_tf.serving import prediction_service_pb2 as messages
from nst_tf.serving.retries import Failure

_FLOAT, _UINT8, _STRING = 1, 4, 7  # TensorFlow's numbers of types
_NUMBERS: Mapping[np.dtype[Any], int] = {
    np.dtype(np.float32): _FLOAT,
    np.dtype(np.uint8): _UINT8,
    np.dtype(object): _STRING,
}
_TYPES = {number: dtype for dtype, number in _NUMBERS.items()}
_MOST_SIDES = 8


def fill_request(
    request: Any, signature: str, inputs: Mapping[str, np.ndarray]
) -> None:
    """Fills a PredictRequest, but for the name and the version of its model.

    Args:
        request: the message.
        signature: the name of the model's signature.
        inputs: {name: uint8 or float32 array, or objects that are bytes}.
    """
    request.model_spec.signature_name = signature
    for name, array in inputs.items():
        tensor = request.inputs[name]
        tensor.dtype = _NUMBERS[array.dtype]
        for size in array.shape:
            tensor.tensor_shape.dim.add(size=size)
        if array.dtype == object:
            tensor.string_val.extend(array.ravel())
        else:
            little = array.dtype.newbyteorder("<")
            tensor.tensor_content = array.astype(little).tobytes()


def read_outputs(response: Any, most: int) -> dict[str, np.ndarray]:
    """Returns the tensors of a PredictResponse; those of other types are left out.

    Args:
        response: the message.
        most: values that one tensor may have.

    Raises:
        Failure: INTERNAL, values that do not fit the shape or the type.
    """
    return {
        name: _to_array(tensor, most)
        for name, tensor in response.outputs.items()
        if tensor.dtype in _TYPES
    }


def read_signatures(response: Any) -> dict[str, dict[str, tuple[int, ...]]]:
    """Returns {signature: {input: shape}} of a GetModelMetadataResponse.

    Raises:
        DecodeError: what it carries is no description of signatures.
    """
    described = messages.SignatureDefMap.FromString(
        response.metadata["signature_def"].value
    )
    found: dict[str, dict[str, tuple[int, ...]]] = {}
    for signature, definition in described.signature_def.items():
        found[signature] = {
            name: _shape_of(info) for name, info in definition.inputs.items()
        }
    return found


def _shape_of(tensor: Any) -> tuple[int, ...]:
    return tuple(dim.size for dim in tensor.tensor_shape.dim)


def _to_array(tensor: Any, most: int) -> np.ndarray:
    shape, values = _shape_of(tensor), _values_of(tensor)
    count = math.prod(shape)
    if min(shape, default=0) < 0 or len(shape) > _MOST_SIDES or count > most:
        raise Failure("INTERNAL", f"a tensor of shape {shape[:_MOST_SIDES]}")
    # TensorFlow may leave out repetitions of the last value.
    if not tensor.tensor_content and 0 < len(values) < count:
        values = np.pad(values, (0, count - len(values)), "edge")
    if len(values) != count:
        raise Failure(
            "INTERNAL", f"a tensor of shape {shape} came with {len(values)} values"
        )
    return values.reshape(shape)


def _values_of(tensor: Any) -> np.ndarray:
    if tensor.dtype == _STRING:
        strings = np.empty(len(tensor.string_val), object)
        strings[:] = tensor.string_val
        return strings
    dtype = _TYPES[tensor.dtype]
    if tensor.tensor_content:
        if len(tensor.tensor_content) % dtype.itemsize:
            raise Failure("INTERNAL", "a tensor that ends within a value")
        little = dtype.newbyteorder("<")
        return np.frombuffer(tensor.tensor_content, little).astype(dtype)
    if tensor.dtype == _FLOAT:
        return np.array(tensor.float_val, dtype)
    values = np.array(tensor.int_val, np.int32)
    if len(values) and not (0 <= values.min() and values.max() <= 255):
        raise Failure("INTERNAL", "a uint8 tensor with values outside 0 to 255")
    return values.astype(dtype)
