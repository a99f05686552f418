"""Operators that no runtime has: plug-ins of other programs, by the domain of their names."""

from dataclasses import dataclass

from builder.model.graph import Graph

_RUNNABLE_DOMAINS = ("com.microsoft", "com.microsoft.nchwc", "ai.onnx.ml", "ai.onnx.training")
"""Domains of operators beside ONNX's own that a runtime has."""
_CURES = {
    "TRT": "export the model without the TensorRT plug-in; YOLOv7: `export.py --end2end "
    "--max-wh 640`; YOLOv8-TensorRT: `yolo export format=onnx` instead of `export-det.py`",
    "mmdeploy": "deploy the model with MMDeploy's config for `onnxruntime` or `openvino` without "
    "custom operators; for rotated boxes, export the raw head without NMSRotated",
    "org.openvinotoolkit": "convert the model to OpenVINO IR with `ovc` and use the .xml file",
}
"""Domain -> how to export the model without its operators."""
_CURE = "export the model with the operators of ONNX alone, without plug-ins of {}"


@dataclass(frozen=True, slots=True)
class ForeignOperators:
    """The operators of a model that no runtime has.

    Attributes:
        what: what is wrong, with the domains.
        hint: how to export the model without them.
    """

    what: str
    hint: str


def foreign_operators(graph: Graph) -> ForeignOperators | None:
    """Return the operators of a model that no runtime has, or None without any."""
    foreign = [name for name in graph.domains if name not in _RUNNABLE_DOMAINS]
    if not foreign:
        return None
    listed = ", ".join(foreign)
    cures = [_CURES[name] for name in foreign if name in _CURES]
    return ForeignOperators(
        f"no runtime has the operations of {listed}", "; ".join(cures) or _CURE.format(listed)
    )
