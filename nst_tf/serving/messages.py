"""The messages of TensorFlow Serving's gRPC interface that painting needs, and arrays
as its tensors.

tensorflow-serving-api has them all, but its classes import TensorFlow: seconds and
hundreds of megabytes for what is sent over a wire. Here are the same messages with the
fields that are used, by the same numbers and types, from
tensorflow_serving/apis/{model,predict,get_model_metadata}.proto and
tensorflow/core/framework/tensor.proto. They have a pool of their own, so that both may
live in one process.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from nst_tf.serving.retries import Failure

# {message: (field, number, type; * for a list)}. On the wire a map is a list of key and
# value, and an enum int32.
_MESSAGES = {
    "Int64Value": (("value", 1, "int64"),),
    "ModelSpec": (
        ("name", 1, "string"),
        ("version", 2, "Int64Value"),
        ("signature_name", 3, "string"),
    ),
    "Dim": (("size", 1, "int64"),),
    "TensorShape": (("dim", 2, "Dim*"), ("unknown_rank", 3, "bool")),
    "Tensor": (
        ("dtype", 1, "int32"),
        ("tensor_shape", 2, "TensorShape"),
        ("tensor_content", 4, "bytes"),
        ("float_val", 5, "float*"),
        ("int_val", 7, "int32*"),
        ("string_val", 8, "bytes*"),
    ),
    "NamedTensor": (("key", 1, "string"), ("value", 2, "Tensor")),
    "PredictRequest": (("model_spec", 1, "ModelSpec"), ("inputs", 2, "NamedTensor*")),
    "PredictResponse": (("outputs", 1, "NamedTensor*"),),
    "GetModelMetadataRequest": (
        ("model_spec", 1, "ModelSpec"),
        ("metadata_field", 2, "string*"),
    ),
    "Any": (("type_url", 1, "string"), ("value", 2, "bytes")),
    "NamedAny": (("key", 1, "string"), ("value", 2, "Any")),
    "GetModelMetadataResponse": (("metadata", 2, "NamedAny*"),),
    "TensorInfo": (("dtype", 2, "int32"), ("tensor_shape", 3, "TensorShape")),
    "NamedTensorInfo": (("key", 1, "string"), ("value", 2, "TensorInfo")),
    "SignatureDef": (("inputs", 1, "NamedTensorInfo*"),),
    "NamedSignatureDef": (("key", 1, "string"), ("value", 2, "SignatureDef")),
    "SignatureDefMap": (("signature_def", 1, "NamedSignatureDef*"),),
}
# TensorFlow's number of a type: (NumPy's, the field that holds values which are not in
# tensor_content).
_TYPES: Mapping[int, tuple[np.dtype[Any], str]] = {
    1: (np.dtype(np.float32), "float_val"),
    4: (np.dtype(np.uint8), "int_val"),
    7: (np.dtype(object), "string_val"),
}
_NUMBERS = {dtype: number for number, (dtype, _) in _TYPES.items()}


def _make_classes() -> dict[str, Any]:
    package = "nst_tf.remote"
    file = descriptor_pb2.FileDescriptorProto(
        name="nst_tf/remote.proto", package=package, syntax="proto3"
    )
    field_type = descriptor_pb2.FieldDescriptorProto
    for message, fields in _MESSAGES.items():
        added = file.message_type.add(name=message)
        for name, number, kind in fields:
            field = added.field.add(name=name, number=number)
            field.label = (
                field_type.LABEL_REPEATED
                if kind.endswith("*")
                else field_type.LABEL_OPTIONAL
            )
            kind = kind.rstrip("*")
            if kind in _MESSAGES:
                field.type, field.type_name = (
                    field_type.TYPE_MESSAGE,
                    f".{package}.{kind}",
                )
            else:
                field.type = getattr(field_type, f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        message: message_factory.GetMessageClass(
            pool.FindMessageTypeByName(f"{package}.{message}")
        )
        for message in _MESSAGES
    }


_CLASSES = _make_classes()
PredictRequest = _CLASSES["PredictRequest"]
PredictResponse = _CLASSES["PredictResponse"]
GetModelMetadataRequest = _CLASSES["GetModelMetadataRequest"]
GetModelMetadataResponse = _CLASSES["GetModelMetadataResponse"]


def set_model(spec: Any, model: str, version: int, signature: str = "") -> None:
    """Fills a ModelSpec; version 0 leaves the choice to the server."""
    spec.name, spec.signature_name = model, signature
    if version:
        spec.version.value = version


def add_tensors(named: Any, arrays: Mapping[str, np.ndarray]) -> None:
    """Adds arrays (uint8, float32, or objects that are bytes) to a list of NamedTensor."""
    for name, array in arrays.items():
        tensor = named.add(key=name).value
        tensor.dtype = _NUMBERS[array.dtype]
        for size in array.shape:
            tensor.tensor_shape.dim.add(size=size)
        if array.dtype == object:
            tensor.string_val.extend(array.ravel())
        else:
            tensor.tensor_content = array.astype(
                array.dtype.newbyteorder("<")
            ).tobytes()


def arrays_of(named: Any) -> dict[str, np.ndarray]:
    """Returns a list of NamedTensor as arrays; those of other types are left out.

    Raises:
        Failure: INTERNAL, more or fewer values than the shape has.
    """
    return {
        entry.key: _to_array(entry.value)
        for entry in named
        if entry.value.dtype in _TYPES
    }


def signatures_of(response: Any) -> dict[str, dict[str, tuple[int, ...]]]:
    """Returns {signature: {input: shape}} of a GetModelMetadataResponse."""
    found: dict[str, dict[str, tuple[int, ...]]] = {}
    for entry in response.metadata:
        if entry.key == "signature_def":
            signatures = _CLASSES["SignatureDefMap"].FromString(entry.value.value)
            for signature in signatures.signature_def:
                inputs = {}
                for named in signature.value.inputs:
                    dims = named.value.tensor_shape.dim
                    inputs[named.key] = tuple(dim.size for dim in dims)
                found[signature.key] = inputs
    return found


def _to_array(tensor: Any) -> np.ndarray:
    dtype, field = _TYPES[tensor.dtype]
    shape = tuple(dim.size for dim in tensor.tensor_shape.dim)
    if tensor.tensor_content:
        values = np.frombuffer(tensor.tensor_content, dtype.newbyteorder("<")).astype(
            dtype
        )
    else:
        listed = getattr(tensor, field)
        values = np.empty(len(listed), dtype)
        values[:] = listed
        # TensorFlow may leave out repetitions of the last value.
        if 0 < len(values) < np.prod(shape):
            values = np.concatenate(
                [values, np.repeat(values[-1:], np.prod(shape) - len(values))]
            )
    if values.size != np.prod(shape):
        raise Failure(
            "INTERNAL", f"a tensor of shape {shape} came with {values.size} values"
        )
    return values.reshape(shape)
