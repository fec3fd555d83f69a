"""Prints which software that was not written here our client and our signatures speak with.

Example: python benchmarks/protocols.py --model=exported_models/starry_night_mobile/saved_model/1 \
    --output=protocols.json

Each foreign package has an environment of its own in the user's cache, made by pip at
the first run. Servers: KServe's Python server with our SavedModel, and pythie-serving
with a table of numbers, as it serves no pictures. Clients: ovmsclient and
tensorflow-serving-api's stubs, at the test server of tests/support. The process ends with
status 1 if one is not as it should be.
"""

import argparse
import contextlib
import json
import os
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from pathlib import Path

import numpy as np
from report import write_report

sys.path.append(str(Path(__file__).parents[1] / "tests"))

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
# {package: whether this environment's packages are seen, too, behind its own}.
PACKAGES = {"kserve": True, "pythie-serving": False, "ovmsclient": False}
START = 600  # seconds until a server must listen

KSERVE = """
import base64, sys
import kserve, numpy as np, tensorflow as tf

class Served(kserve.Model):
    def __init__(self, name, path):
        super().__init__(name)
        self.loaded, self.ready = tf.saved_model.load(path), True

    def predict(self, payload, headers=None, response_headers=None):
        run = self.loaded.signatures[payload.get("signature_name", "serving_default")]
        types = {name: spec.dtype for name, spec in run.structured_input_signature[1].items()}
        tensors = {name: tf.constant(read(value), types[name]) for name, value in payload["inputs"].items()}
        return {"outputs": {name: write(value.numpy()) for name, value in run(**tensors).items()}}

def read(value):
    return [base64.b64decode(each["b64"]) for each in value] if isinstance(value[0], dict) else value

def write(array):
    if array.dtype != object:
        return array.tolist()
    return [{"b64": base64.b64encode(each).decode()} for each in array.tolist()]

port, path = sys.argv[1:]
server = kserve.ModelServer(http_port=int(port), enable_grpc=False, workers=1)
server.start([Served("painter", path)])
"""
PYTHIE = """
import sys
from pythie_serving import create_grpc_server
from pythie_serving.tensorflow_proto.tensorflow_serving.config import model_server_config_pb2
port, path = sys.argv[1:]
config = model_server_config_pb2.ModelServerConfig()
config.model_config_list.config.add(name="sums", base_path=path, model_platform="table")
server = create_grpc_server(
    model_server_config=config, worker_count=1, port=int(port), maximum_concurrent_rpcs=None)
server.start()
server.wait_for_termination()
"""
OVMSCLIENT = """
import sys
import numpy as np
from ovmsclient import make_grpc_client, make_http_client
make = {"grpc": make_grpc_client, "rest": make_http_client}[sys.argv[1]]
client = make(sys.argv[2])
if sys.argv[1] == "grpc":
    found = client.get_model_metadata("painter")["inputs"]
    assert found["image"] == {"shape": [-1, -1, -1, 3], "dtype": "DT_UINT8"}, found
drawn = client.predict({"image": np.load(sys.argv[3])}, "painter", timeout=60)
np.save(sys.argv[4], np.asarray(drawn).astype(np.uint8))
"""
STUBS = """
import sys
import grpc, numpy as np, tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc
stub = prediction_service_pb2_grpc.PredictionServiceStub(grpc.insecure_channel(sys.argv[2]))
request = predict_pb2.PredictRequest()
request.model_spec.name = "painter"
request.inputs["image"].CopyFrom(tf.make_tensor_proto(np.load(sys.argv[3])))
np.save(sys.argv[4], tf.make_ndarray(stub.Predict(request, 60).outputs["stylized"]))
"""


