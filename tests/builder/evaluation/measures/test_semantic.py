from pathlib import Path
from typing import Any

import numpy as np
import pytest

from builder.datasets.annotation import (
    Annotation,
    LabeledImage,
    Mask,
    Polygons,
    Rectangle,
    Shape,
    Tag,
)
from builder.evaluation.evaluation import Result
from builder.evaluation.label_map import label_map
from builder.evaluation.measure import Sample, Task
from builder.evaluation.measures import semantic
from runtimes.arrays import Array
from tests.builder.evaluation.made import MadeDataset, MadeFunction, picture

SPEC = [{"name": "cat", "type": "mask"}, {"name": "dog", "type": "mask"}]


def square(x: int, y: int, width: int, height: int) -> Polygons:
    right, bottom = x + width, y + height
    return Polygons(((x, y, right, y, right, bottom, x, bottom),))


def item(label: str, bitmap: Array, left: int = 0, top: int = 0, score: float = 0.9) -> Any:
    height, width = bitmap.shape
    box = [left, top, left + width - 1, top + height - 1]
    mask = [*bitmap.astype(int).ravel().tolist(), *box]
    return {"label": label, "type": "mask", "mask": mask, "confidence": score}


def evaluated(image: LabeledImage, items: list[Any] | None, size: tuple[int, int]) -> Result:
    dataset = MadeDataset((image,))
    labels = label_map(dataset.labels, SPEC, (), Path("made"))
    measure = semantic.start(Task(SPEC, {}, None, dataset, labels))
    answer = None if items is None else {"size": list(size), "items": items}
    measure.add(Sample(image.name, (image,)), answer)
    return measure.result()


def image_of(*shapes: tuple[str, Shape], **extra: Any) -> LabeledImage:
    annotations = tuple(Annotation(*it) for it in shapes)
    return LabeledImage("0.png", Path("0.png"), annotations, **extra)


def test_figures_by_hand() -> None:
    # The truth: a cat of 4x4 pixels. Found: its left half as cat, and its right half as dog.
    image = image_of(("cat", square(2, 2, 4, 4)))
    half = np.ones((4, 2), bool)
    result = evaluated(image, [item("cat", half, 2, 2), item("dog", half, 4, 2)], (10, 10))
    assert result.metrics["miou"] == (8 / 16 + 0 / 8) / 2
    assert result.metrics["miou_with_background"] == pytest.approx((8 / 16 + 0 + 1) / 3)
    assert result.metrics["pixel_accuracy"] == 92 / 100
    rows = result.tables[0].rows
    assert rows["cat"] == (16, 0.5, 1.0, 0.5)
    assert rows["dog"] == (0, 0.0, 0.0, None)
    assert rows["background"] == (84, 1.0, 1.0, 1.0)
    assert result.confusions[0].counts == ((8, 8, 0), (0, 0, 0), (0, 0, 84))


def test_rectangles_are_left_out_and_counted_in_a_note() -> None:
    image = image_of(("cat", square(0, 0, 2, 2)), ("dog", Rectangle(0, 0, 10, 10)))
    box = {"label": "dog", "type": "rectangle", "confidence": 1.0, "points": [0, 0, 10, 10]}
    result = evaluated(image, [item("cat", np.ones((2, 2), bool)), box], (10, 10))
    assert result.metrics["miou_with_background"] == 1
    assert result.tables[0].rows["dog"][0] == 0
    assert "1 annotations of type rectangle were left out" in result.notes
    assert "1 detections of type rectangle were left out" in result.notes


def test_labels_without_a_pixel_do_not_count() -> None:
    result = evaluated(image_of(("cat", square(0, 0, 2, 2))), [], (10, 10))
    assert result.metrics["miou"] == 0
    assert result.tables[0].rows["dog"] == (0, None, None, None)


def test_later_annotations_and_more_confident_items_cover_others() -> None:
    image = image_of(("cat", square(0, 0, 4, 4)), ("dog", square(0, 0, 2, 4)))
    four = np.ones((4, 4), bool)
    found = [item("dog", four[:, :2], score=0.9), item("cat", four, score=0.6)]
    assert evaluated(image, found, (4, 4)).metrics["miou"] == 1
    found = [item("dog", four[:, :2], score=0.5), item("cat", four, score=0.6)]
    # All cat: 8 of 16 pixels are right, and no dog is.
    assert evaluated(image, found, (4, 4)).metrics["miou"] == (8 / 16 + 0) / 2


def test_crowds_and_ignored_regions_do_not_count() -> None:
    crowd = Annotation("dog", square(0, 0, 4, 2), crowd=True)
    ignored = (square(0, 2, 4, 2),)
    cat = Annotation("cat", square(0, 4, 4, 4))
    image = LabeledImage("0.png", Path("0.png"), (cat, crowd), ignored)
    result = evaluated(image, [item("cat", np.ones((8, 4), bool))], (8, 4))
    assert result.metrics == {"miou": 1.0, "miou_with_background": 1.0, "pixel_accuracy": 1.0}


@pytest.mark.parametrize("seed", range(5))
def test_random_maps_have_the_figures_of_plain_loops(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, found = rng.integers(0, 3, (2, 12, 15))
    names = ("cat", "dog")
    image = image_of(*((name, Mask(truth == it, 0, 0)) for it, name in enumerate(names)))
    items = [item(name, found == it) for it, name in enumerate(names)]
    result = evaluated(image, items, (12, 15))
    ious = []
    for label in range(3):
        shared = either = 0
        for y, x in np.ndindex(12, 15):
            shared += bool(truth[y, x] == label and found[y, x] == label)
            either += bool(truth[y, x] == label or found[y, x] == label)
        ious.append(shared / either)
    assert result.metrics["miou"] == pytest.approx(sum(ious[:2]) / 2)
    assert result.metrics["miou_with_background"] == pytest.approx(sum(ious) / 3)
    assert result.metrics["pixel_accuracy"] == pytest.approx((truth == found).mean())


def test_shapes_that_leave_the_image_are_cut_off() -> None:
    image = image_of(("cat", square(-5, -5, 10**9, 10)), ("cat", Mask(np.ones((9, 9)), -8, -8)))
    found = [{"label": "cat", "type": "polygon", "points": [-5, -5, 99, -5, 99, 5, -5, 5]}]
    result = evaluated(image, [{**found[0], "confidence": 0.5}], (10, 10))
    assert result.metrics["miou"] == 1
    assert result.tables[0].rows["cat"][0] == 50


def test_a_failed_image_is_all_background(tmp_path: Path) -> None:
    image = picture(tmp_path, 1, ("cat", square(0, 0, 10, 10)))
    assert evaluated(image, None, (0, 0)).metrics["miou"] == 0


def test_the_function_is_asked_with_its_own_threshold_and_only_on_request(tmp_path: Path) -> None:
    image = picture(tmp_path, 1, ("cat", Tag()))
    dataset = MadeDataset((image,))
    task = Task(SPEC, {}, 0.5, dataset, label_map(dataset.labels, SPEC, (), Path("made")))
    assert not semantic.fits(task, [image])
    measure = semantic.start(task)
    function = MadeFunction(lambda number: [], SPEC)
    (sample,) = measure.samples()
    assert measure.ask(function, sample) == {"size": (80, 100), "items": []}
    assert function.thresholds == [None]
    assert len(measure) == 1
