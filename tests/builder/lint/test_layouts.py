"""`check` and `init` refuse layouts that no decoder reads, and name them."""

from pathlib import Path

import numpy as np
import pytest

from tests.builder.cli.invoke import invoke
from tests.zoo import yolov8
from tests.zoo.net import image

MANIFEST = """\
name: detect
type: detector
model: m.onnx
labels: [cat, dog, bird]
preprocess: [letterbox, normalize]
postprocess: [{}, nms, rectangle]
"""


@pytest.mark.parametrize(
    ("decoder", "outputs", "name"),
    [
        ("yolo", {"boxes": (1, 8400, 4), "scores": (1, 8400, 3)}, "YOLO-NAS"),
        ("yolo_segment", {"o": (1, 25200, 40), "p": (1, 32, 160, 160)}, "YOLOv5-seg"),
        ("yolo_end2end", {"flat_predictions": (2, 7)}, "SuperGradients"),
    ],
)
def test_an_unsupported_layout_is_named(
    tmp_path: Path, decoder: str, outputs: dict[str, tuple[int, ...]], name: str
) -> None:
    net = image("images", 1, 3, 640, 640)
    for output, shape in outputs.items():
        net.give(output, net.known(np.zeros(shape)), shape)
    net.save(tmp_path / "m.onnx")
    (tmp_path / "m.yaml").write_text(MANIFEST.format(decoder))
    status, out, err = invoke("check", tmp_path / "m.yaml")
    assert (status, out) == (1, "")
    assert "[unsupported-layout]" in err
    assert name in err
    status, out, err = invoke("init", tmp_path / "m.onnx")
    assert (status, out) == (1, "")
    assert f"the model family is not supported yet: {name}" in err or name in err


def test_a_supported_layout_is_not(tmp_path: Path) -> None:
    yolov8(tmp_path / "m.onnx")
    (tmp_path / "m.yaml").write_text(MANIFEST.format("yolo"))
    assert invoke("check", tmp_path / "m.yaml")[0] == 0
