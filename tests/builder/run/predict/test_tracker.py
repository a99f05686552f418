import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from builder.diagnostics.errors import CommandLineError
from builder.lint.examine import plan
from builder.run.function import Function, Reply
from builder.run.predict import predict
from builder.run.predict.prediction import Box, Prompts
from builder.run.predict.tracker import smoke_test
from builder.run.process import FunctionProcess
from builder.targets.build import build
from tests.builder.conftest import failure, png
from tests.paths import ROOT
from tests.runtimes.trackers import correlators

MANIFEST = ROOT / "manifests" / "tracker-demo.yaml"


def built(folder: Path, *types: str) -> FunctionProcess:
    """The example function, built for some shape types."""
    text = MANIFEST.read_text("utf-8").replace("models/", f"{MANIFEST.parent}/models/")
    file = folder / "tracker.yaml"
    file.write_text(text.replace("rectangle, polygon, mask", ", ".join(types)))
    return FunctionProcess(build(plan(file), folder / "out", force=False).folder, "cpu")


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> FunctionProcess:
    return built(tmp_path_factory.mktemp("all"), "rectangle", "polygon", "mask")


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three images with an object that moves to the right."""
    folder = tmp_path_factory.mktemp("frames")
    files = []
    for number, (frame, _) in enumerate(correlators.film(3, speed=12)):
        files.append(folder / f"frame{number}.png")
        cv2.imwrite(str(files[-1]), frame)
    return files


def truth(number: int) -> Box:
    """The object's box in one of the images, x1 y1 x2 y2."""
    (*_, (_, box)) = correlators.film(number + 1, speed=12)
    x1, y1, x2, y2 = box.tolist()
    return x1, y1, x2, y2


def around(shape: dict[str, Any]) -> list[float]:
    """The bounding box of a polygon or mask of a reply, x1 y1 x2 y2."""
    if shape["type"] == "mask":
        left, top, right, bottom = shape["points"][-4:]
        return [left, top, right + 1, bottom + 1]
    points = np.array(shape["points"]).reshape(-1, 2)
    return [*points.min(axis=0).tolist(), *points.max(axis=0).tolist()]


class Scripted(Function):
    """A function with given replies, which keeps the requests."""

    type = "tracker"
    labels: list[dict[str, Any]] = []  # noqa: RUF012
    annotations = {"supported_shape_types": "rectangle"}  # noqa: RUF012

    def __init__(self, replies: Sequence[Reply]) -> None:
        self.replies = list(replies)
        self.requests: list[dict[str, Any]] = []

    def send(self, body: object, content_type: str) -> Reply:
        assert isinstance(body, dict)
        self.requests.append({key: value for key, value in body.items() if key != "image"})
        return self.replies[len(self.requests) - 1]


def reply(*shapes: object, states: Sequence[object] | None = None) -> Reply:
    """A reply with one object per shape; its state is its index by default."""
    body = {"shapes": list(shapes), "states": list(states or range(len(shapes)))}
    return Reply(200, body, json.dumps(body), 1)


def test_each_frame_has_one_row_per_object_and_a_picture(
    function: FunctionProcess, frames: list[Path], tmp_path: Path
) -> None:
    second: Box = (300, 100, 360, 150)
    prompts = Prompts(box=(truth(0), second))
    found = list(predict(function, frames, prompts, tmp_path / "out"))
    assert [it.image for it in found] == [str(file) for file in frames]
    assert [it.saved for it in found] == [tmp_path / "out" / file.name for file in frames]
    for number, prediction in enumerate(found):
        assert prediction.faults == ()
        head, first, other = prediction.as_table().splitlines()
        assert f"{frames[number]}: 2 of 2 found, " in head
        place, shape_type, *box = first.split()
        assert (place, shape_type) == ("0", "rectangle")
        np.testing.assert_allclose(np.array(box, float), truth(number), atol=5)
        np.testing.assert_allclose(np.array(other.split()[2:], float), second, atol=5)
    pictures = [cv2.imread(str(it.saved)) for it in found]
    assert all(it is not None and it.shape == (360, 480, 3) for it in pictures)
    # The outline changes the picture.
    first_frame = cv2.imread(str(frames[0]))
    assert first_frame is not None
    assert not np.array_equal(np.asarray(pictures[0]), first_frame)


@pytest.mark.slow
@pytest.mark.parametrize("shape_type", ["polygon", "mask"])
def test_a_box_is_sent_as_the_first_supported_shape_type(
    tmp_path: Path, frames: list[Path], shape_type: str
) -> None:
    function = built(tmp_path, shape_type, "rectangle")
    found = list(predict(function, frames, Prompts(box=(truth(0),)), tmp_path / "pictures"))
    for number, prediction in enumerate(found):
        (shape,) = prediction.reply.body["shapes"]
        assert shape["type"] == shape_type
        assert prediction.faults == ()
        np.testing.assert_allclose(around(shape), truth(number), atol=5)
    assert len(list((tmp_path / "pictures").glob("*.png"))) == 3


