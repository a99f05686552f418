"""Half precision on ONNX Runtime's CPU provider, with the rounding of a GPU.

The CPU provider computes most operations in single precision, and drops the conversion to half
precision and back between two of them. Results would be too good, and infinite values would not
show. Two Identity operations behind each of them keep the conversion, if the runtime does not
optimize the graph; a single one would be computed in single precision, too.
"""

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

from runtimes.backends.onnxruntime_cuda import OnnxRuntimeSession

if TYPE_CHECKING:
    import onnx


def rounding(model: "onnx.ModelProto") -> "onnx.ModelProto":
    """Return the model with two Identity operations behind each half-precision output.

    Subgraphs stay as they are.

    Args:
        model: it is not changed.
    """
    import onnx

    typed = onnx.shape_inference.infer_shapes(model).graph
    halves = {
        value.name
        for value in typed.value_info
        if value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT16
    }
    made = onnx.ModelProto()
    made.CopyFrom(model)
    names = {name for node in model.graph.node for name in (*node.input, *node.output)}
    prefix = "computed_"
    while any(name.startswith(prefix) for name in names):
        prefix += "_"
    del made.graph.node[:]
    for node in model.graph.node:
        copy = made.graph.node.add()
        copy.CopyFrom(node)
        for place, name in enumerate(node.output):
            if name in halves:
                steps = (f"{prefix}{name}", f"{prefix}again_{name}", name)
                copy.output[place] = steps[0]
                made.graph.node.extend(
                    onnx.helper.make_node("Identity", [one], [other])
                    for one, other in itertools.pairwise(steps)
                )
    return made


def open_rounding(file: Path) -> OnnxRuntimeSession:
    """Load an ONNX file without optimizations, with `rounding` applied.

    Raises:
        Exception: ONNX Runtime cannot load the file; its exceptions have no common base class.
    """
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    data = rounding(onnx.load(file)).SerializeToString()
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return OnnxRuntimeSession(session, "ONNX Runtime on CPU", "")
