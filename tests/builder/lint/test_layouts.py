"""`check` and `init` refuse layouts that no decoder reads, and name them."""

from pathlib import Path

import numpy as np
import pytest

from tests.builder.cli.invoke import invoke
from tests.zoo import yolov8
from tests.zoo.net import Net, image

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


def test_inputs_of_paddle_are_named(tmp_path: Path) -> None:
    net = Net(
        {"image": ("float32", (1, 3, 640, 640)), "scale_factor": ("float32", (1, 2))},
    )
    net.give("rows", net.known(np.zeros((3, 6))), (3, 6))
    net.save(tmp_path / "m.onnx")
    (tmp_path / "m.yaml").write_text(MANIFEST.format("yolo_end2end"))
    for command, file in (("check", "m.yaml"), ("init", "m.onnx")):
        status, out, err = invoke(command, tmp_path / file)
        assert (status, out) == (1, "")
        assert "PaddleDetection" in err


def test_small_masks_are_named(tmp_path: Path) -> None:
    net = Net({"x": ("float32", (3, 800, 800))})
    net.give("boxes", net.known(np.zeros((1, 4))), (1, 4))
    net.give("classes", net("Cast", net.known(np.zeros(1)), to=7), (1,), "int64")
    net.give("masks", net.known(np.ones((1, 1, 28, 28))), (1, 1, 28, 28))
    net.give("scores", net.known([0.9]), (1,))
    net.give("size", net("Cast", net.known([800.0, 800.0]), to=7), (2,), "int64")
    net.save(tmp_path / "m.onnx")
    decoder = "{torchvision: {labels: classes, background: false}}"
    manifest = MANIFEST.format(decoder).replace("nms, rectangle", "polygon")
    (tmp_path / "m.yaml").write_text(manifest)
    for command, file in (("check", "m.yaml"), ("init", "m.onnx")):
        status, out, err = invoke(command, tmp_path / file)
        assert (status, out) == (1, "")
        assert "masks of 28x28" in err


def test_outputs_of_tensorflow_are_named(tmp_path: Path) -> None:
    net = Net({"input_tensor": ("uint8", (1, "h", "w", 3))})
    for name, shape in (("boxes", (1, 2, 4)), ("classes", (1, 2)), ("scores", (1, 2))):
        net.give(f"detection_{name}", net.known(np.zeros(shape)), shape)
    net.give("num_detections", net.known([2.0]), (1,))
    status, out, err = invoke("init", net.save(tmp_path / "m.onnx"))
    assert (status, out) == (1, "")
    assert "TensorFlow's object detection API" in err


def test_a_supported_layout_is_not(tmp_path: Path) -> None:
    yolov8(tmp_path / "m.onnx")
    (tmp_path / "m.yaml").write_text(MANIFEST.format("yolo"))
    assert invoke("check", tmp_path / "m.yaml")[0] == 0
