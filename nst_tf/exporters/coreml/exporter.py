"""Core ML: for iPhones and Macs, converted by coremltools, and drawn there alone."""

import logging
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

import keras
import numpy as np

from nst_tf.core import files
from nst_tf.core.errors import expected
from nst_tf.core.packages import import_package
from nst_tf.exporters import parity
from nst_tf.exporters.converters import describe_packages, silence
from nst_tf.exporters.exporter import Exporter, format_tensor, hash_files
from nst_tf.exporters.tflite import exporter as tflite, per_style

SIDE = 384  # pixels, of the package that is written unless others are asked for
AT_LEAST = 60.0  # decibels; weights and computations are in float16, as in a .tflite
NOT_DRAWN = "Core ML runs on Apple's systems alone; its specification's inputs and outputs were looked at"


class CoreMlExporter(Exporter):
    """Writes FOLDER/coreml/NAME_SIDE.mlpackage, an ML program in float16 for iOS 16 and
    macOS 13 or newer, of one fixed size each.

    It maps "image" float32 [1, SIDE, SIDE, 3] RGB in [0, 1], and "style_weights" or
    "strengths" float32 [1, N] if the network takes them, to "stylized" of the image's
    shape, in [0, 1]. On a Mac it is compared with the network; elsewhere its
    specification is, and the card says so.
    """

    name = "coreml"
    options: ClassVar[tuple[str, ...]] = ("sides",)
    any_style: ClassVar[bool] = False

    def check(self, network: keras.Model) -> None:
        super().check(network)
        self.check_machine()

    def check_machine(self) -> None:
        import_package("coremltools", "coremltools, which writes .mlpackage", "coreml")

    def export(
        self,
        network: keras.Model,
        folder: Path,
        name: str,
        *,
        sides: Sequence[int] = (),
    ) -> list[parity.Artifact]:
        sides = sides or (SIDE,)
        tflite.files_of(network, sides)  # refuses sides that would have to be padded
        core = per_style.core_for_phones(network)
        artifacts = []
        for side in sides:
            path = folder / self.name / f"{name}_{side}.mlpackage"
            model = convert(per_style.stylize_function(core, side, side))
            check_specification(model.get_spec(), side, path)
            likeness, not_drawn = None, NOT_DRAWN
            with files.replace_folder(path) as scratch:
                # coremltools writes a folder of this suffix alone.
                model.save(str(scratch / path.name))
                if sys.platform == "darwin":
                    references = parity.draw_references(network, (side, side), range(2))
                    draw = self.open(scratch / path.name)
                    likeness = parity.compare(references, draw, path, AT_LEAST)
                    not_drawn = ""
                for part in (scratch / path.name).iterdir():
                    part.rename(scratch / part.name)
                (scratch / path.name).rmdir()
            size = sum(each.stat().st_size for each in path.rglob("*"))
            artifacts.append(
                parity.Artifact(path, size, likeness, AT_LEAST, self.name, not_drawn)
            )
        return artifacts

    def open(self, path: Path) -> Callable[..., np.ndarray]:
        """Opens a package, on a Mac."""
        if sys.platform != "darwin":
            raise expected("a Mac to draw with Core ML", sys.platform, "Open it there.")
        import coremltools

        model = coremltools.models.MLModel(str(path))
        return lambda **inputs: model.predict(inputs)["stylized"]

    def describe(self, path: Path) -> dict:
        """Returns hashes, operations, inputs and outputs of a package."""
        import coremltools

        specification = coremltools.utils.load_spec(str(path))
        (block,) = find_blocks(specification)
        described = specification.description
        return {
            "sha256": hash_files(path),
            "operations": dict(sorted(Counter(each.type for each in block).items())),
            "inputs": {each.name: _format(each) for each in described.input},
            "outputs": {each.name: _format(each) for each in described.output},
            "made_by": describe_packages("coremltools"),
        }


def convert(function: Callable):
    """Converts a `tf.function` with an input signature; returns a coremltools.models.MLModel."""
    # It warns that it knows older versions of TensorFlow alone, and lacks libraries of
    # Apple's systems.
    with silence("coremltools", below=logging.ERROR):
        import coremltools

        model = coremltools.convert(
            [function.get_concrete_function()],
            source="tensorflow",
            convert_to="mlprogram",
            inputs=[
                coremltools.TensorType(each.name, tuple(each.shape), np.float32)
                for each in function.input_signature
            ],
            outputs=[coremltools.TensorType(dtype=np.float32)],
            minimum_deployment_target=coremltools.target.iOS16,
        )
        specification = model.get_spec()
        (output,) = specification.description.output
        coremltools.utils.rename_feature(specification, output.name, "stylized")
        return coremltools.models.MLModel(
            specification, weights_dir=model.weights_dir, skip_model_load=True
        )


def check_specification(specification, side: int, path: Path) -> None:
    """Raises `RuntimeError` if a package takes or gives something else than it should.

    Args:
        specification: of coremltools.
        side: of the pictures, pixels.
        path: of the package, for the error.
    """
    described = specification.description
    shapes = {
        each.name: tuple(each.type.multiArrayType.shape)
        for each in (*described.input, *described.output)
    }
    picture = (1, side, side, 3)
    if shapes.get("image") != picture or shapes.get("stylized") != picture:
        raise RuntimeError(
            f"Expected image and stylized of {picture} in {path}. Received: {shapes}. Report it, with the model."
        )


def find_blocks(specification) -> list:
    """Returns the operations of each block of a specification's one function."""
    (function,) = specification.mlProgram.functions.values()
    return [block.operations for block in function.block_specializations.values()]


def _format(feature):
    kind = feature.type.multiArrayType
    return format_tensor(
        kind.ArrayDataType.Name(kind.dataType).lower(), list(kind.shape)
    )
