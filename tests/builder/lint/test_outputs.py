"""`check` warns of outputs that no step reads."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.builder.cli.invoke import invoke
from tests.builder.models import yolo_model
from tests.zoo.net import Net

MANIFEST = """\
name: detect
type: detector
model: m.onnx
labels: [cat, dog, bird]
preprocess: [letterbox, normalize]
postprocess: [yolo, nms, rectangle]
"""


@pytest.mark.parametrize(
    ("shape", "warned"),
    [
        ((1, 200, 108, 108), "output `masks` [1, 200, 108, 108] is not used"),
        ((1, 7, 84), "output `masks` [1, 7, 84] is not used"),  # the shape of the one that is read
        (None, ""),
    ],
)
def test_an_unread_output_is_a_warning(
    tmp_path: Path, shape: tuple[int, ...] | None, warned: str
) -> None:
    proto = onnx.load(yolo_model(tmp_path / "m.onnx"))
    if shape is not None:
        net = Net({})
        net.give("masks", net.known(np.zeros(shape)), shape)
        for name, value in net.constants.items():
            proto.graph.initializer.append(onnx.numpy_helper.from_array(value, name))
        proto.graph.node.extend(net.nodes)
        proto.graph.output.extend(net.outputs)
        onnx.save_model(proto, tmp_path / "m.onnx")
    (tmp_path / "m.yaml").write_text(
        MANIFEST.replace("[yolo,", "[{yolo: {output: output0}},") if shape else MANIFEST
    )
    status, _, err = invoke("check", tmp_path / "m.yaml")
    assert status == 0
    assert warned in err
    assert ("[unused-output]" in err) is bool(warned)
