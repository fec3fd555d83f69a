"""Files of ONNX that were not made by this package."""

from pathlib import Path

from onnx import TensorProto, helper


def write_onnx(
    path: Path, shape, operation: str = "Identity", domain: str = "", dtype=None
) -> Path:
    """Writes a network of one operation, from "photo" to "painting" of one shape; sides
    that are text can be set.
    """
    dtype = dtype or TensorProto.FLOAT
    node = helper.make_node(operation, ["photo"], ["painting"], domain=domain)
    ends = [
        helper.make_tensor_value_info(name, dtype, shape)
        for name in ("photo", "painting")
    ]
    graph = helper.make_graph([node], "other", ends[:1], ends[1:])
    opsets = [helper.make_opsetid("", 17)]
    if domain:
        opsets.append(helper.make_opsetid(domain, 1))
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())
    return path
