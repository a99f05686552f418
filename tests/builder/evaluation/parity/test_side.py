from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from builder.evaluation.measure import Unanswered
from builder.evaluation.parity.pictures import Picture, files_of, pictures
from builder.evaluation.parity.side import SIDES, DetectorSide, FunctionSide
from builder.lint.examine import plan
from builder.run.predict.prediction import Prompts
from builder.run.process import FunctionProcess
from builder.targets.build import build
from tests.builder.conftest import failure, png
from tests.paths import MANIFESTS, ROOT


def picture(folder: Path, *files: bytes) -> Picture:
    """Images that are written to a folder."""
    for number, data in enumerate(files):
        (folder / f"{number}.png").write_bytes(data)
    (found,) = pictures(files_of([folder]), together=len(files))
    return found


def side(function: FunctionProcess, **prompts: Any) -> FunctionSide:
    """A side with prompts."""
    return SIDES[function.type]("cpu", function, Prompts(**prompts))


@pytest.fixture(scope="module", params=["cpu", pytest.param("gpu", marks=pytest.mark.slow)])
def started(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """Starts a variant of an example."""
    out = tmp_path_factory.mktemp("built")
    functions: dict[str, FunctionProcess] = {}

    def start(name: str) -> FunctionProcess:
        if name not in functions:
            folder = build(plan(MANIFESTS / f"{name}.yaml"), out, force=False).folder
            functions[name] = FunctionProcess(folder, request.param, allow_fallback=True)
            functions[name].wait_until_started()
        return functions[name]

    yield start
    for function in functions.values():
        function.close()


def test_a_detector_states_its_device_and_its_threshold(cpu_function: FunctionProcess) -> None:
    found = side(cpu_function)
    assert found.threshold == 0.25
    assert found.description.startswith("cpu: OpenVINO ")
    assert found.description.endswith("; threshold 0.25")
    assert side(cpu_function, threshold=0.5).threshold == 0.5


def test_the_variant_that_runs_on_another_device_says_so(built_once: Path) -> None:
    with FunctionProcess(built_once, "gpu", allow_fallback=True) as function:
        text = side(function).description
    assert text.startswith("cpu: ONNX Runtime ")
    assert ("running on the CPU" in text) == bool(function.warnings)


def test_a_detector_gives_its_items(cpu_function: FunctionProcess, tmp_path: Path) -> None:
    read = picture(tmp_path, png())
    assert [it.label for it in side(cpu_function)(read)] == ["cat", "dog"]
    assert [it.label for it in side(cpu_function, threshold=0.8)(read)] == ["cat"]


def test_an_image_that_is_refused_has_no_answer(
    cpu_function: FunctionProcess, tmp_path: Path
) -> None:
    with pytest.raises(Unanswered, match="cpu: HTTP 400"):
        side(cpu_function)(picture(tmp_path, b"text"))


def test_a_reply_that_cvat_rejects_is_no_answer(
    cpu_function: FunctionProcess, tmp_path: Path
) -> None:
    class Wrong(DetectorSide):
        def ask(self, image: bytes, **request: Any) -> Any:
            return [{"label": "cow", "type": "tag"}]

    with pytest.raises(Unanswered, match=r"invalid for CVAT: .*'cow' is not in"):
        Wrong("cpu", cpu_function, Prompts())(picture(tmp_path, png()))


@pytest.mark.slow
def test_an_interactor_is_clicked_at_five_places(started: Any, tmp_path: Path) -> None:
    data = (ROOT / "docs/shapes.jpg").read_bytes()
    found = side(started("sam-demo"))
    items = found(picture(tmp_path, data))
    # It takes clicks, and boxes if there are any.
    names = [f"{what} {number}" for number in range(1, 6) for what in ("click", "box")]
    assert sorted({it.label for it in items}) == sorted(names)
    assert all(it.form == "region" and it.confidence is not None for it in items)
    assert "(25%, 75%)" in found.notes[0]


def test_an_interactor_takes_prompts(started: Any, tmp_path: Path) -> None:
    data = (ROOT / "docs/shapes.jpg").read_bytes()
    found = side(started("sam-demo"), pos=((175.0, 110.0),))
    (item,) = found(picture(tmp_path, data))
    assert (item.label, found.notes) == ("prompts", ())
    assert item.region is not None
    assert item.region.bitmap[110 - item.region.top, 175 - item.region.left]


def frame(x: int) -> bytes:
    """A gray image with a red square of 40 pixels, at x from the left."""
    image = np.full((200, 300, 3), 128, np.uint8)
    image[80:120, x : x + 40] = (40, 40, 220)
    _, data = cv2.imencode(".png", image)
    return data.tobytes()


def test_a_tracker_keeps_its_state_from_frame_to_frame(started: Any, tmp_path: Path) -> None:
    found = side(started("tracker-demo"), box=((100.0, 80.0, 140.0, 120.0),))
    boxes = []
    for number, x in enumerate((100, 112, 124)):
        folder = tmp_path / str(number)
        folder.mkdir()
        (item,) = found(picture(folder, frame(x)))
        assert item.label == "object 0"
        boxes.append(item.bounds()[0])
    assert np.abs(np.array(boxes) - (100, 112, 124)).max() < 5


def test_a_tracker_that_was_refused_a_frame_stops(started: Any, tmp_path: Path) -> None:
    found = side(started("tracker-demo"), box=((100.0, 80.0, 140.0, 120.0),))
    with pytest.raises(Unanswered, match="HTTP 400"):
        found(picture(tmp_path, b"text"))
    with pytest.raises(Unanswered, match=r"no state since .*0\.png"):
        found(picture(tmp_path, frame(100)))


def test_reid_gives_a_match_for_each_box(started: Any, tmp_path: Path) -> None:
    boxes = tmp_path / "boxes.json"
    boxes.write_text("[[[100, 80, 140, 120], [0, 0, 30, 30]], [[112, 80, 152, 120]]]")
    (tmp_path / "images").mkdir()
    read = picture(tmp_path / "images", frame(100), frame(112))
    items = side(started("reid-demo"), boxes=boxes)(read)
    assert [it.label for it in items] == ["box 0 is box 0", "box 1 has no match"]


def test_prompts_that_are_missing_are_named(started: Any) -> None:
    assert "no --box" in str(failure(lambda: side(started("tracker-demo"))))
    assert "no --boxes" in str(failure(lambda: side(started("reid-demo"))))
