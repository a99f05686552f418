import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from builder.datasets.annotation import Annotation, LabeledImage, Mask, Polygons, Rectangle, Shape
from builder.evaluation.evaluation import Result
from builder.evaluation.label_map import label_map
from builder.evaluation.measure import Sample, Task, Unanswered
from builder.evaluation.measures import clicks
from builder.lint.examine import plan
from builder.run.function import Function, Reply
from builder.run.process import FunctionProcess
from builder.targets.build import build
from runtimes import rle
from runtimes.arrays import Array
from tests.builder.evaluation.made import MadeDataset, picture
from tests.paths import MANIFESTS
from tests.scenes import scene

SQUARE = Polygons(((20.0, 20.0, 60.0, 20.0, 60.0, 60.0, 20.0, 60.0),))
"""40x40 pixels in an image of 100x80."""


class Interactor(Function):
    """A function that answers with the mask that `answer` returns for the clicks."""

    def __init__(self, answer: Callable[[list[Any], list[Any]], Array]) -> None:
        self._answer = answer
        self.requests: list[Mapping[str, Any]] = []

    @property
    def type(self) -> str:
        return "interactor"

    @property
    def labels(self) -> list[dict[str, Any]]:
        return []

    @property
    def annotations(self) -> Mapping[str, str]:
        return {}

    def send(self, body: object, content_type: str) -> Reply:
        assert isinstance(body, dict)
        self.requests.append(body)
        mask = self._answer(body["pos_points"], body["neg_points"])
        shape = {"type": "mask", "points": rle.encode(mask, 0, 0), "attributes": []}
        return Reply(200, {"shapes": [shape] if mask.any() else []}, "text", 1.0)


def task(*images: LabeledImage, **annotations: str) -> Task:
    dataset = MadeDataset(images)
    return Task([], annotations, None, dataset, label_map(dataset.labels, [], (), Path("made")))


def window(x1: int, y1: int, x2: int, y2: int) -> Array:
    """A bitmap of 100x80 with a box of ones."""
    bitmap = np.zeros((80, 100), bool)
    bitmap[y1:y2, x1:x2] = True
    return bitmap


def asked(measure: Any, function: Function) -> tuple[Any, Sample]:
    (sample,) = measure.samples()
    return measure.ask(function, sample), sample


def result_of(*answers: list[float] | None) -> Result:
    image = LabeledImage("0.png", Path("0.png"), (Annotation("cat", SQUARE),))
    measure = clicks.start(task(image))
    for answer in answers:
        measure.add(Sample("0.png", (image,)), answer)
    return measure.result()


def test_each_click_is_in_the_largest_error(tmp_path: Path) -> None:
    # After one click, the left half is found; after two, everything; then too much.
    masks = [window(20, 20, 40, 60), window(20, 20, 60, 60)]
    function = Interactor(lambda positive, negative: masks[len(positive) - 1])
    ious, _ = asked(clicks.start(task(picture(tmp_path, 1, ("cat", SQUARE)))), function)
    assert ious == [0.5, 1.0]
    first, second = (request["pos_points"][-1] for request in function.requests)
    # The middle of the square, then that of its right half. Both have an even number of pixels.
    assert np.abs(np.array(first) - 40).max() <= 0.5
    assert np.abs(second[0] - 50) <= 0.5
    assert all(request["obj_bbox"] == [] for request in function.requests)


def test_too_much_is_clicked_negatively(tmp_path: Path) -> None:
    function = Interactor(lambda positive, negative: window(20, 20, 60 if negative else 100, 60))
    ious, _ = asked(clicks.start(task(picture(tmp_path, 1, ("cat", SQUARE)))), function)
    assert ious == [0.5, 1.0]
    ((x, y),) = function.requests[1]["neg_points"]
    assert 60 < x < 100
    assert 20 < y < 60


def test_an_object_that_is_never_found_gets_twenty_clicks_at_different_pixels(
    tmp_path: Path,
) -> None:
    function = Interactor(lambda positive, negative: np.zeros((80, 100), bool))
    ious, _ = asked(clicks.start(task(picture(tmp_path, 1, ("cat", SQUARE)))), function)
    assert ious == [0.0] * 20
    points = function.requests[-1]["pos_points"]
    assert len({tuple(it) for it in points}) == 20


def test_a_good_mask_ends_after_five_clicks(tmp_path: Path) -> None:
    function = Interactor(lambda positive, negative: window(20, 20, 58, 60))
    ious, _ = asked(clicks.start(task(picture(tmp_path, 1, ("cat", SQUARE)))), function)
    assert ious == [38 / 40] * 5


