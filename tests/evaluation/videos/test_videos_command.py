"""`nst evaluate --videos=`: what is read, measured and written, and every bad input."""

import json

import numpy as np
import pytest
from PIL import Image
from support import tiny
from support.pictures import smooth

from nst_tf import evaluate
from nst_tf.config.evaluate import EvaluateSettings
from nst_tf.core.errors import UserError
from nst_tf.evaluation.videos import clips as clips_module, run as videos_run

cv2 = pytest.importorskip("cv2")

LAYERS = {"style_layers": ("relu1_1", "relu2_1"), "content_layers": ("relu2_1",)}
FRAMES = 12


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A clip that moves two pixels a frame, and a style."""
    folder = tmp_path_factory.mktemp("inputs")
    (folder / "walk").mkdir()
    rng = np.random.default_rng(0)
    grain = cv2.GaussianBlur(rng.normal(0, 60, (48, 128, 3)), (0, 0), 1.5)
    whole = (np.asarray(smooth(48, 128, 3)) + grain).clip(0, 255).astype(np.uint8)
    for number in range(FRAMES):
        left = 40 - 2 * number
        frame = Image.fromarray(whole[:, left : left + 64])
        frame.save(folder / "walk" / f"frame_{number + 1:04d}.png")
    smooth(60, 50, 5).save(folder / "style.png")
    return folder


def small(inputs, output, **changes):
    return EvaluateSettings(
        **{
            "feature_network": "slim_vgg19",
            "videos": (str(inputs / "walk"),),
            "image_size": 64,
            "style_image": str(inputs / "style.png"),
            "style_size": 50,
            "output": str(output),
            "judged_frames": 2,
            **LAYERS,
            **changes,
        }
    )


@pytest.fixture(scope="module")
def evaluated(inputs, tmp_path_factory):
    output = tmp_path_factory.mktemp("evaluated")
    models = (f"tiny={tiny.artifact('tiny.tflite')}", f"copy={inputs / 'walk'}")
    found = videos_run.evaluate_videos(
        small(inputs, output, models=models), lambda line: None
    )
    return output, {row.name: row for row in found.rows}


def test_there_is_a_row_for_the_clip_each_model_and_the_model_made_coherent(evaluated):
    _, rows = evaluated
    assert list(rows) == ["the clip itself", "tiny", "tiny, coherent", "copy"]
    assert {row.flow for row in rows.values()} == {"estimated"}


def test_a_clip_follows_itself_and_finished_frames_are_read(evaluated):
    _, rows = evaluated
    itself, copy = rows["the clip itself"], rows["copy"]
    assert 0 < itself.values["e_warp"] < 0.03
    for name in ("e_warp", "e_warp_10", "content", "style"):
        assert copy.values[name] == itself.values[name]
    assert itself.values["content"] == pytest.approx(0, abs=1e-6)
    assert copy.values["seconds"] is None


def test_coherence_makes_errors_smaller(evaluated):
    _, rows = evaluated
    plain, coherent = rows["tiny"].values, rows["tiny, coherent"].values
    assert coherent["e_warp"] < plain["e_warp"]
    assert plain["seconds"] > 0 and coherent["seconds"] > 0


def test_everything_is_written_and_says_what_the_rows_say(evaluated):
    output, rows = evaluated
    assert {path.name for path in output.iterdir()} == {
        *videos_run.WRITTEN,
        "walk_over_time.png",
    }
    numbers = json.loads((output / "numbers.json").read_text())
    assert [row["name"] for row in numbers["rows"]] == list(rows)
    for row in numbers["rows"]:
        assert row["values"] == rows[row["name"]].values
        assert [number for number, _ in row["steps"]["e_warp"]] == list(
            range(1, FRAMES)
        )
        assert [number for number, _ in row["steps"]["content"]] == [6, 11]
    table = (output / "table.md").read_text()
    assert f"{rows['tiny'].values['e_warp']:.4f}" in table
    with Image.open(output / "strips.png") as strips:
        assert strips.width > 4 * 64


def test_true_flow_is_read_where_the_data_set_has_it(inputs, tmp_path):
    """Both ways that Sintel's files are laid out in; what is hidden does not count."""
    root = tmp_path / "training"
    for folder in ("final/walk", "flow/walk", "occlusions/walk"):
        (root / folder).mkdir(parents=True)
    beside = tmp_path / "beside"
    beside.mkdir()
    flow = np.broadcast_to(np.float32([2, 0]), (48, 64, 2))
    hidden = np.zeros((48, 64), np.uint8)
    hidden[:, -2:] = 255
    for number in (1, 2):
        name = f"frame_{number:04d}.png"
        data = (inputs / "walk" / name).read_bytes()
        (root / "final/walk" / name).write_bytes(data)
        (beside / name).write_bytes(data)
    cv2.writeOpticalFlow(str(root / "flow/walk/frame_0001.flo"), flow)
    Image.fromarray(hidden).save(root / "occlusions/walk/frame_0001.png")
    cv2.writeOpticalFlow(str(beside / "gt_flow_0001_to_0002.flo"), flow)
    Image.fromarray(hidden).save(beside / "occlusions_0001.png")
    found = videos_run.evaluate_videos(
        small(
            inputs,
            tmp_path / "out",
            videos=(str(root / "final/walk"), str(beside)),
        ),
        lambda line: None,
    )
    assert [(row.clip, row.flow) for row in found.rows] == [
        ("walk", "true"),
        ("beside", "true"),
    ]
    for row in found.rows:
        assert row.values["e_warp"] < 1e-6
        assert row.values["e_warp_10"] is None


