import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from builder.diagnostics.errors import BuiltError, CommandLineError
from builder.run.predict import predict
from builder.run.predict.prediction import Prompts
from builder.run.process import FunctionProcess
from tests.builder.conftest import failure, png


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(png())
    return path


def test_each_image_gives_one_prediction_in_order(
    cpu_function: FunctionProcess, image: Path, tmp_path: Path
) -> None:
    small = tmp_path / "small.png"
    small.write_bytes(png(64, 64))
    first, second = predict(cpu_function, [image, small], Prompts(), None)
    assert (first.image, second.image) == (str(image), str(small))
    assert first.reply.body[0]["points"] == [16.0, 24.0, 48.0, 40.0]
    assert second.reply.body[0]["points"] == [8.0, 12.0, 24.0, 20.0]
    assert first.saved is None


@pytest.mark.parametrize(("threshold", "count"), [(None, 2), (0.0, 3), (0.8, 1), (1.0, 0)])
def test_a_threshold_is_sent_if_it_is_given(
    cpu_function: FunctionProcess, image: Path, threshold: float | None, count: int
) -> None:
    (found,) = predict(cpu_function, [image], Prompts(threshold), None)
    boxes = [item for item in found.reply.body if item["confidence"] > 0]
    assert len(boxes) == count


def test_a_prediction_is_one_line_of_json(cpu_function: FunctionProcess, image: Path) -> None:
    (found,) = predict(cpu_function, [image], Prompts(0.8), None)
    assert "\n" not in found.as_json()
    assert json.loads(found.as_json()) == {
        "image": str(image),
        "status": 200,
        "reply": [
            {
                "label": "cat",
                "type": "rectangle",
                "points": [16.0, 24.0, 48.0, 40.0],
                "confidence": 0.9,
            }
        ],
    }


def test_a_table_has_one_line_per_item(cpu_function: FunctionProcess, image: Path) -> None:
    (found,) = predict(cpu_function, [image], Prompts(), None)
    head, *rows = found.as_table().splitlines()
    assert head.startswith(f"{image}: 2 items, ")
    assert [row.split() for row in rows] == [
        ["cat", "0.900", "rectangle", "16.0", "24.0", "48.0", "40.0"],
        ["dog", "0.750", "rectangle", "88.0", "64.0", "104.0", "96.0"],
    ]


@pytest.mark.parametrize(("threshold", "words"), [(0.8, ": 1 item, "), (1.0, ": 0 items, ")])
def test_a_table_counts_items(
    cpu_function: FunctionProcess, image: Path, threshold: float, words: str
) -> None:
    (found,) = predict(cpu_function, [image], Prompts(threshold), None)
    assert words in found.as_table()


def test_an_error_reply_is_not_drawn(cpu_function: FunctionProcess, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("text")
    (found,) = predict(cpu_function, [tmp_path / "text.png"], Prompts(), tmp_path / "out")
    assert found.reply.status == 400
    assert ": HTTP 400: image" in found.as_table()
    assert json.loads(found.as_json())["status"] == 400
    assert found.saved is None
    assert not (tmp_path / "out").exists()


def test_pictures_are_saved_under_the_images_names(
    cpu_function: FunctionProcess, image: Path, tmp_path: Path
) -> None:
    same = tmp_path / "sub" / "photo.png"
    same.parent.mkdir()
    same.write_bytes(png())
    images = [image, same, image]
    found = list(predict(cpu_function, images, Prompts(), tmp_path / "a" / "b"))
    names = ["photo.png", "photo-2.png", "photo-3.png"]
    assert [it.saved for it in found] == [tmp_path / "a" / "b" / name for name in names]
    picture = cv2.imread(str(found[0].saved))
    assert picture is not None
    assert picture.shape == (128, 128, 3)
    assert picture.any()
    assert not cv2.imread(str(image)).any()  # type: ignore[union-attr]


def test_a_picture_without_items_equals_the_image(
    cpu_function: FunctionProcess, tmp_path: Path
) -> None:
    rows = np.arange(32 * 48 * 3, dtype=np.uint8).reshape(32, 48, 3)
    _, data = cv2.imencode(".png", rows)
    (tmp_path / "x.png").write_bytes(data.tobytes())
    (found,) = predict(cpu_function, [tmp_path / "x.png"], Prompts(1.0), tmp_path / "out")
    np.testing.assert_array_equal(cv2.imread(str(found.saved)), rows)


@pytest.mark.parametrize("name", ["absent.png", "."])
def test_an_unreadable_file_is_a_command_line_error(
    cpu_function: FunctionProcess, tmp_path: Path, name: str
) -> None:
    error = failure(lambda: list(predict(cpu_function, [tmp_path / name], Prompts(), None)))
    assert isinstance(error, CommandLineError)


def test_a_picture_that_cannot_be_written_is_an_error(
    cpu_function: FunctionProcess, image: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("in the way")
    error = failure(lambda: list(predict(cpu_function, [image], Prompts(), tmp_path / "out")))
    assert isinstance(error, BuiltError)
    assert error.problems[0].file == tmp_path / "out" / "photo.png"
