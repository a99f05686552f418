from pathlib import Path

import cv2
import numpy as np
import pytest

from builder.diagnostics.errors import CommandLineError
from builder.lint.examine import plan
from builder.run.predict import predict
from builder.run.predict.interactor import smoke_test
from builder.run.predict.prediction import Prompts
from builder.run.process import FunctionProcess
from builder.targets.build import build
from tests.builder.conftest import failure, png
from tests.paths import ROOT
from tests.scenes import scene


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> FunctionProcess:
    """The example function, built."""
    made = plan(ROOT / "manifests" / "sam-demo.yaml")
    built = build(made, tmp_path_factory.mktemp("sam"), force=False)
    return FunctionProcess(built.folder, "cpu")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    file = tmp_path / "photo.png"
    file.write_bytes(scene().png)
    return file


def test_masks_and_prompts_are_drawn(
    function: FunctionProcess, photo: Path, tmp_path: Path
) -> None:
    clicked = Prompts(pos=((150, 130),), neg=((480, 380),))
    (found,) = predict(function, [photo], clicked, tmp_path / "out")
    assert found.faults == ()
    head, row = found.as_table().splitlines()
    assert f"{photo}: 1 mask, " in head
    score, shape_type, *box, count, _ = row.split()
    assert 0.9 < float(score) <= 1
    assert shape_type == "mask"
    assert np.abs(np.array(box, float) - [70, 50, 230, 210]).max() <= 3
    assert int(count) == pytest.approx(np.pi * 80**2, rel=0.05)
    assert found.saved == tmp_path / "out" / "photo.png"
    picture, original = cv2.imread(str(found.saved)), scene().image
    assert picture is not None
    changed = (picture != original).any(axis=2)
    # The disc is filled and both points are dots; the ring and the bar are unchanged.
    assert changed[100:160, 100:200].all()
    assert picture[130, 150].tolist() == [80, 220, 60]
    assert picture[380, 480].tolist() == [60, 60, 235]
    assert not changed[20:240, 350:570].any()
    assert not changed[260:460, 60:300].any()


def test_each_box_gives_a_mask(function: FunctionProcess, photo: Path) -> None:
    boxes = Prompts(box=((60, 40, 240, 220), (370, 270, 590, 450)))
    (found,) = predict(function, [photo], boxes, None)
    assert found.summary == "2 masks"
    assert len(found.rows) == 2


def test_all_images_get_the_same_points(function: FunctionProcess, photo: Path) -> None:
    found = list(predict(function, [photo, photo], Prompts(pos=((150, 130),)), None))
    assert [it.summary for it in found] == ["1 mask", "1 mask"]


def test_a_reply_without_masks(function: FunctionProcess, photo: Path, tmp_path: Path) -> None:
    same = Prompts(pos=((150, 130),), neg=((150, 130),))
    (found,) = predict(function, [photo], same, tmp_path / "out")
    assert (found.summary, found.rows, found.faults) == ("0 masks", (), ())
    assert found.saved is not None
    assert found.saved.is_file()


def test_an_error_reply_is_shown(function: FunctionProcess, photo: Path) -> None:
    (found,) = predict(function, [photo], Prompts(pos=((9999, 1),)), None)
    assert found.reply.status == 400
    assert "pos_points[0]: is far outside of the image" in found.as_table()


@pytest.mark.parametrize("prompts", [Prompts(), Prompts(0.5), Prompts(neg=((1, 2),))])
def test_an_interactor_needs_a_point_or_a_box(
    function: FunctionProcess, photo: Path, prompts: Prompts
) -> None:
    error = failure(lambda: list(predict(function, [photo], prompts, None)))
    assert isinstance(error, CommandLineError)
    assert "an interactor needs a point or a bounding box" in str(error)


def test_the_boxes_of_reid_are_refused(function: FunctionProcess, photo: Path) -> None:
    prompts = Prompts(pos=((1, 2),), boxes=photo)
    error = failure(lambda: list(predict(function, [photo], prompts, None)))
    assert "functions of type interactor do not accept --boxes" in str(error)


def test_the_smoke_test_sends_points_a_box_and_neither(
    function: FunctionProcess,
) -> None:
    before = len(function.log)
    assert smoke_test(function, png(480, 360)) == ()
    assert len(function.log) == before + 3
    assert "empty reply: 0 of 1 positive points" in function.log[-1]
