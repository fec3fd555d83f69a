"""A quiet TensorFlow with full float32 arithmetic, and fixtures that several test files share."""

import os
from unittest import mock

# TensorFlow and CUDA read these once, when they are loaded.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("NVIDIA_TF32_OVERRIDE", "0")

import pytest
from absl import flags
from support.pictures import smooth

from nst_tf.config.commandline import flags as config_flags
from nst_tf.exporters import views

# (name, height, width, mode) of the pictures in `photos_folder`
PICTURES = (
    ("landscape.jpg", 40, 60, "RGB"),
    ("portrait.png", 50, 36, "RGB"),
    ("square.jpeg", 32, 32, "RGB"),
    ("below/wide.jpg", 30, 90, "RGB"),
    ("below/gray.png", 44, 44, "L"),
)


@pytest.fixture(scope="session", autouse=True)
def small_views():
    """Exports compare small pictures: at 12 megapixels each would take ten seconds."""
    sizes = mock.patch.multiple(views, SIZES=((1, 1), (60, 45)), LARGE=(64, 48))
    with sizes:
        yield


@pytest.fixture(scope="session")
def photos_folder(tmp_path_factory):
    """A folder with five small JPEG and PNG pictures, two of them one folder further down."""
    folder = tmp_path_factory.mktemp("photos")
    for seed, (name, height, width, mode) in enumerate(PICTURES):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        smooth(height, width, seed).convert(mode).save(path)
    return folder


@pytest.fixture
def in_process(capfd):
    """Runs a command in this process: (main, its settings class, arguments) -> (status,
    stdout, stderr).
    """

    def run(main, settings, arguments):
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            config_flags.run(main, settings, arguments, flags.FlagValues())
        return (ended.value.code or 0, *capfd.readouterr())

    return run


def pytest_collection_modifyitems(items):
    """Trainings come first: they take longest, and both processes end at about the same time."""
    items.sort(key=lambda item: item.path.parent.name != "training")
