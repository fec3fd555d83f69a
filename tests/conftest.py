"""A quiet TensorFlow with full float32 arithmetic, and fixtures that several test files share."""

import os

# TensorFlow and CUDA read these once, when they are loaded.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("NVIDIA_TF32_OVERRIDE", "0")

import pytest
from pictures import smooth

# (name, height, width, mode) of the pictures in `photos_folder`
PICTURES = (
    ("landscape.jpg", 40, 60, "RGB"),
    ("portrait.png", 50, 36, "RGB"),
    ("square.jpeg", 32, 32, "RGB"),
    ("below/wide.jpg", 30, 90, "RGB"),
    ("below/grey.png", 44, 44, "L"),
)


@pytest.fixture(scope="session")
def photos_folder(tmp_path_factory):
    """A folder with five small JPEG and PNG pictures, two of them one folder further down."""
    folder = tmp_path_factory.mktemp("photos")
    for seed, (name, height, width, mode) in enumerate(PICTURES):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        smooth(height, width, seed).convert(mode).save(path)
    return folder
