"""Numbers of candidates are compared with the cells of grids over the input."""

from pathlib import Path

import numpy as np
import pytest

from tests.builder.cli.invoke import invoke
from tests.builder.models import save_zeros
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
    ("decoder", "shape", "size", "warned"),
    [
        ("yolo", (1, 7, 8400), 640, False),  # 80 * 80 + 40 * 40 + 20 * 20
        ("yolo", (1, 7, 8500), 640, False),  # + 10 * 10
        ("yolo", (1, 7, 16800), 640, True),  # 2 * 8400
        ("yolo", (1, 7, 34000), 640, False),  # + 160 * 160
        ("yolo", (1, 7, 8400), 416, True),
        ("yolo", (1, 7, 3549), 416, False),
        ("yolo", (1, 7, 300), 640, True),
        ("yolo", (1, 7, 400), 640, False),  # 20 * 20 alone
        ("yolo", (1, 7, 40), 64, True),
        ("yolo", (1, 7, 84), 64, False),
        ("yolo", (1, 7, 25200), 640, True),
        ("yolo_objectness", (1, 25200, 8), 640, False),
        ("yolo_objectness", (1, 8400, 8), 640, False),
        ("yolo_objectness", (1, 16800, 8), 640, True),
    ],
)
def test_candidates_fit_the_input(
    tmp_path: Path, decoder: str, shape: tuple[int, ...], size: int, warned: bool
) -> None:
    save_zeros(tmp_path / "m.onnx", shape, size)
    (tmp_path / "m.yaml").write_text(MANIFEST.format(decoder))
    status, _, err = invoke("check", tmp_path / "m.yaml")
    assert status == 0, err
    assert ("[candidate-count]" in err) is warned


def test_candidates_that_the_graph_selects_are_of_any_number(tmp_path: Path) -> None:
    net = image()
    scores, _ = net.several("TopK", 2, net.known(np.zeros((1, 7, 84))), net.fixed([60], int))
    net.give("output0", scores, (1, 7, 60))
    net.save(tmp_path / "m.onnx")
    (tmp_path / "m.yaml").write_text(MANIFEST.format("yolo"))
    status, _, err = invoke("check", tmp_path / "m.yaml")
    assert (status, err) == (0, "")