def test_the_frames_of_a_video_are_numbered(function: FunctionProcess, tmp_path: Path) -> None:
    file = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), 10, (480, 360))
    for frame, _ in correlators.film(2):
        writer.write(frame)
    writer.release()
    found = list(predict(function, [file], Prompts(box=(truth(0),)), tmp_path / "out"))
    assert [it.image for it in found] == [f"{file}:0", f"{file}:1"]
    names = sorted(it.name for it in (tmp_path / "out").iterdir())
    assert names == ["film-00000.png", "film-00001.png"]


def test_a_lost_object_keeps_its_row(frames: list[Path], tmp_path: Path) -> None:
    seen = {"type": "rectangle", "points": [10, 10, 60, 60]}
    known: dict[str, Any] = {"lost": False}
    lost = reply(seen, seen, states=[{"lost": True}, known])
    scripted = Scripted([reply(seen, seen), lost, reply(seen, seen, states=[known, known])])
    prompts = Prompts(box=((10, 10, 60, 60), (10, 10, 60, 60)))
    found = list(predict(scripted, frames, prompts, tmp_path))
    assert [it.summary for it in found] == ["2 of 2 found", "1 of 2 found", "2 of 2 found"]
    assert found[1].rows[0] == "  0  lost"
    assert all(it.saved is not None for it in found)


def test_requests_have_the_form_of_cvats_requests(frames: list[Path]) -> None:
    seen = {"type": "rectangle", "points": [10, 10, 60, 60]}
    scripted = Scripted([reply(seen)] * 3)
    prompts = Prompts(0.25, box=((10, 10, 60, 60),))
    list(predict(scripted, frames, prompts, None))
    first, *others = scripted.requests
    assert first == {"shapes": [seen], "states": [], "threshold": 0.25}
    assert others == [{"shapes": [None], "states": [0], "threshold": 0.25}] * 2


def test_an_error_reply_ends_the_prediction(frames: list[Path]) -> None:
    seen = {"type": "rectangle", "points": [10, 10, 60, 60]}
    scripted = Scripted([reply(seen), Reply(400, {"error": "states[0]: is not a state"}, "", 1)])
    prompts = Prompts(box=((10, 10, 60, 60),))
    found = list(predict(scripted, frames, prompts, None))
    assert len(found) == len(scripted.requests) == 2
    assert found[1].as_table() == f"{frames[1]}: HTTP 400: states[0]: is not a state"


def test_an_invalid_reply_ends_the_prediction(frames: list[Path], tmp_path: Path) -> None:
    scripted = Scripted([reply({"type": "polygon", "points": [1, 2, 3, 4, 5, 6]})])
    prompts = Prompts(box=((10, 10, 60, 60),))
    (found,) = predict(scripted, frames, prompts, tmp_path / "out")
    assert found.faults == (".shapes[0].type: 'polygon' is not rectangle, the type of the object",)
    assert found.saved is None


def test_a_tracker_needs_a_box(function: FunctionProcess, frames: list[Path]) -> None:
    error = failure(lambda: list(predict(function, frames, Prompts(), None)))
    assert isinstance(error, CommandLineError)
    assert "no --box" in str(error)


def test_a_tracker_refuses_points(function: FunctionProcess, frames: list[Path]) -> None:
    clicks = Prompts(pos=((1.0, 2.0),), box=((10, 10, 60, 60),))
    error = failure(lambda: list(predict(function, frames, clicks, None)))
    assert "functions of type tracker do not accept --pos" in str(error)


@pytest.mark.parametrize(
    ("data", "what"),
    [(b"", "is not a readable video"), (b"RIFF\x00\x00\x00\x00AVI ", "is not a readable video")],
)
def test_a_file_that_is_not_a_video_is_refused(
    function: FunctionProcess, tmp_path: Path, data: bytes, what: str
) -> None:
    file = tmp_path / "film.mp4"
    file.write_bytes(data)
    prompts = Prompts(box=((10, 10, 60, 60),))
    error = failure(lambda: list(predict(function, [file], prompts, None)))
    assert isinstance(error, CommandLineError)
    assert f"{file}: {what}" in str(error)


def test_the_smoke_test_sends_every_shape_type(function: FunctionProcess) -> None:
    assert smoke_test(function, png(480, 360)) == ()


def test_the_smoke_test_checks_the_second_frame() -> None:
    seen = {"type": "rectangle", "points": [40, 40, 120, 100]}
    scripted = Scripted([reply(seen), reply({"type": "rectangle", "points": [120, 40, 40, 100]})])
    (fault,) = smoke_test(scripted, png(480, 360))
    assert "are not left, top, right, bottom" in fault
    assert [it["shapes"] for it in scripted.requests] == [[seen], [None]]
