"""`inspect`, `init` and `check` name operators that no runtime has."""

from pathlib import Path

import onnx
import yaml
from onnx import TensorProto, helper

from builder.families.init import draft_manifest
from tests.builder.cli.invoke import invoke
from tests.zoo import efficient_nms


def with_plugin(path: Path) -> Path:
    """YOLO whose last operation is TensorRT's plug-in."""
    proto = onnx.load(efficient_nms(path))
    names = ["num_dets", "det_boxes", "det_scores", "det_classes"]
    del proto.graph.node[:]
    inputs = [
        helper.make_node("ReduceMean", ["images"], ["rows"], axes=[1], keepdims=1),
        helper.make_node("EfficientNMS_TRT", ["rows", "rows"], names, domain="TRT"),
    ]
    proto.graph.node.extend(inputs)
    del proto.graph.initializer[:]
    proto.opset_import.append(helper.make_opsetid("TRT", 1))
    proto.graph.output[0].type.tensor_type.elem_type = TensorProto.INT32
    onnx.save_model(proto, path)
    return path


def test_the_plugin_and_its_cure_are_named_alike(tmp_path: Path) -> None:
    model = with_plugin(tmp_path / "m.onnx")
    status, out, err = invoke("init", model, "-o", tmp_path / "m.yaml")
    assert status == 0
    assert "variants" not in yaml.safe_load((tmp_path / "m.yaml").read_text())
    said = [err, invoke("inspect", model)[1]]
    status, out, err = invoke("check", tmp_path / "m.yaml")
    assert (status, out) == (1, "")
    assert "[unsupported-operator]" in err
    for text in (*said, err):
        assert "no runtime has the operations of TRT" in text
        assert "--max-wh 640" in " ".join(text.split())


def test_the_graph_names_the_family(tmp_path: Path) -> None:
    assert draft_manifest([with_plugin(tmp_path / "m.onnx")], tmp_path).ranking.sureness == "sure"
