import re
from pathlib import Path

import openvino
import pytest

from builder.diagnostics.errors import ModelError
from builder.model.file import read
from builder.model.graph_ir import read_ir
from tests import zoo
from tests.openvino_models import converted, save_ir


def test_an_ir_has_the_operations_of_the_onnx_file_that_it_was_made_from(tmp_path: Path) -> None:
    path = save_ir(zoo.yolov8, tmp_path / "m.xml")
    graph, original = read(path).graph, read(zoo.yolov8(tmp_path / "source.onnx")).graph
    (output,) = read(path).signature.outputs
    assert original.last_ops("output0") == ("Mul", "Sigmoid")
    # The converter folds the product into the known boxes.
    assert graph.last_ops(output.name) == ("Add", "Sigmoid")
    assert graph.opset is None
    assert "OpenVINO IR, version" in graph.description


def test_the_channel_count_of_an_output_is_read_from_an_ir(tmp_path: Path) -> None:
    path = save_ir(zoo.semantic, tmp_path / "m.xml")
    (output,) = read(path).signature.outputs
    assert read(path).graph.channel_count(output.name) == 5


BOMB = """<?xml version="1.0"?><!DOCTYPE net [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>
<net name="&b;" version="11"></net>"""


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        '<!DOCTYPE net SYSTEM "file:///etc/passwd"><net/>',
        "<net>",
        "<html></html>",
        "",
        "<net>" + "<a>" * 5000,
    ],
    ids=["entities", "document type", "open", "another root", "empty", "deep"],
)
def test_a_file_that_is_not_an_ir_is_reported(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.xml").write_text(text)
    with pytest.raises(ModelError, match=r"m\.xml is not a valid OpenVINO IR"):
        read_ir(tmp_path / "m.xml")


def test_metadata_of_an_ir_are_read(tmp_path: Path) -> None:
    model = converted(zoo.yolov8)
    model.set_rt_info("a b", ["model_info", "labels"])
    model.set_rt_info("fit_to_window_letterbox", ["model_info", "resize_type"])
    openvino.save_model(model, tmp_path / "m.xml")
    metadata = read(tmp_path / "m.xml").graph.metadata
    assert metadata["labels"] == "a b"
    assert metadata["resize_type"] == "fit_to_window_letterbox"


def test_constants_with_an_invalid_offset_have_no_numbers(tmp_path: Path) -> None:
    path = save_ir(zoo.semantic, tmp_path / "m.xml")
    text = path.read_text()
    for wrong in (
        'offset="99999999999999999999"',
        'offset="-4"',
        'offset="1e9"',
        'offset="900000"',
    ):
        path.write_text(re.sub(r'offset="\d+"', wrong, text))
        assert read_ir(path).constants == {}
    path.with_suffix(".bin").unlink()
    assert read_ir(path).constants == {}
