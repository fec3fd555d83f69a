"""Lets clients paint at once at a server, one picture in twenty broken, and checks every answer.

Example: python benchmarks/serving_load.py --clients=8 --seconds=120
         python benchmarks/serving_load.py --clients=8 --seconds=120 --protocol=rest
         python benchmarks/serving_load.py --server=localhost:8500 --model=starry --reference=runs/starry

Without --server, the test suite's server (tests/serving_servers.py) serves a tiny
network with random weights from a process of its own. Every client has its own
connection and sends pictures of mixed sizes one after the other. Right is an answer
whose pixels are those that the model draws here, after the JPEG that both become; a
broken picture has to be answered with its error. Exits with status 1 if anything else
came, or nothing within a minute.
"""

import contextlib
import multiprocessing
import random
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from absl import flags

from nst_tf.config.commandline import flags as config_flags
from nst_tf.core.errors import UserError, expected
from nst_tf.data import sample_photos
from nst_tf.images import io as image_io
from nst_tf.inference.open_model import load_model
from nst_tf.serving import stylizer as remote_stylizer

flags.DEFINE_integer("clients", 8, "Clients at once.")
flags.DEFINE_float("seconds", 120, "Seconds that they go on.")
flags.DEFINE_enum(
    "protocol", "grpc", ["grpc", "rest"], "How they speak with the server."
)
flags.DEFINE_float("broken", 0.05, "Share of the pictures that are broken.")
flags.DEFINE_integer("largest", 384, "Longest side of the pictures, pixels.")
flags.DEFINE_string("server", "", "host:port; empty for the test suite's server.")
flags.DEFINE_string("model", "starry", "Name of the model at the server.")
flags.DEFINE_string("reference", "", "The same model here; needed with --server.")
FLAGS = flags.FLAGS

SIZES = 24  # different good pictures
NEAR = 1.0  # mean difference of a right answer at most, of 255 gray levels
OUTCOMES = ("right", "refused", "wrong", "refused wrongly", "not refused")
GOOD = OUTCOMES[:2]


def main() -> int:
    if bool(FLAGS.server) != bool(FLAGS.reference):
        raise expected("--server and --reference", "one of them", "Give both, or none.")
    with contextlib.ExitStack() as stack:
        if FLAGS.server:
            server, reference = FLAGS.server, FLAGS.reference
        else:
            reference = _exported(stack.enter_context(tempfile.TemporaryDirectory()))
            server = stack.enter_context(_own_server(reference))
        paint = load_model(reference).prepare()
        good, broken = _pictures(paint)
        print(
            f"{len(good)} good pictures, {len(broken)} broken ones, {FLAGS.clients} clients over {FLAGS.protocol}"
        )
        began = time.monotonic()
        with ThreadPoolExecutor(FLAGS.clients) as pool:
            records = list(
                pool.map(
                    lambda seed: _client(
                        server, seed, began + FLAGS.seconds, good, broken
                    ),
                    range(FLAGS.clients),
                )
            )
    print(_table(records, time.monotonic() - began))
    outcomes = [outcome for record in records for outcome, _ in record]
    return 0 if outcomes and set(outcomes) <= set(GOOD) else 1


def _pictures(paint):
    """Returns ([(file, what it becomes)], [broken file])."""
    rng = np.random.default_rng(0)
    good = []
    for number, name in zip(range(SIZES), list(sample_photos.PHOTOS) * SIZES):
        height, width = rng.integers(1, FLAGS.largest + 1, 2) if number else (1, 1)
        rgb8 = image_io.resize_rgb8(sample_photos.builtin_photo(name), height, width)
        # PNGs: exact, so that decoders cannot differ.
        drawn = image_io.encode(image_io.Image(paint(image_io.to_float(rgb8))), "jpg")
        good.append((image_io.encode_rgb8(rgb8, "png"), image_io.read_image(drawn).rgb))
    file = good[-1][0]
    return good, [
        b"",
        b"I am no picture.",
        file[: len(file) // 2],
        file[:30],
        b"\xff\xd8\xff" + bytes(50),
    ]


def _client(server, seed, until, good, broken):
    """Returns (outcome, seconds) of all that was sent."""
    rng, record = random.Random(seed), []
    connection = remote_stylizer.open_connection(FLAGS.protocol, server, FLAGS.model)
    with contextlib.closing(
        remote_stylizer.RemoteNetwork(connection, f"{FLAGS.model} at {server}")
    ) as painter:
        while time.monotonic() < until:
            bad = rng.random() < FLAGS.broken
            file, wanted = (rng.choice(broken), None) if bad else rng.choice(good)
            began = time.monotonic()
            try:
                drawn = image_io.read_image(
                    painter.stylize_file(file, {}, FLAGS.largest**2)
                ).rgb
            except UserError as error:
                # Its own error, not the server's absence.
                outcome = (
                    "refused"
                    if bad and "can read. Received:" in str(error)
                    else "refused wrongly"
                )
            else:
                near = (
                    not bad
                    and drawn.shape == wanted.shape
                    and 255 * np.abs(drawn - wanted).mean() < NEAR
                )
                outcome = "not refused" if bad else "right" if near else "wrong"
            record.append((outcome, time.monotonic() - began))
    return record


def _table(records, seconds):
    lines = [
        (
            "client",
            "sent",
            *OUTCOMES,
            "median, ms",
            "95 %, ms",
            "slowest, ms",
            "a second",
        )
    ]
    lines.append(("---",) * len(lines[0]))
    for name, record in (*enumerate(records, 1), ("all", sum(records, []))):
        outcomes, times = (
            [outcome for outcome, _ in record],
            [1000 * time for _, time in record] or [np.nan],
        )
        lines.append(
            (
                name,
                len(record),
                *map(outcomes.count, OUTCOMES),
                *(f"{np.percentile(times, share):.0f}" for share in (50, 95, 100)),
                f"{len(record) / seconds:.1f}",
            )
        )
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


# -- the test suite's server -----------------------------------------------------------------------


def _tests():
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))


def _exported(folder):
    _tests()
    import tiny

    from nst_tf.exporters.saved_model.exporter import SavedModelExporter

    SavedModelExporter().export(tiny.network(), Path(folder), "tiny")
    return str(Path(folder) / "saved_model" / "1")


@contextlib.contextmanager
def _own_server(saved_model):
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_serve,
        args=(saved_model, FLAGS.protocol, FLAGS.model, there),
        daemon=True,
    )
    process.start()
    try:
        if not here.poll(120):
            raise expected(
                "a test server within two minutes", "none", "See the lines above."
            )
        yield here.recv()
    finally:
        here.send("stop")
        process.join(10)
        process.kill()


def _serve(saved_model, protocol, model, pipe):
    _tests()
    import serving_servers

    with serving_servers.SERVERS[protocol](
        serving_servers.Served(model, Path(saved_model))
    ) as (server, _):
        pipe.send(server)
        pipe.recv()


if __name__ == "__main__":
    config_flags.run(main)
