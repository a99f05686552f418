"""Numbers of candidates are compared with the cells of grids over the input."""

from pathlib import Path

import pytest

from tests.builder.cli.invoke import invoke
from tests.builder.models import save_zeros

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
        ("yolo", (1, 7, 33600), 640, True),  # 4 * 8400
        ("yolo", (1, 7, 34000), 640, False),  # + 160 * 160
        ("yolo", (1, 7, 8400), 416, True),
        ("yolo", (1, 7, 3549), 416, False),
        ("yolo", (1, 7, 1000), 640, False),  # preselected
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
