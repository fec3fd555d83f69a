"""Puts the published models into the wheel; setup.cfg says all the rest.

They lie in git once, in exported_models/. An editable installation reads them there.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

MODELS = Path("exported_models")
# What a wheel needs of them: `nst_tf.inference.published` finds it in both places.
CARRIED = ("*/model_card.json", "*/tflite/*_int8.tflite", "pictures/*.jpg")


class BuildWithModels(build_py):
    """Copies modules and package data as ever, then the published models."""

    def run(self):
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib) / "nst_tf" / "assets" / "models"
        shutil.rmtree(target, ignore_errors=True)
        for pattern in CARRIED:
            for file in MODELS.glob(pattern):
                copy = target / file.relative_to(MODELS)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy)


setup(cmdclass={"build_py": BuildWithModels})
