"""The steps of a batch by Beam's own test pipeline; steps that fail once; threads; filesystems."""

import hashlib
import json
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from support import batches, painting

from nst_tf.config.painting.batch import BatchSettings
from nst_tf.core.errors import UserError
from nst_tf.images import io as image_io
from nst_tf.inference.folder import stylize_files

REASON = "apache-beam, of the extra beam, is missing"
beam = pytest.importorskip("apache_beam", reason=REASON)

from apache_beam.io.localfilesystem import LocalFileSystem  # noqa: E402
from apache_beam.ml.inference.base import RunInference  # noqa: E402
from apache_beam.runners.direct.direct_runner import BundleBasedDirectRunner  # noqa: E402
from apache_beam.testing.test_pipeline import TestPipeline  # noqa: E402
from apache_beam.testing.util import assert_that, equal_to  # noqa: E402

from nst_tf.pipelines import (  # noqa: E402
    deciding,
    manifest,
    naming,
    painting as painting_steps,
    pipeline as whole,
    planning,
    sources,
    storage,
)
from nst_tf.pipelines.records import FAILED, Encoded, Failure, Task  # noqa: E402


@pytest.fixture
def job(models, photos, tmp_path):
    settings = BatchSettings(
        model=str(models["tflite"]),
        content=str(photos),
        output=str(tmp_path / "painted"),
    )
    return planning.plan(settings)


def split(step):
    return beam.ParDo(step).with_outputs(FAILED, main="main")


# -- step by step ----------------------------------------------------------------------------------


def test_photos_are_found_each_once_and_hidden_ones_and_texts_not(job, photos):
    wanted = [
        str(path)
        for path in photos.rglob("*")
        if path.suffix in (".jpg", ".png", ".gif") and path.name[0] != "."
    ]
    assert len(wanted) == 40
    with TestPipeline(runner="FnApiRunner") as pipeline:
        paths, failed = sources.find_photos(pipeline, job)
        assert_that(paths, equal_to(wanted))
        assert_that(failed, equal_to([]), "none failed")


def test_a_name_that_is_no_utf8_is_a_failure(job, photos):
    name = "bad\udcff.png"
    (photos / name).write_bytes((photos / "00.jpg").read_bytes())
    with TestPipeline(runner="FnApiRunner") as pipeline:
        _, failed = sources.find_photos(pipeline, job)
        names = failed | beam.Map(lambda failure: ascii(failure.input))
        assert_that(names, equal_to([ascii(str(photos / name))]))


def test_a_photo_is_chosen_by_the_newest_line_on_its_picture(job, tmp_path):
    photo = tmp_path / "photos" / "00.jpg"
    output = tmp_path / "painted"
    made_of = {
        "input": str(photo),
        "input_sha256": hashlib.sha256(photo.read_bytes()).hexdigest(),
        "model_sha256": job.model_sha256,
        "settings_sha256": job.settings_sha256,
    }
    for name in ("same", "claimed", "later", "unknown"):
        painting.save(output / f"{name}.jpg")
    painted = {"state": "painted", "run": 3, **made_of}
    claimed = {"state": "claimed", "run": 3, "input": str(photo)}
    groups = [
        ("same.jpg", [claimed, painted]),
        ("claimed.jpg", [claimed]),
        ("later.jpg", [painted, {**claimed, "run": 4}]),
        ("unknown.jpg", []),
        ("missing.jpg", [painted]),
    ]
    with TestPipeline(runner="FnApiRunner") as pipeline:
        created = pipeline | beam.Create(
            [
                (name, {deciding.PHOTOS: [str(photo)], deciding.LINES: lines})
                for name, lines in groups
            ]
        )
        chosen = created | split(deciding.ChooseByPath(job))
        names = chosen["main"] | beam.Map(lambda task: Path(task.output).name)
        assert_that(names, equal_to(["claimed.jpg", "later.jpg", "missing.jpg"]))
        reasons = chosen[FAILED] | beam.Map(
            lambda failure: "unknown.jpg" in failure.reason
        )
        assert_that(reasons, equal_to([True]), "one failed")
    claims = {line["output"] for line in batches.lines(output, manifest.CLAIMED)}
    assert claims == {"claimed.jpg", "later.jpg", "missing.jpg"}