def find_python(package):
    """Returns Python in the environment of a package, which is made if it is missing."""
    folder = CACHE / "nst_tf" / "protocols" / package
    python = folder / "bin" / "python"
    done = folder / "installed"
    if not done.exists():
        venv.create(folder, with_pip=True, clear=True)
        if PACKAGES[package]:
            own = subprocess.run(
                [
                    python,
                    "-c",
                    "import sysconfig; print(sysconfig.get_path('purelib'))",
                ],
                capture_output=True,
                text=True,
                check=True,
            ).stdout.strip()
            here = sysconfig.get_path("purelib")
            Path(own, "of_nst_tf.pth").write_text(f"{here}\n")
        subprocess.run([python, "-m", "pip", "install", "-q", package], check=True)
        done.touch()
    return str(python)


def find_version(python, package):
    """Returns "kserve 0.21.0" of an environment."""
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True)
    return f"{package} {done.stdout.strip()}"


def find_port():
    """Returns a free port below those that the system gives to clients: one that waits
    for a server at such a port may be connected with itself.
    """
    for port in range(20000 + os.getpid() % 10000, 32000):
        with socket.socket() as free:
            if free.connect_ex(("127.0.0.1", port)):
                return port
    raise RuntimeError("no free port")


def listens(port):
    with socket.socket() as probe:
        return not probe.connect_ex(("127.0.0.1", port))


