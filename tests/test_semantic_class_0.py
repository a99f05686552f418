"""Class 0 of semantic models is an object where the labels name it."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from builder.cli.app import app
from builder.lint.examine import plan
from builder.manifest.variants import VARIANTS, VariantName
from builder.run.judge.detector import judge
from builder.targets.build import build
from tests.local_function import LocalFunction
from tests.runtimes import graphs

SIDE = 64


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Class 0 in the left half of every image, class 1 in the right one, class 2 nowhere."""
    logits = np.full((1, 3, SIDE, SIDE), -5, np.float32)
    logits[0, 0, :, : SIDE // 2] = logits[0, 1, :, SIDE // 2 :] = 5
    return graphs.constant(tmp_path / "m.onnx", logits)


def drawn(manifest: Path, variant: VariantName) -> list[tuple[str, list[int]]]:
    """The labels of the masks in a blank image, with left, top, right and bottom."""
    function = LocalFunction(
        build(plan(manifest), manifest.parent / "build", force=False).folder, variant
    )
    _, data = cv2.imencode(".png", np.full((SIDE, SIDE, 3), 127, np.uint8))
    items = function(data.tobytes()).body
    assert judge(items, function.labels) == []
    return sorted((item["label"], item["mask"][-4:]) for item in items)


LEFT, RIGHT = [0, 0, SIDE // 2 - 1, SIDE - 1], [SIDE // 2, 0, SIDE - 1, SIDE - 1]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(
    ("labels", "step", "expected"),
    [
        ("[wall, building, sky]", "semantic", [("building", RIGHT), ("wall", LEFT)]),
        ("[{name: wall, id: 0}]", "semantic", [("wall", LEFT)]),
        ("[background, building, sky]", "semantic", [("building", RIGHT)]),
        ("[{name: building, id: 1}]", "semantic", [("building", RIGHT)]),
        ("[wall, building, sky]", "{semantic: {background: 0}}", [("building", RIGHT)]),
    ],
)
def test_class_0_is_drawn_if_a_label_names_it(
    model: Path, variant: VariantName, labels: str, step: str, expected: list[tuple[str, list[int]]]
) -> None:
    file = model.with_name("m.yaml")
    file.write_text(
        f"name: m\ntype: detector\nmodel: m.onnx\nlabels: {labels}\n"
        f"preprocess: [resize, {{normalize: 255}}]\npostprocess: [{step}, mask]\n"
    )
    assert drawn(file, variant) == expected


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(
    ("names", "labels", "expected"),
    [
        (
            ["wall", "building", "sky"],
            ["wall", "building", "sky"],
            [("building", RIGHT), ("wall", LEFT)],
        ),
        (
            ["background", "building", "sky"],
            [{"name": "building", "id": 1}, {"name": "sky", "id": 2}],
            [("building", RIGHT)],
        ),
        (
            ["building", "sky"],
            [{"name": "building", "id": 1}, {"name": "sky", "id": 2}],
            [("building", RIGHT)],
        ),
    ],
)
def test_init_keeps_a_label_of_class_0(
    model: Path,
    variant: VariantName,
    names: list[str],
    labels: list[object],
    expected: list[tuple[str, list[int]]],
) -> None:
    listed = model.with_name("labels.txt")
    listed.write_text("\n".join(names) + "\n")
    file = model.with_name("m.yaml")
    arguments = ["init", str(model), "--labels", str(listed), "-o", str(file)]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert yaml.safe_load(file.read_text())["labels"] == labels
    assert drawn(file, variant) == expected
