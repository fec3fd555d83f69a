"""`nst batch` with real processes: two of them, one that is killed, a server of jobs."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from support import batches, painting

from nst_tf.inference.folder import stylize_files

pytest.importorskip("apache_beam", reason="apache-beam, of the extra beam, is missing")
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def start(model, photos, output, *flags):
    return subprocess.Popen(
        [
            *[sys.executable, "-m", "nst_tf.batch", f"--model={model}"],
            *[f"--content={photos}", f"--output={output}", *flags],
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def test_two_processes_paint_what_one_paints(models, photos, broken, tmp_path):
    output = tmp_path / "painted"
    out, err = start(models["tflite"], photos, output, "--processes=2").communicate()
    assert out.splitlines()[0] == "photos painted: 38, skipped: 0, failed: 2", err
    stylize_files(models["tflite"], photos, f"{tmp_path}/b", log=lambda line: 0)
    assert batches.pictures(output) == batches.pictures(tmp_path / "b")
    assert set(batches.failures(output)) == broken
    assert len(list((output / "manifest").glob("painted-*"))) == 2


def wait_for_pictures(process, output, count):
    began = time.monotonic()
    while len(list(output.glob("*.png"))) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() - began < 120
        time.sleep(0.02)


@pytest.mark.parametrize("victim", ["a worker", "the command"])
def test_after_a_kill_in_the_middle_a_second_run_paints_the_rest(
    victim, models, tmp_path
):
    photos, output = tmp_path / "photos", tmp_path / "painted"
    for number in range(30):  # large enough that the end is far
        painting.save(photos / f"{number:02}.png", 600, 600, seed=number)
    process = start(models["tflite"], photos, output, "--processes=2")
    wait_for_pictures(process, output, 3)
    children = psutil.Process(process.pid).children(recursive=True)
    workers = [each for each in children if "python" in each.name()]
    assert len(workers) == 2
    os.kill(workers[0].pid if victim == "a worker" else process.pid, signal.SIGKILL)
    out, err = process.communicate(timeout=120)
    psutil.wait_procs(workers, timeout=60)
    if victim == "a worker":
        assert process.returncode == 1 and out == ""
        assert err.splitlines()[-1].startswith("error: Expected workers that live")
    left = len(list(output.glob("*.png")))
    assert 3 <= left < 30
    values = batches.run(models["tflite"], photos, output)
    painted, skipped, failed = batches.counts(values)
    assert (painted + skipped, failed) == (30, 0) and painted >= 30 - left
    stylize_files(models["tflite"], photos, f"{tmp_path}/b")
    assert batches.pictures(output) == batches.pictures(tmp_path / "b")
    values = batches.run(models["tflite"], photos, output)
    assert batches.counts(values) == (0, 30, 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_batch_says_one_line_and_leaves_nothing_half(
    number, models, tmp_path
):
    photos, output = tmp_path / "photos", tmp_path / "painted"
    for seed in range(30):
        painting.save(photos / f"{seed:02}.png", 600, 600, seed=seed)
    process = start(models["tflite"], photos, output)
    wait_for_pictures(process, output, 2)
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[-1].startswith("interrupted: what is painted stays")
    assert "Traceback" not in err
    names = painting.tree(output)
    assert not any(name.endswith(".tmp") for name in names)
    for name in names:
        if name.endswith(".png"):
            assert painting.pixels(output / name).shape == (600, 600, 3)


def test_a_job_server_takes_the_pipeline_over_the_network(
    models, photos, broken, tmp_path
):
    """Beam's own server of jobs in Python: as Flink's and Spark's take them."""
    server = subprocess.Popen(
        [
            *[
                sys.executable,
                "-m",
                "apache_beam.runners.portability.local_job_service_main",
            ],
            *["--port_file", str(tmp_path / "port")],
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        began = time.monotonic()
        while not (tmp_path / "port").exists():
            assert server.poll() is None and time.monotonic() - began < 60
            time.sleep(0.1)
        time.sleep(0.2)
        port = (tmp_path / "port").read_text()
        output = tmp_path / "painted"
        values = batches.run(
            models["tflite"],
            photos,
            output,
            runner="PortableRunner",
            beam_options=f"--job_endpoint=localhost:{port} --environment_type=LOOPBACK",
        )
    finally:
        server.terminate()
        server.wait()
    assert batches.counts(values) == (38, 0, 2)
    stylize_files(models["tflite"], photos, f"{tmp_path}/b", log=lambda line: 0)
    assert batches.pictures(output) == batches.pictures(tmp_path / "b")
    assert set(batches.failures(output)) == broken
