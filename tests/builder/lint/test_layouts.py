"""`check` and `init` refuse layouts that no decoder reads, and name them."""

from pathlib import Path

from tests.builder.cli.invoke import invoke
from tests.zoo import yolov8
from tests.zoo.final import supergradients_flat
from tests.zoo.strangers import STRANGERS

MANIFEST = """\
name: detect
type: detector
model: m.onnx
labels: [cat, dog, bird]
preprocess: [letterbox, normalize]
postprocess: [{}, nms, rectangle]
"""


def test_an_unsupported_layout_is_named(tmp_path: Path) -> None:
    STRANGERS["text recognition"](tmp_path / "m.onnx")
    (tmp_path / "m.yaml").write_text(MANIFEST.format("yolo"))
    status, out, err = invoke("check", tmp_path / "m.yaml")
    assert (status, out) == (1, "")
    assert "[unsupported-layout]" in err
    assert "text recognition" in err
    status, out, err = invoke("init", tmp_path / "m.onnx")
    assert (status, out) == (1, "")
    assert "the model family is not supported yet: text recognition" in err


def test_flat_rows_of_supergradients_need_another_decoder(tmp_path: Path) -> None:
    supergradients_flat(tmp_path / "m.onnx")
    (tmp_path / "m.yaml").write_text(MANIFEST.format("yolo_end2end"))
    status, out, err = invoke("check", tmp_path / "m.yaml")
    assert (status, out) == (1, "")
    assert "use `detection_rows: [image, x1, y1, x2, y2, score, class]`" in err


def test_a_supported_layout_is_not(tmp_path: Path) -> None:
    yolov8(tmp_path / "m.onnx")
    (tmp_path / "m.yaml").write_text(MANIFEST.format("yolo"))
    assert invoke("check", tmp_path / "m.yaml")[0] == 0
