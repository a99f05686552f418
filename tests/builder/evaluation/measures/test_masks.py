from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from pycocotools import mask as coco_mask

from builder.datasets.annotation import Annotation, Ellipse, LabeledImage, Mask, Polygons, Rectangle
from builder.evaluation.collect import collect
from builder.evaluation.evaluation import Result
from builder.evaluation.label_map import label_map
from builder.evaluation.measure import Sample, Task
from builder.evaluation.measures import boxes, masks
from builder.evaluation.store import Store
from tests.builder.evaluation.coco import coco_eval
from tests.builder.evaluation.made import Counted, MadeDataset, MadeFunction, picture

SPEC = [{"name": "cat", "type": "mask"}, {"name": "dog", "type": "polygon"}]
SIDE = 120


def task(*images: LabeledImage) -> Task:
    dataset = MadeDataset(images)
    return Task(SPEC, {}, 0.5, dataset, label_map(dataset.labels, SPEC, (), Path("made")))


def evaluated(images: list[LabeledImage], answers: list[list[Any]]) -> Result:
    measure = masks.start(task(*images))
    for image, items in zip(images, answers, strict=True):
        measure.add(Sample(image.name, (image,)), {"size": [SIDE, SIDE], "items": items})
    return measure.result()


def image_of(number: int, *annotations: Annotation) -> LabeledImage:
    return LabeledImage(f"{number}.png", Path(f"{number}.png"), annotations)


def mask_item(label: str, score: float, bitmap: Any, left: int, top: int) -> dict[str, Any]:
    box = [left, top, left + bitmap.shape[1] - 1, top + bitmap.shape[0] - 1]
    pixels = bitmap.astype(int).ravel().tolist()
    return {"label": label, "type": "mask", "confidence": score, "mask": pixels + box}


def blob(random: np.random.Generator) -> list[float]:
    """A random polygon inside of the image, x, y, ..."""
    center, radius = random.uniform(30, SIDE - 30, 2), random.uniform(5, 28)
    turn = np.linspace(0, 2 * np.pi, 9)[:-1]
    length = radius * random.uniform(0.6, 1, 8)
    ring = center + np.stack([np.cos(turn) * length, np.sin(turn) * length], axis=1)
    return [float(it) for it in ring.ravel()]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_figures_equal_those_of_pycocotools(seed: int) -> None:
    random = np.random.default_rng(seed)
    images, answers, truths, found = [], [], [], []
    for number in range(40):
        annotations, items = [], []
        for _ in range(random.integers(0, 5)):
            label, ring = random.integers(0, 2), blob(random)
            crowd = bool(random.random() < 0.15)
            rle = coco_mask.merge(coco_mask.frPyObjects([ring], SIDE, SIDE))
            rings = [ring, blob(random)] if random.random() < 0.3 else [ring]
            rle = coco_mask.merge(coco_mask.frPyObjects(rings, SIDE, SIDE))
            shape = Polygons(tuple(tuple(it) for it in rings))
            annotations.append(Annotation(["cat", "dog"][label], shape, crowd=crowd))
            truths.append(
                {
                    "image_id": number + 1,
                    "category_id": int(label) + 1,
                    "segmentation": rle,
                    "area": float(coco_mask.area(rle)),
                    "bbox": [0, 0, 1, 1],
                    "iscrowd": int(crowd),
                }
            )
            near = (np.array(ring) + random.normal(0, 3, 2).tolist() * 8).tolist()
            score = float(random.integers(1, 30) / 30)
            if label == 1:
                points = [min(max(it, 0.0), SIDE) for it in near]
                items.append(
                    {"label": "dog", "type": "polygon", "confidence": score, "points": points}
                )
                rle = coco_mask.frPyObjects([points], SIDE, SIDE)[0]
            else:
                canvas = np.zeros((SIDE, SIDE), np.uint8)
                cv2.fillPoly(canvas, [np.round(near).astype(np.int32).reshape(-1, 2)], 1)
                x, y, width, height = cv2.boundingRect(canvas)
                items.append(mask_item("cat", score, canvas[y : y + height, x : x + width], x, y))
                rle = coco_mask.encode(np.asfortranarray(canvas))
            found.append(
                {
                    "image_id": number + 1,
                    "category_id": int(label) + 1,
                    "segmentation": rle,
                    "score": score,
                }
            )
        images.append(image_of(number, *annotations))
        answers.append(items)
    result = evaluated(images, answers)
    reference = coco_eval("segm", 40, truths, found, 2, side=SIDE)
    assert 0.05 < (reference.mean() or 0) < 0.95
    assert result.metrics["map50_95"] == pytest.approx(reference.mean(), abs=1e-9)
    assert result.metrics["map50"] == pytest.approx(reference.mean(threshold=0), abs=1e-9)
    for name in ("small", "medium", "large"):
        expected = reference.mean(name)
        value = result.tables[1].rows[name][2]
        assert value == (expected if expected is None else pytest.approx(expected, abs=1e-9))