def test_true_flow_shrinks_with_the_frames(inputs, tmp_path):
    folder = tmp_path / "clip"
    folder.mkdir()
    for number in (1, 2):
        name = f"frame_{number:04d}.png"
        (folder / name).write_bytes((inputs / "walk" / name).read_bytes())
    flow = np.broadcast_to(np.float32([2, 0]), (48, 64, 2))
    cv2.writeOpticalFlow(str(folder / "gt_flow_0001_to_0002.flo"), flow)
    (clip,) = clips_module.open_clips([str(folder)], 32, 0)
    move = clip.find_truth(0)
    assert move.flow.shape == (24, 32, 2) and move.known.all()
    np.testing.assert_allclose(move.flow, np.broadcast_to([1, 0], (24, 32, 2)))
    assert [rgb.shape for _, rgb in clip.read()] == [(24, 32, 3)] * 2


def test_a_file_of_a_clip_is_its_frames(inputs, tmp_path):
    av = pytest.importorskip("av")
    path = tmp_path / "walk.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25, width=64, height=48)
        stream.pix_fmt, stream.bit_rate = "yuv420p", 4_000_000
        for number in range(5):
            with Image.open(inputs / f"walk/frame_{number + 1:04d}.png") as picture:
                frame = av.VideoFrame.from_image(picture.convert("RGB"))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    (clip,) = clips_module.open_clips([str(tmp_path)], 64, 3)
    assert clip.name == "walk" and clip.count() == 3
    read = list(clip.read())
    assert [name for name, _ in read] == ["000001", "000002", "000003"]
    with Image.open(inputs / "walk/frame_0003.png") as picture:
        wanted = np.asarray(picture, np.float32) / 255
    assert np.abs(read[2][1] - wanted).mean() < 0.03


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda folder: folder / "nowhere", "nowhere"),
        (lambda folder: folder / "notes.txt", "a clip (.3gp"),
        (lambda folder: folder / "broken.mp4", "a clip that can be opened"),
        (lambda folder: folder / "one", "at least two frames"),
        (lambda folder: folder / "sizes", "the first one's size"),
    ],
)
def test_what_is_no_clip_is_one_line(inputs, tmp_path, in_process, make, message):
    (tmp_path / "notes.txt").write_text("no clip")
    (tmp_path / "broken.mp4").write_bytes(b"no clip either")
    for name, sizes in (("one", [(48, 64)]), ("sizes", [(48, 64), (40, 64)])):
        (tmp_path / name).mkdir()
        for number, size in enumerate(sizes):
            smooth(*size, number).save(tmp_path / name / f"{number}.png")
    status, _, error = in_process(
        evaluate.main,
        EvaluateSettings,
        [
            f"--videos={make(tmp_path)}",
            "--feature_network=slim_vgg19",
            f"--style_image={inputs / 'style.png'}",
            f"--output={tmp_path / 'out'}",
            "--style_layers=relu1_1",
            "--content_layers=relu1_1",
        ],
    )
    assert status == 1 and message in error and "Traceback" not in error
    assert error.strip().splitlines()[-1].count("Expected") == 1


@pytest.mark.parametrize(
    "name, value", [("photos", 3), ("gatys", (5,)), ("content", "a")]
)
def test_what_counts_for_photos_only_is_refused(inputs, tmp_path, name, value):
    with pytest.raises(UserError, match=f"--{name} with photos"):
        small(inputs, tmp_path, **{name: value})


def test_two_clips_of_one_name_are_refused(inputs):
    with pytest.raises(UserError, match="walk twice"):
        clips_module.open_clips([str(inputs / "walk")] * 2, 64, 0)


def test_a_clip_is_read_as_it_is_painted(tmp_path):
    """Upright, in its own colors; one that is cut off is no measure."""
    clips = pytest.importorskip("support.clips")
    path = clips.write_clip(tmp_path / "turned.mp4", clips.pictures(3))
    clips.turn(path, 1)
    (opened,) = clips_module.open_clips([path], clips.WIDTH, 0)
    shapes = {frame.shape for _, frame in opened.read()}
    assert shapes == {(clips.WIDTH, clips.HEIGHT, 3)} and opened.count() == 3
    clips.write_clip(tmp_path / "whole.mkv", clips.pictures(50))
    data = (tmp_path / "whole.mkv").read_bytes()
    (tmp_path / "half.mkv").write_bytes(data[: len(data) // 2])
    (half,) = clips_module.open_clips([f"{tmp_path}/half.mkv"], clips.WIDTH, 0)
    with pytest.raises(UserError, match="a clip that is whole.*cut off"):
        half.count()
