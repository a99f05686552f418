from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from builder.datasets.annotation import Annotation, LabeledImage, Mask, Polygons, Rectangle
from builder.diagnostics.errors import DatasetError
from builder.evaluation.label_map import label_map
from builder.evaluation.measure import Sample, Task
from builder.evaluation.measures import tracks
from builder.lint.examine import plan
from builder.run.function import Function, Reply
from builder.run.process import FunctionProcess
from builder.targets.build import build
from tests.builder.evaluation.made import MadeDataset
from tests.grids import quick_and_slow
from tests.paths import MANIFESTS


class Tracker(Function):
    """A function that answers frame after frame with boxes; None for a lost object."""

    def __init__(self, boxes: Sequence[Sequence[float] | None]) -> None:
        self._boxes = boxes
        self.requests: list[Mapping[str, Any]] = []

    @property
    def type(self) -> str:
        return "tracker"

    @property
    def labels(self) -> list[dict[str, Any]]:
        return []

    @property
    def annotations(self) -> Mapping[str, str]:
        return {"supported_shape_types": "mask,rectangle"}

    def send(self, body: object, content_type: str) -> Reply:
        assert isinstance(body, dict)
        box = self._boxes[len(self.requests)]
        self.requests.append(body)
        shape = {"type": "rectangle", "points": [*(box or (0, 0, 1, 1))]}
        state = {"number": len(self.requests), "lost": box is None}
        return Reply(200, {"shapes": [shape], "states": [state]}, "text", 1.0)


def frames(
    folder: Path, *boxes: tuple[float, float, float, float] | None, label: str = "cat"
) -> list[LabeledImage]:
    """The frames of a video with one track; frames without a box have no annotation."""
    found = []
    for number, box in enumerate(boxes):
        file = folder / f"{number}.png"
        cv2.imwrite(str(file), np.full((80, 100, 3), number, np.uint8))
        own = () if box is None else (Annotation(label, Rectangle(*box), track=7),)
        found.append(LabeledImage(f"clip/{number}.png", file, own))
    return found


def task(*images: LabeledImage) -> Task:
    dataset = MadeDataset(images)
    return Task([], {}, None, dataset, label_map(dataset.labels, [], (), Path("made")))


BOX = (10.0, 10.0, 30.0, 30.0)


def test_a_track_starts_from_its_first_box_and_ends_with_its_last(tmp_path: Path) -> None:
    images = frames(tmp_path, None, BOX, None, BOX, None)
    measure = tracks.start(task(*images))
    (sample,) = measure.samples()
    assert len(measure) == 1
    assert sample.name == "clip, cat 7"
    assert [it.name for it in sample.images] == ["clip/1.png", "clip/2.png", "clip/3.png"]
    function = Tracker([BOX, None, [12, 10, 32, 30]])
    answer = measure.ask(function, sample)
    assert answer == [list(BOX), None, [12, 10, 32, 30]]
    first, second, third = function.requests
    assert first["shapes"] == [{"type": "rectangle", "points": list(BOX)}]
    # Later requests have the state of the reply before, and no shape.
    assert (second["shapes"], second["states"]) == ([None], [{"number": 1, "lost": False}])
    assert third["states"] == [{"number": 2, "lost": True}]


def scored(truth: list[Any], found: list[Any]) -> dict[str, float | None]:
    images = [
        LabeledImage(f"{number}.png", Path("x"), (Annotation("cat", Rectangle(*box), track=1),))
        for number, box in enumerate(truth)
    ]
    measure = tracks.start(task(*images))
    (sample,) = measure.samples()
    measure.add(sample, found)
    return dict(measure.result().metrics)


def test_figures_by_hand() -> None:
    # Equal; moved by half its width (IoU 1/3, 10 pixels away); lost; 30 pixels away.
    found = [list(BOX), [20, 10, 40, 30], None, [10, 40, 30, 60]]
    metrics = scored([BOX] * 4, found)
    # Thresholds 0, 0.05, ..., 1: IoU 1 is above 20 of 21, IoU 1/3 above 7, IoU 0 above none.
    assert metrics["success"] == pytest.approx((20 + 7) / 21 / 4)
    assert metrics["precision20"] == 2 / 4