def test_a_function_that_needs_a_box_gets_that_of_the_object(tmp_path: Path) -> None:
    function = Interactor(lambda positive, negative: window(20, 20, 60, 60))
    measure = clicks.start(task(picture(tmp_path, 1, ("cat", SQUARE)), startswith_box="true"))
    asked(measure, function)
    assert function.requests[0]["obj_bbox"] == [[20, 20], [60, 60]]


def test_ignored_pixels_are_neither_right_nor_wrong(tmp_path: Path) -> None:
    plain = picture(tmp_path, 1, ("cat", SQUARE))
    right = Polygons(((60.0, 0.0, 100.0, 0.0, 100.0, 80.0, 60.0, 80.0),))
    image = LabeledImage(plain.name, plain.file, plain.annotations, (right,))
    function = Interactor(lambda positive, negative: window(20, 20, 100, 60))
    assert asked(clicks.start(task(image)), function)[0] == [1.0]


def test_what_cannot_be_asked_is_skipped(tmp_path: Path) -> None:
    outside = Polygons(((200.0, 0.0, 300.0, 0.0, 300.0, 50.0),))
    measure = clicks.start(task(picture(tmp_path, 1, ("cat", outside))))
    function = Interactor(lambda positive, negative: window(0, 0, 1, 1))
    with pytest.raises(Unanswered, match="no pixel in the image") as caught:
        asked(measure, function)
    assert caught.value.skipped


def test_samples_are_the_objects_with_an_outline(tmp_path: Path) -> None:
    crowd = Annotation("cat", SQUARE, crowd=True)
    plain = picture(tmp_path, 1, ("cat", Rectangle(0, 0, 9, 9)), ("dog", SQUARE), ("dog", SQUARE))
    image = LabeledImage(plain.name, plain.file, (*plain.annotations, crowd))
    measure = clicks.start(task(image))
    samples = list(measure.samples())
    assert [it.name for it in samples] == ["0001.png, object 2", "0001.png, object 3"]
    assert len(measure) == 2
    assert clicks.fits(task(image), [image])
    box = picture(tmp_path, 1, ("cat", Rectangle(0, 0, 9, 9)))
    assert not clicks.fits(task(box), [box])


def test_stored_answers_depend_on_the_outline(tmp_path: Path) -> None:
    bitmap = np.ones((4, 4), bool)
    shapes: list[Shape] = [SQUARE, Mask(bitmap, 0, 0), Mask(bitmap, 1, 0), Mask(~bitmap, 0, 0)]
    prompts = set()
    for shape in shapes:
        (sample,) = clicks.start(task(picture(tmp_path, 1, ("cat", shape)))).samples()
        prompts.add(hashlib.sha256(repr(sample.prompt).encode()).hexdigest())
    assert len(prompts) == 4


def test_figures_by_hand() -> None:
    result = result_of([0.5, 0.86, 0.88, 0.92, 0.95], [0.9, 1.0], None)
    metrics = result.metrics
    assert metrics["iou1"] == pytest.approx((0.5 + 0.9 + 0) / 3)
    assert metrics["iou5"] == pytest.approx((0.95 + 1 + 0) / 3)
    # 2, 1 and 20 clicks up to 0.85; 4, 1 and 20 up to 0.9.
    assert metrics["noc85"] == pytest.approx(23 / 3)
    assert metrics["noc90"] == pytest.approx(25 / 3)
    assert metrics["noc85_failed"] == metrics["noc90_failed"] == pytest.approx(1 / 3)
    assert result.tables[0].rows["cat"][0] == 3
    assert [it.index for it in result.worst] == [2]
    assert [it.index for it in result.best] == [1, 0]


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["cpu", "gpu"])
def test_an_example_finds_drawn_shapes_with_few_clicks(tmp_path: Path, variant: Any) -> None:
    drawn = scene()
    file = tmp_path / "scene.png"
    file.write_bytes(drawn.png)
    shapes = (Annotation(name, Mask(drawn.shapes[name], 0, 0)) for name in ("bar", "triangle"))
    image = LabeledImage("scene.png", file, tuple(shapes))
    dataset = MadeDataset((image,), ("bar", "triangle"))
    labels = label_map(dataset.labels, [], (), Path("made"))
    measure = clicks.start(Task([], {}, None, dataset, labels))
    built = build(plan(MANIFESTS / "sam-demo.yaml"), tmp_path, force=False).folder
    with FunctionProcess(built, variant, allow_fallback=True) as function:
        for sample in measure.samples():
            measure.add(sample, measure.ask(function, sample))
    metrics = measure.result().metrics
    # The model grows a region of one color, which these shapes are.
    assert metrics["iou1"] is not None
    assert metrics["iou1"] > 0.85
    assert metrics["noc85"] == 1
