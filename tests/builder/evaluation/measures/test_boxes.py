from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from builder.datasets.annotation import Annotation, LabeledImage, Polygons, Rectangle, Tag
from builder.evaluation.evaluation import Result
from builder.evaluation.label_map import label_map
from builder.evaluation.measure import Sample, Task
from builder.evaluation.measures import boxes
from tests.builder.evaluation.made import MadeDataset

SPEC = [{"name": "cat", "type": "rectangle"}]


def evaluated(*pairs: tuple[list[Annotation], list[dict[str, Any]]]) -> Result:
    images = [image_of(*annotations) for annotations, _ in pairs]
    measure = boxes.start(task(*images))
    for image, (_, items) in zip(images, pairs, strict=True):
        measure.add(Sample(image.name, (image,)), {"size": [80, 100], "items": items})
    return measure.result()


def task(*images: LabeledImage) -> Task:
    dataset = MadeDataset(images, ("cat",))
    return Task(SPEC, {}, 0.5, dataset, label_map(dataset.labels, SPEC, (), Path("made")))


def image_of(*annotations: Annotation) -> LabeledImage:
    return LabeledImage("0.png", Path("0.png"), annotations)


def item(*points: float, rotation: float | None = None) -> dict[str, Any]:
    turned = {} if rotation is None else {"rotation": rotation}
    return {"label": "cat", "type": "rectangle", "points": [*points], "confidence": 0.9, **turned}


LONG = (10.0, 40.0, 90.0, 60.0)


@pytest.mark.parametrize("rotation", [0.0, 37.0, 90.0, 200.0])
def test_an_oriented_box_equals_itself_and_its_half_turn(rotation: float) -> None:
    truth = Annotation("cat", Rectangle(*LONG, rotation))
    for turn in (0, 180):
        result = evaluated(([truth], [item(*LONG, rotation=(rotation + turn) % 360)]))
        assert result.metrics["map50_95"] == pytest.approx(1)
    assert any("oriented" in note for note in result.notes)


def test_an_oriented_box_across_is_a_miss_although_the_centers_agree() -> None:
    truth = Annotation("cat", Rectangle(*LONG, 30))
    result = evaluated(([truth], [item(*LONG, rotation=120)]))
    assert result.metrics["map50"] == 0


def test_polygons_of_four_points_are_oriented_boxes_for_a_function_that_has_them() -> None:
    corners = cv2.boxPoints(((50, 50), (80, 20), 30)).ravel().tolist()
    truth = Annotation("cat", Polygons((tuple(corners),)))
    turned = evaluated(([truth], [item(*LONG, rotation=30)]))
    assert turned.metrics["map50_95"] == pytest.approx(1)
    # Without a rotation, the bounding box of the polygon counts.
    x, y = np.array(corners).reshape(-1, 2).T
    upright = evaluated(([truth], [item(x.min(), y.min(), x.max(), y.max())]))
    assert upright.metrics["map50_95"] == pytest.approx(1)


def test_upright_detections_of_rotated_rectangles_have_the_iou_of_the_polygons() -> None:
    truth = Annotation("cat", Rectangle(0, 0, 20, 20, 45))
    # The square fits into the turned one of the same size: IoU 0.7071, see test_overlap.
    result = evaluated(([truth], [item(0, 0, 20, 20)]))
    assert result.metrics["recall_at_100"] == pytest.approx(0.5)


def test_oriented_boxes_have_the_size_of_the_rectangle_not_of_its_bounds() -> None:
    # 60 x 16 = 960 pixels are small; the bounding box would be medium.
    rectangle = (0.0, 0.0, 60.0, 16.0)
    truth = Annotation("cat", Rectangle(*rectangle, 45))
    result = evaluated(([truth], [item(*rectangle, rotation=45)]))
    assert [result.tables[1].rows[size][0] for size in ("small", "medium", "large")] == [1, 0, 0]


def test_random_oriented_boxes_match_as_opencv_says() -> None:
    random = np.random.default_rng(0)
    for _ in range(30):
        low, high = [40, 40, 20, 20, 0], [60, 60, 60, 60, 360]
        x, y, width, height, angle = random.uniform(low, high).tolist()
        near = random.normal([x, y, width, height, angle], [2, 2, 4, 4, 6]).tolist()
        areas = cv2.rotatedRectangleIntersection(
            ((x, y), (width, height), angle), (near[:2], near[2:4], near[4])
        )
        shared = cv2.contourArea(areas[1])
        iou = shared / (width * height + near[2] * near[3] - shared)
        box = Rectangle(x - width / 2, y - height / 2, x + width / 2, y + height / 2, angle)
        truth = Annotation("cat", box)
        a, b, c, d = near[:4]
        detection = item(a - c / 2, b - d / 2, a + c / 2, b + d / 2, rotation=near[4] % 360)
        steps = sum(iou >= threshold for threshold in np.linspace(0.5, 0.95, 10))
        result = evaluated(([truth], [detection]))
        assert result.metrics["recall_at_100"] == pytest.approx(steps / 10)


def test_boxes_fit_annotations_with_a_bounding_box() -> None:
    box, tag = (
        image_of(Annotation("cat", Rectangle(0, 0, 9, 9))),
        image_of(Annotation("cat", Tag())),
    )
    assert boxes.fits(task(box), [box])
    assert not boxes.fits(task(tag), [tag])