def test_a_photo_that_changed_since_it_was_named_by_its_bytes_is_a_failure(job, photos):
    photo = str(photos / "00.jpg")
    sha256 = hashlib.sha256(Path(photo).read_bytes()).hexdigest()
    tasks = [Task(photo, "a.jpg", sha256), Task(photo, "b.jpg", sha256[::-1])]
    with TestPipeline(runner="FnApiRunner") as pipeline:
        created = pipeline | beam.Create(tasks)
        decoded = created | split(painting_steps.ReadPhoto())
        outputs = decoded["main"] | beam.Map(lambda each: each.task.output)
        assert_that(outputs, equal_to(["a.jpg"]))
        changed = decoded[FAILED] | beam.Map(lambda each: "changed" in each.reason)
        assert_that(changed, equal_to([True]), "one failed")


def test_run_inference_paints_and_a_photo_that_the_model_refuses_is_a_failure(
    job, monkeypatch
):
    def paint(rgb):
        if rgb.shape[0] == 1:
            raise MemoryError("too large")
        return 1 - rgb

    class Stub:
        def prepare(self, *unused, **options):
            return paint

    monkeypatch.setattr(painting_steps, "load_model", lambda *unused, **options: Stub())
    rgb8 = [np.full((height, 2, 3), 55, np.uint8) for height in (1, 2)]
    photos = [
        Encoded(
            Task(f"{len(each)}.png", "a.png"), "", image_io.encode_rgb8(each, "png")
        )
        for each in rgb8
    ]
    with TestPipeline(runner="FnApiRunner") as pipeline:
        results = pipeline | beam.Create(photos)
        results |= RunInference(painting_steps.StyleModelHandler(job))
        shown = results | beam.Map(
            lambda each: (
                each.reason.split(" (")[0]
                if isinstance(each, Failure)
                else image_io.decode_rgb8(each.data).tolist()
            )
        )
        words = "Expected a photo that fits into memory and the model. Received: 1.png"
        assert_that(shown, equal_to([words, [[[200] * 3] * 2] * 2]))


# -- once, whatever happens ------------------------------------------------------------------------


def test_a_step_that_fails_once_leaves_every_picture_and_every_line_once(
    job, broken, photos, tmp_path, monkeypatch
):
    """Beam runs the bundle again, from what is on the disk already."""
    calls = []
    write = storage.write

    def fail_once(path, data):
        calls.append(path)
        if len(calls) == 20:
            raise OSError("the network was away")
        write(path, data)

    monkeypatch.setattr(painting_steps.storage, "write", fail_once)
    pipeline = beam.Pipeline(BundleBasedDirectRunner())
    whole.build(pipeline, job)
    pipeline.run().wait_until_finish()
    assert len(calls) > 40  # some were written twice
    output = tmp_path / "painted"
    stylize_files(job.settings.model, photos, f"{tmp_path}/b", log=lambda line: 0)
    assert batches.pictures(output) == batches.pictures(tmp_path / "b")
    assert set(batches.failures(output)) == broken
    assert {line["output"] for line in batches.lines(output)} == set(
        batches.pictures(output)
    )


def test_a_worker_with_another_model_ends_the_job_with_one_line(
    models, photos, tmp_path, monkeypatch
):
    monkeypatch.setattr(painting_steps, "hash_model", lambda model: "other files")
    with pytest.raises(
        UserError, match="on every worker. Received: .*other files"
    ) as error:
        batches.run(models["tflite"], photos, tmp_path / "painted")
    assert str(error.value).endswith("on all machines.")
    assert batches.pictures(tmp_path / "painted") == {}


# -- one model, several threads --------------------------------------------------------------------


def test_threads_of_a_process_share_one_model_and_paint_one_after_the_other(
    models, photos, tmp_path, monkeypatch
):
    loads, inside, most, threads = [], [0], [0], set()

    class Slow:
        styles = ("one",)

        def prepare(self, *unused, **options):
            return self.paint

        def paint(self, rgb):
            threads.add(threading.get_ident())
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            time.sleep(0.005)
            inside[0] -= 1
            return 1 - rgb

    def load(*unused, **options):
        loads.append(1)
        return Slow()

    monkeypatch.setattr(painting_steps, "load_model", load)
    options = "--direct_num_workers=3 --direct_running_mode=multi_threading"
    monkeypatch.setattr("nst_tf.pipelines.runners._OURS", ())
    values = batches.run(
        models["tflite"], photos, tmp_path / "painted", beam_options=options
    )
    assert batches.counts(values) == (38, 0, 2)
    assert (len(loads), most[0]) == (1, 1)
    assert len(threads) > 1