@contextlib.contextmanager
def serving(python, program, *arguments):
    """Runs a server's program; yields its address as soon as it listens."""
    port = find_port()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [python, "-c", program, str(port), *map(str, arguments)],
            stdout=log,
            stderr=log,
        )
        try:
            deadline = time.monotonic() + START
            while not listens(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    lines = log.read().decode(errors="replace").splitlines()
                    raise RuntimeError(f"no server: {(lines or ['no words'])[-1]}")
                time.sleep(0.2)
            yield f"127.0.0.1:{port}"
        finally:
            process.kill()  # it keeps nothing, and may wait long for connections to end
            process.wait()


def paint_with_client(address, protocol, signature, photo):
    """Paints by our client."""
    from nst_tf.serving.stylizer import connect

    with connect(
        address, "painter", protocol=protocol, signature=signature, deadline=120
    ) as model:
        return model.prepare()(photo)


def refuse(address, protocol):
    """Returns the one line of our client where a server speaks another protocol."""
    from nst_tf.core.errors import UserError
    from nst_tf.serving.retries import Retries
    from nst_tf.serving.stylizer import connect

    try:
        connect(
            address, "painter", protocol=protocol, deadline=20, retries=Retries(0, 0.1)
        )
    except UserError as error:
        assert "\n" not in str(error)
        return str(error)
    raise RuntimeError("it took the server for its own")


def look_up_sums(address):
    """Asks pythie-serving for numbers by our messages; our client leaves int32 out."""
    import grpc

    from nst_tf.serving import prediction_service_pb2 as messages, tensors

    request = messages.PredictRequest()
    request.model_spec.name = "sums"
    inputs = {
        name: np.array(values, np.float32)[:, None]
        for name, values in (("a", [1, 2]), ("b", [2, 1]))
    }
    tensors.fill_request(request, "serving_default", inputs)
    with grpc.insecure_channel(address) as channel:
        predict = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
        data = predict(request.SerializeToString(), timeout=20)
    found = messages.PredictResponse.FromString(data).outputs["predictions"]
    numbers = np.frombuffer(found.tensor_content, "<i4").tolist()
    assert numbers == [3, 30], numbers


def write_sums(folder):
    """Writes a table for pythie-serving."""
    types = dict.fromkeys(["a", "b", "sum"], "int")
    described = {"feature_names": ["a", "b"], "target_name": "sum", "data_type": types}
    (folder / "metadata.json").write_text(json.dumps(described))
    (folder / "sums.csv").write_text("a,b,sum\n1,2,3\n2,1,30\n")


def run_client(python, program, protocol, address, pixels):
    """Lets a foreign client paint; returns uint8 [1, H, W, 3]."""
    with tempfile.TemporaryDirectory() as folder:
        sent, painted = Path(folder) / "photo.npy", Path(folder) / "painted.npy"
        np.save(sent, pixels)
        arguments = [program, protocol, address, sent, painted]
        done = subprocess.run(
            [python, "-c", *map(str, arguments)], capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError((done.stderr.strip().splitlines() or ["no words"])[-1])
        return np.load(painted)


def check_bytes(drawn, wanted, most):
    """Raises unless pictures of [0, 255] are equal but for so many gray levels."""
    off = np.abs(drawn.astype(float) - wanted).max()
    assert drawn.shape == wanted.shape and off <= most, f"off by {off} gray levels"


def try_all(model):
    """Yields (software, its role, protocol, what, outcome, our client's line if it
    refused).
    """
    from support import serving_servers

    from nst_tf.data import sample_photos
    from nst_tf.images import io as image_io
    from nst_tf.inference.open_model import load_model

    pixels = image_io.resize_rgb8(sample_photos.builtin_photo("cat"), 45, 62)
    photo = image_io.to_float(pixels)
    wanted = 255 * load_model(model).prepare()(photo)

    def outcome(software, role, protocol, what, call):
        try:
            said = call()
        except Exception as error:
            return software, role, protocol, what, f"failed: {error}", ""
        found = "refused in one line" if said else "right"
        return software, role, protocol, what, found, said or ""

    python = find_python("kserve")
    software = find_version(python, "kserve")
    with serving(python, KSERVE, Path(model).resolve()) as address:
        # The client decodes a JPEG of `serving_bytes`.
        for signature, most in (("serving_default", 1), ("serving_bytes", 48)):

            def paint(signature=signature, most=most):
                drawn = paint_with_client(address, "rest", signature, photo)
                check_bytes(255 * drawn, wanted, most)

            yield outcome(software, "server", "REST V1", signature, paint)
        yield outcome(
            software,
            "server",
            "REST, asked for gRPC",
            "one line",
            lambda: refuse(address, "grpc"),
        )
    python = find_python("pythie-serving")
    software = find_version(python, "pythie-serving")
    with tempfile.TemporaryDirectory() as folder:
        write_sums(Path(folder))
        with serving(python, PYTHIE, folder) as address:
            yield outcome(
                software, "server", "gRPC", "Predict", lambda: look_up_sums(address)
            )
            for protocol in ("grpc", "rest"):
                what = {"grpc": "gRPC, no metadata", "rest": "gRPC, asked for REST"}
                yield outcome(
                    software,
                    "server",
                    what[protocol],
                    "one line",
                    lambda protocol=protocol: refuse(address, protocol),
                )
    served = serving_servers.Served("painter", Path(model))
    clients = [
        ("ovmsclient", find_python("ovmsclient"), OVMSCLIENT, ("grpc", "rest")),
        ("tensorflow-serving-api", sys.executable, STUBS, ("grpc",)),
    ]
    for package, python, program, protocols in clients:
        software = find_version(python, package)
        for protocol in protocols:
            with serving_servers.SERVERS[protocol](served) as (address, _):

                def draw():
                    drawn = run_client(python, program, protocol, address, pixels[None])
                    check_bytes(drawn[0], wanted, 1)

                yield outcome(software, "client", protocol, "serving_default", draw)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--model", required=True, help="SavedModel of one style, its version's folder"
    )
    parser.add_argument("--output", default="", help="JSON to write")
    arguments = parser.parse_args()
    names = ("software", "role", "protocol", "what", "outcome", "said")
    print("| " + " | ".join(names) + " |\n|" + "---|" * len(names), flush=True)
    rows = []
    for row in try_all(arguments.model):
        rows.append(dict(zip(names, row)))
        print("| " + " | ".join(row) + " |", flush=True)
    write_report(rows, arguments.output)
    sys.exit(any(row["outcome"].startswith("failed") for row in rows))


if __name__ == "__main__":
    main()