def test_masks_rectangles_and_ellipses_are_compared_pixel_by_pixel() -> None:
    disk = Annotation("cat", Ellipse(60, 60, 30, 30))
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5
    drawn = np.hypot(x - 60, y - 60) <= 30
    square = Annotation("dog", Polygons(((10, 10, 20, 10, 20, 20, 10, 20),)))
    bitmap = Annotation("cat", Mask(np.ones((10, 10), bool), 100, 100))
    items = [
        mask_item("cat", 0.9, drawn[30:90, 30:90], 30, 30),
        mask_item("dog", 0.9, np.ones((10, 10)), 10, 10),
        mask_item("cat", 0.9, np.ones((10, 10)), 100, 100),
    ]
    result = evaluated([image_of(0, disk, square, bitmap)], [items])
    assert result.metrics["map50"] == pytest.approx(1)
    assert result.metrics["map75"] == pytest.approx(1)


def test_rectangles_are_left_out_and_counted_in_a_note() -> None:
    square = Annotation("cat", Polygons(((10, 10, 30, 10, 30, 30, 10, 30),)))
    boxes_of_dogs = [Annotation("dog", Rectangle(50, 50, 70, 70)) for _ in range(2)]
    region = Rectangle(80, 80, 100, 100)
    image = LabeledImage("0.png", Path("0.png"), (square, *boxes_of_dogs), (region,))
    box = {"label": "dog", "type": "rectangle", "confidence": 0.9, "points": [50, 50, 70, 70]}
    items = [
        mask_item("cat", 0.9, np.ones((20, 20)), 10, 10),
        # Excused: it is in the ignored region, which may be a rectangle.
        mask_item("cat", 0.9, np.ones((20, 20)), 80, 80),
        box,
    ]
    result = evaluated([image], [items])
    assert "2 annotations of type rectangle were left out" in result.notes
    assert "1 detections of type rectangle were left out" in result.notes
    assert [row[0] for row in result.tables[0].rows.values()] == [1, 0]
    assert result.metrics["precision"] == result.metrics["recall"] == 1


def test_masks_fit_labels_and_annotations_with_outlines() -> None:
    ring = Annotation("cat", Polygons(((0, 0, 9, 0, 9, 9),)))
    outlined = image_of(0, ring)
    boxed = image_of(0, Annotation("cat", Rectangle(0, 0, 9, 9)))
    assert masks.fits(task(outlined), [outlined])
    assert not masks.fits(task(boxed), [boxed])


@pytest.mark.parametrize("before", [boxes, masks])
def test_replies_that_another_measure_stored_give_the_same_figures(
    before: Any, tmp_path: Path
) -> None:
    square = Polygons(((10, 10, 50, 10, 50, 50, 10, 50),))
    images = [picture(tmp_path, number, ("cat", square)) for number in range(2)]
    found = mask_item("cat", 0.9, np.ones((40, 40), bool), 10, 10)
    function = MadeFunction(lambda number: [found], SPEC)
    with Store(tmp_path / "x.sqlite", "one") as store:
        for kind in (before, boxes, masks):
            measure = kind.start(task(*images))
            collect(function, measure, store, Counted())
            result = measure.result()
            assert result.metrics["map50_95"] == pytest.approx(1)
            # 40 * 40 pixels are above 32 * 32, and below 96 * 96.
            assert [row[0] for row in result.tables[1].rows.values()] == [0, 2, 0]
    assert function.asked == [0, 1]
