"""Connections to a server: messages on the wire, what fails how, and trying again."""

import sys
import threading
import time

import numpy as np
import pytest
import tensorflow as tf
from support import serving_servers
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import get_model_metadata_pb2, predict_pb2

from nst_tf.core.errors import UserError
from nst_tf.serving import (
    messages,
    retries as serving_retries,
    stylizer as remote_stylizer,
)
from nst_tf.serving.retries import Failure, Retries

PROTOCOLS = ("grpc", "rest")


def strings(*values):
    array = np.empty(len(values), object)
    array[:] = values
    return array


ARRAYS = {
    "pixels": np.arange(24, dtype=np.uint8).reshape(2, 4, 3) * 10,
    "weights": np.float32([[0.25, -1.5e-9]]),
    "files": strings(b"\x89PNG\0\0", b"", b"\0"),
    "none": np.zeros((0, 3), np.float32),
}


# -- messages --------------------------------------------------------------------------------------


def test_a_request_is_what_tensorflow_serving_api_reads():
    request = messages.PredictRequest()
    messages.set_model(request.model_spec, "starry", 3, "serving_bytes")
    messages.add_tensors(request.inputs, ARRAYS)
    read = predict_pb2.PredictRequest.FromString(request.SerializeToString())
    spec = read.model_spec
    assert (spec.name, spec.version.value, spec.signature_name) == (
        "starry",
        3,
        "serving_bytes",
    )
    assert set(read.inputs) == set(ARRAYS)
    for name, array in ARRAYS.items():
        found = tf.make_ndarray(read.inputs[name])
        assert (
            found.dtype == array.dtype
            and found.shape == array.shape
            and (found == array).all()
        )


def test_a_request_without_a_version_leaves_it_to_the_server():
    request = messages.PredictRequest()
    messages.set_model(request.model_spec, "starry", 0)
    read = predict_pb2.PredictRequest.FromString(request.SerializeToString())
    assert not read.model_spec.HasField("version")


@pytest.mark.parametrize(
    "written",
    [tf.make_tensor_proto, serving_servers.as_fields],
    ids=["content", "fields"],
)
def test_tensors_of_an_answer_are_read_however_they_are_written(written):
    answer = predict_pb2.PredictResponse()
    for name, array in ARRAYS.items():
        answer.outputs[name].CopyFrom(written(array))
    answer.outputs["of another type"].CopyFrom(tf.make_tensor_proto([1], tf.int64))
    found = messages.arrays_of(
        messages.PredictResponse.FromString(answer.SerializeToString()).outputs
    )
    assert set(found) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype and found[name].shape == array.shape
        assert (found[name] == array).all()


def test_repetitions_of_the_last_value_that_were_left_out_are_filled_in():
    answer = predict_pb2.PredictResponse()
    proto = answer.outputs["x"]
    proto.CopyFrom(tensor_pb2.TensorProto(dtype=4, int_val=[7, 9]))
    proto.tensor_shape.CopyFrom(tf.TensorShape([2, 3]).as_proto())
    assert tf.make_ndarray(proto).tolist() == [[7, 9, 9], [9, 9, 9]]
    found = messages.arrays_of(
        messages.PredictResponse.FromString(answer.SerializeToString()).outputs
    )
    assert found["x"].tolist() == [[7, 9, 9], [9, 9, 9]]


def test_a_tensor_with_too_few_bytes_is_a_failure():
    answer = predict_pb2.PredictResponse()
    answer.outputs["x"].CopyFrom(
        tensor_pb2.TensorProto(dtype=4, tensor_content=b"12345")
    )
    answer.outputs["x"].tensor_shape.CopyFrom(tf.TensorShape([2, 3]).as_proto())
    with pytest.raises(
        Failure, match=r"INTERNAL \(a tensor of shape \(2, 3\) came with 5 values"
    ):
        messages.arrays_of(
            messages.PredictResponse.FromString(answer.SerializeToString()).outputs
        )


def test_signatures_are_read_from_the_servers_description():
    found = get_model_metadata_pb2.SignatureDefMap()
    for name, shape in (("style_weights", [None, 5]), ("image_bytes", [None])):
        info = found.signature_def["serving_bytes"].inputs[name]
        info.tensor_shape.CopyFrom(tf.TensorShape(shape).as_proto())
    found.signature_def["other"].method_name = "x"
    answer = get_model_metadata_pb2.GetModelMetadataResponse()
    answer.metadata["signature_def"].Pack(found)
    read = messages.signatures_of(
        messages.GetModelMetadataResponse.FromString(answer.SerializeToString())
    )
    assert read == {
        "serving_bytes": {"style_weights": (-1, 5), "image_bytes": (-1,)},
        "other": {},
    }


# -- trying again ----------------------------------------------------------------------------------


def failing(*failures):
    left = list(failures)

    def call():
        if left:
            raise left.pop(0)
        return "done"

    return call, left