@pytest.mark.parametrize("seed", range(5))
def test_random_tracks_have_the_figures_of_plain_loops(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = [[x, y, x + 40, y + 30] for x, y in rng.uniform(0, 60, (30, 2)).tolist()]
    found = [
        [x1 + dx, y1 + dy, x2 + dx, y2]
        for (x1, y1, x2, y2), dx, dy in zip(
            truth, rng.normal(0, 12, 30).tolist(), rng.normal(0, 6, 30).tolist(), strict=True
        )
    ]
    hits = near = 0
    for one, other in zip(truth, found, strict=True):
        wide = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
        high = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
        area = 40 * 30 + 40 * (other[3] - other[1]) - wide * high
        hits += sum(wide * high / area > step / 20 for step in range(21))
        x = (one[0] + one[2] - other[0] - other[2]) / 2
        y = (one[1] + one[3] - other[1] - other[3]) / 2
        near += (x * x + y * y) ** 0.5 <= 20
    metrics = scored(truth, found)
    assert metrics["success"] == pytest.approx(hits / 21 / 30)
    assert metrics["precision20"] == pytest.approx(near / 30)


def test_tracks_count_equally_and_failed_ones_are_lost(tmp_path: Path) -> None:
    (tmp_path / "long").mkdir()
    images = frames(tmp_path, BOX, BOX) + [
        LabeledImage(f"long/{it.name}", it.file, it.annotations)
        for it in frames(tmp_path / "long", *([BOX] * 6), label="dog")
    ]
    measure = tracks.start(task(*images))
    short, long = measure.samples()
    measure.add(short, [list(BOX)] * 2)
    measure.add(long, None)
    result = measure.result()
    assert result.metrics == {"success": pytest.approx(20 / 21 / 2), "precision20": 0.5}
    assert result.tables[0].rows["cat"] == pytest.approx((1, 2, 20 / 21, 1, 0))
    assert result.tables[0].rows["dog"] == (1, 6, 0, 0, 6)
    assert [it.index for it in result.worst] == [1]
    assert [it.index for it in result.best] == [0]


def test_other_shapes_have_their_bounding_box(tmp_path: Path) -> None:
    (image,) = frames(tmp_path, BOX)
    for shape in (
        Polygons(((10, 10, 30, 20, 20, 30),)),
        Mask(np.ones((20, 20), bool), 10, 10),
    ):
        one = LabeledImage(image.name, image.file, (Annotation("cat", shape, track=1),))
        (sample,) = tracks.start(task(one)).samples()
        assert sample.prompt == {"box": BOX}


def test_a_dataset_without_tracks(tmp_path: Path) -> None:
    (image,) = frames(tmp_path, None)
    assert not tracks.fits(task(image), [image])
    with pytest.raises(DatasetError, match="no annotation belongs to a track"):
        tracks.start(task(image))
    (tracked,) = frames(tmp_path, BOX)
    assert tracks.fits(task(tracked), [tracked])


@pytest.mark.parametrize("variant", quick_and_slow(["cpu", "gpu"], ["cpu"]))
def test_an_example_follows_a_drawn_square(tmp_path: Path, variant: Any) -> None:
    images = []
    for number in range(8):
        picture = np.full((200, 300, 3), 128, np.uint8)
        x, y = 100 + 10 * number, 80 + 3 * number
        picture[y : y + 40, x : x + 40] = (40, 40, 220)
        file = tmp_path / f"{number}.png"
        cv2.imwrite(str(file), picture)
        own = Annotation("cat", Rectangle(x, y, x + 40, y + 40), track=0)
        images.append(LabeledImage(file.name, file, (own,)))
    measure = tracks.start(task(*images))
    built = build(plan(MANIFESTS / "tracker-demo.yaml"), tmp_path, force=False).folder
    with FunctionProcess(built, variant, allow_fallback=True) as function:
        for sample in measure.samples():
            assert isinstance(sample, Sample)
            measure.add(sample, measure.ask(function, sample))
    metrics = measure.result().metrics
    assert metrics["precision20"] == 1
    assert metrics["success"] is not None
    assert metrics["success"] > 0.7
