"""OpenVINO: for servers with processors of Intel, and what else its runtime runs on."""

from collections import Counter
from pathlib import Path
from typing import ClassVar

from nst_tf.core import files
from nst_tf.core.packages import import_package
from nst_tf.exporters.converters import describe_packages
from nst_tf.exporters.onnx.exporter import AT_LEAST, OnnxExporter
from nst_tf.inference.runtimes.model_file import ModelFile
from nst_tf.inference.runtimes.openvino import (
    BFLOAT16,
    FLOAT32,
    PRECISION,
    OpenVinoModel,
    open_core,
)

PRECISIONS = {"": FLOAT32, "_bfloat16": BFLOAT16}


class OpenVinoExporter(OnnxExporter):
    """Writes FOLDER/openvino/NAME.xml and NAME_bfloat16.xml, each with its .bin, the
    weights, beside it; of any style two of each.

    Inputs and outputs are those of the .onnx, of which they are made. NAME_bfloat16.xml
    keeps weights in float16, and says that it is to be computed in bfloat16: our
    runtime asks OpenVINO for that, another program has to (INFERENCE_PRECISION_HINT).
    """

    name = "openvino"
    # As for 8 bits in a .tflite: bfloat16 has as many.
    variants: ClassVar[dict[str, float]] = {"": AT_LEAST, "_bfloat16": 40.0}
    suffix = ".xml"

    def check_machine(self) -> None:
        import_package("tf2onnx", "tf2onnx, which converts networks", "openvino")
        import_package("openvino", "openvino, which writes and runs .xml", "openvino")

    def write_file(self, data: bytes, path: Path, variant: str) -> None:
        import openvino

        model = open_core().read_model(data)
        model.set_rt_info(PRECISIONS[variant], PRECISION)
        openvino.save_model(model, str(path), compress_to_fp16=variant != "")

    def open_file(self, path: Path) -> ModelFile:
        return OpenVinoModel(path)

    def describe_contents(self, path: Path) -> dict:
        model = open_core().read_model(str(path))
        counted = Counter(node.get_type_name() for node in model.get_ops())
        own = (path, path.with_suffix(".bin"))
        return {
            "sha256": {each.name: files.sha256(each) for each in own},
            "operations": dict(sorted(counted.items())),
            "computes_in": OpenVinoModel(path).precision,
            "made_and_run_by": describe_packages("tf2onnx", "openvino"),
        }