def test_waits_double_vary_and_have_a_limit(monkeypatch):
    retries, waits = Retries(6, 1.0), []
    monkeypatch.setattr(retries._closed, "wait", lambda seconds: waits.append(seconds))
    call, _ = failing(*[Failure("UNAVAILABLE", "")] * 6)
    assert retries(call) == "done"
    tops = np.array([1, 2, 4, 8, 8, 8])
    assert (
        (np.array(waits) <= tops).all()
        and (np.array(waits) >= tops / 2).all()
        and len(set(waits)) == 6
    )


@pytest.mark.parametrize(
    "code, reason, tried",
    [
        ("UNAVAILABLE", "connection refused", 3),
        ("CANCELLED", "the server ends", 3),
        ("RESOURCE_EXHAUSTED", "out of memory", 3),
        ("RESOURCE_EXHAUSTED", "Received message larger than max (9 vs. 5)", 1),
        ("INVALID_ARGUMENT", "", 1),
        ("RESOURCE_EXHAUSTED", "HTTP status 413", 1),
        ("DEADLINE_EXCEEDED", "", 1),
        ("NOT_FOUND", "", 1),
    ],
)
def test_only_what_may_pass_is_tried_again(code, reason, tried):
    call, left = failing(*[Failure(code, reason)] * 9)
    with pytest.raises(Failure, match=code):
        Retries(2, 0)(call)
    assert 9 - len(left) == tried


def test_closing_ends_the_waiting():
    retries, began = Retries(5, serving_retries.LONGEST_WAIT), time.monotonic()
    threading.Timer(0.05, retries.close).start()
    with pytest.raises(Failure):
        retries(failing(*[Failure("UNAVAILABLE", "")] * 9)[0])
    assert time.monotonic() - began < 2


# -- connections -----------------------------------------------------------------------------------


def test_grpc_without_its_packages_is_one_line_and_rest_does_without(monkeypatch):
    monkeypatch.setitem(sys.modules, "grpc", None)
    monkeypatch.delitem(sys.modules, "nst_tf.serving.grpc_connection", raising=False)
    monkeypatch.delattr(sys.modules["nst_tf.serving"], "grpc_connection", raising=False)
    with pytest.raises(
        UserError, match=r"no module grpc. Install .*pip install 'nst_tf\[serving\]'"
    ) as found:
        remote_stylizer.open_connection("grpc", "localhost:1", "starry")
    assert "\n" not in str(found.value)
    remote_stylizer.open_connection("rest", "localhost:1", "starry").close()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_server_that_speaks_something_else_is_a_failure(protocol):
    other = {"grpc": "rest", "rest": "grpc"}[protocol]
    with serving_servers.SERVERS[other](None) as (server, _):
        connection = remote_stylizer.open_connection(protocol, server, "starry")
        with pytest.raises(Failure, match="UNAVAILABLE"):
            connection.signatures(5)
        connection.close()


@pytest.mark.parametrize(
    "status, body, code",
    [
        (200, b"<html>", "INTERNAL .an answer that is no JSON"),
        (200, b"[1]", "INTERNAL .an answer of another form"),
        (413, b"<html>too large", "RESOURCE_EXHAUSTED .HTTP status 413"),
        (502, b"", "UNAVAILABLE .HTTP status 502"),
        (
            404,
            b'{"error": "no\\nsuch model"}',
            "NOT_FOUND .HTTP status 404: no such model",
        ),
    ],
)
def test_answers_over_rest_that_are_none_are_failures(monkeypatch, status, body, code):
    def answer(handler):
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    monkeypatch.setattr(serving_servers._RestHandler, "do_GET", answer)
    with serving_servers.rest_server(None) as (server, _):
        with pytest.raises(Failure, match=code):
            remote_stylizer.open_connection("rest", server, "starry").signatures(5)


def test_an_answer_over_rest_that_stops_half_way_is_a_failure(monkeypatch):
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b"{")
        handler.close_connection = True

    monkeypatch.setattr(serving_servers._RestHandler, "do_GET", answer)
    with serving_servers.rest_server(None) as (server, _):
        with pytest.raises(Failure, match="UNAVAILABLE .IncompleteRead"):
            remote_stylizer.open_connection("rest", server, "starry").signatures(5)


def test_an_answer_over_rest_that_drips_meets_the_deadline(monkeypatch):
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(10**7))
        handler.end_headers()
        for _ in range(30):  # each part comes well within the deadline
            handler.wfile.write(b" " * 70_000)
            time.sleep(0.1)

    monkeypatch.setattr(serving_servers._RestHandler, "do_GET", answer)
    with serving_servers.rest_server(None) as (server, _):
        began = time.monotonic()
        with pytest.raises(Failure, match="DEADLINE_EXCEEDED"):
            remote_stylizer.open_connection("rest", server, "starry").signatures(0.4)
        assert time.monotonic() - began < 1.5
