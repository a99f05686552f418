import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from builder.diagnostics.errors import CommandLineError
from builder.lint.examine import plan
from builder.run.predict import predict
from builder.run.predict.prediction import Prompts
from builder.run.predict.reid import draw_matches
from builder.run.process import FunctionProcess
from builder.targets.build import build
from tests.builder.conftest import failure
from tests.paths import ROOT

MANIFEST = ROOT / "manifests" / "reid-demo.yaml"
COLORS = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> FunctionProcess:
    """The example function, built."""
    built = build(plan(MANIFEST), tmp_path_factory.mktemp("reid"), force=False)
    return FunctionProcess(built.folder, "cpu")


@pytest.fixture
def frames(tmp_path: Path) -> list[Path]:
    """Two images with three colored boxes in different order, and a file of the boxes."""
    files = []
    for number, order in enumerate([(0, 1, 2), (1, 0, 2)]):
        image = np.full((80, 120, 3), 60, np.uint8)
        for place, color in enumerate(order):
            image[20:70, 10 + 35 * place : 35 + 35 * place] = COLORS[color]
        files.append(tmp_path / f"frame{number}.png")
        cv2.imwrite(str(files[-1]), image)
    boxes = [[10 + 35 * place, 20, 35 + 35 * place, 70] for place in range(3)]
    (tmp_path / "boxes.json").write_text(json.dumps([boxes, boxes]))
    return [*files, tmp_path / "boxes.json"]


def test_the_boxes_of_two_images_are_matched_and_drawn(
    function: FunctionProcess, frames: list[Path], tmp_path: Path
) -> None:
    (found,) = predict(function, frames[:2], Prompts(boxes=frames[2]), tmp_path / "out")
    assert found.reply.body == [1, 0, 2]
    assert found.faults == ()
    assert "3 of 3 boxes matched" in found.as_table()
    assert found.as_table().splitlines()[1:] == ["  0 -> 1", "  1 -> 0", "  2 -> 2"]
    assert found.saved == tmp_path / "out" / "frame0.png"
    picture = cv2.imread(str(found.saved))
    assert picture is not None
    assert picture.shape == (80, 240, 3)


def test_a_threshold_is_sent(function: FunctionProcess, frames: list[Path]) -> None:
    (found,) = predict(function, frames[:2], Prompts(-1.0, boxes=frames[2]), None)
    assert found.reply.status == 400
    assert "threshold: must be a number of 0 or more" in found.as_table()


@pytest.mark.parametrize("count", [1, 3])
def test_reid_needs_two_images(function: FunctionProcess, frames: list[Path], count: int) -> None:
    images = [frames[0]] * count
    error = failure(lambda: list(predict(function, images, Prompts(boxes=frames[2]), None)))
    assert isinstance(error, CommandLineError)
    assert "ReID needs two images" in str(error)


def test_reid_needs_boxes_and_refuses_points(function: FunctionProcess, frames: list[Path]) -> None:
    error = failure(lambda: list(predict(function, frames[:2], Prompts(), None)))
    assert "no --boxes" in str(error)
    clicks = Prompts(pos=((1.0, 2.0),), boxes=frames[2])
    error = failure(lambda: list(predict(function, frames[:2], clicks, None)))
    assert "functions of type reid do not accept --pos" in str(error)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "[[], {}]", "[[[1, 2, 3]], []]", '[[[1, 2, 3, "4"]], []]', "[" * 99_999]
)
def test_a_file_without_two_lists_of_boxes_is_refused(
    function: FunctionProcess, frames: list[Path], text: str
) -> None:
    frames[2].write_text(text)
    error = failure(lambda: list(predict(function, frames[:2], Prompts(boxes=frames[2]), None)))
    assert isinstance(error, CommandLineError)
    assert str(frames[2]) in str(error)


def test_matched_boxes_have_one_color_and_a_line_between_them() -> None:
    blank = np.zeros((200, 200, 3), np.uint8)
    boxes = [[40.0, 60.0, 80.0, 120.0], [120.0, 60.0, 160.0, 120.0]]
    picture = draw_matches(blank, blank, boxes, boxes[:1], [0, -1])
    assert picture.shape == (200, 400, 3)
    left, right = picture[120, 60].tolist(), picture[120, 260].tolist()
    assert left == right != [0, 0, 0]
    # Between the centers of the two boxes.
    assert picture[90, 100].tolist() == left
    assert picture[120, 140].tolist() == [160, 160, 160]
