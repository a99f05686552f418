from pathlib import Path

import onnx

from builder.lint.examine import plan
from builder.plan.plan import Plan
from builder.plan.transforms.doc_strings import without_doc_strings
from tests.builder import models
from tests.builder.conftest import WriteManifest


def test_doc_strings_are_removed_and_nothing_else(documented: Plan) -> None:
    content = without_doc_strings(documented).files["model.onnx"]
    assert isinstance(content, bytes)
    assert b"/home/me" not in content
    expected = onnx.load(documented.sources["model.onnx"])
    for message in (expected, expected.graph, *expected.graph.node, *expected.graph.input):
        message.ClearField("doc_string")
    assert onnx.ModelProto.FromString(content) == expected


def test_a_model_without_doc_strings_stays_the_same_file(ready_plan: Plan) -> None:
    assert without_doc_strings(ready_plan) is ready_plan


def test_doc_strings_in_subgraphs_are_removed(
    write_manifest: WriteManifest, tmp_path: Path
) -> None:
    model = onnx.load(tmp_path / "model.onnx")
    branch = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["x"], ["y"])], "then", [], []
    )
    branch.node[0].doc_string = "/home/me"
    attribute = onnx.helper.make_attribute("body", branch)
    model.graph.node[0].attribute.append(attribute)
    data = model.SerializeToString()
    ready = plan(write_manifest()).with_contents({"model.onnx": data})
    content = without_doc_strings(ready).files["model.onnx"]
    assert isinstance(content, bytes)
    assert b"/home/me" not in content


def test_an_ir_is_left_alone(write_manifest: WriteManifest, tmp_path: Path) -> None:
    name = models.openvino_model(tmp_path).name
    ready = plan(write_manifest(model=name, labels=["a", "b", "c"], variants={"gpu": False}))
    assert without_doc_strings(ready) is ready