# -- other filesystems -----------------------------------------------------------------------------


class BucketFileSystem(LocalFileSystem):
    """bucket://NAME is a folder of this machine: stands for what Beam has of others."""

    root = Path("/nowhere")

    @classmethod
    def scheme(cls):
        return "bucket"

    def join(self, base, *paths):
        return "/".join([base.rstrip("/"), *paths])

    def split(self, path):
        head, _, tail = path.rpartition("/")
        return head, tail

    def mkdirs(self, path):
        super().mkdirs(self._real(path))

    def has_dirs(self):
        return False

    def _real(self, path):
        return str(self.root / path.removeprefix("bucket://"))

    def _list(self, prefix):
        for found in super()._list(str(self.root)):
            name = Path(found.path).relative_to(self.root).as_posix()
            found.path = f"bucket://{name}"
            if found.path.startswith(prefix):
                yield found

    def _path_open(self, path, mode, *rest, **options):
        real = Path(self._real(path))
        real.parent.mkdir(parents=True, exist_ok=True)
        return super()._path_open(str(real), mode, *rest, **options)

    def create(self, path, *rest, **options):
        return self._path_open(path, "wb", *rest, **options)

    def exists(self, path):
        return super().exists(self._real(path))

    def metadata(self, path):
        found = super().metadata(self._real(path))
        found.path = path
        return found

    def rename(self, sources, targets):
        super().rename(list(map(self._real, sources)), list(map(self._real, targets)))

    def delete(self, paths):
        super().delete(list(map(self._real, paths)))


def test_photos_and_pictures_may_lie_on_another_filesystem(
    models, photos, broken, tmp_path, monkeypatch
):
    monkeypatch.setattr(BucketFileSystem, "root", tmp_path)
    values = batches.run(models["tflite"], "bucket://photos/**", "bucket://painted")
    assert batches.counts(values) == (38, 0, 2)
    stylize_files(models["tflite"], photos, f"{tmp_path}/b", log=lambda line: 0)
    output = tmp_path / "painted"
    assert batches.pictures(output) == batches.pictures(tmp_path / "b")
    names = {path.replace(str(tmp_path) + "/", "bucket://") for path in broken}
    assert set(batches.failures(output)) == names
    values = batches.run(models["tflite"], "bucket://photos/", "bucket://painted/")
    assert batches.counts(values) == (0, 38, 2)


# -- names -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content, root",
    [
        ("gs://b/photos/**", "gs://b/photos"),
        ("gs://b/photos/", "gs://b/photos"),
        ("gs://b/p*/a/x.jpg", "gs://b"),
        ("gs://b/photos/a.jpg", "gs://b/photos"),
        ("/a/b[12]/*.jpg", "/a"),
    ],
)
def test_the_root_ends_before_the_first_wildcard(content, root):
    assert naming.find_root(content) == root


def test_the_patterns_of_a_glob_have_a_folder_more_or_none_for_each_double_star():
    assert naming.find_patterns("gs://b/**/x/**/*.jpg") == [
        "gs://b/x/*.jpg",
        "gs://b/x/**/*.jpg",
        "gs://b/**/x/*.jpg",
        "gs://b/**/x/**/*.jpg",
    ]
    with pytest.raises(UserError, match="at most 4"):
        naming.find_patterns("gs://b" + "/**" * 6 + "/*.jpg")


def test_each_part_of_what_makes_a_picture_changes_its_hash():
    given = ["a.jpg", "1", "2", "3", "out"]
    names = {naming.name_by_hash(*given)}
    for place in range(4):
        changed = [text + "x" * (at == place) for at, text in enumerate(given)]
        names.add(naming.name_by_hash(*changed[:1], *changed[1:]))
    assert len(names) == 5
    assert json.dumps(sorted(names)).count("out/") == 5
