from pathlib import Path
from typing import Any

import numpy as np
import pytest

from builder.datasets.annotation import Annotation, Keypoints, LabeledImage, Rectangle
from builder.diagnostics.errors import DatasetError
from builder.evaluation.evaluation import Result
from builder.evaluation.label_map import label_map
from builder.evaluation.measure import Sample, Task
from builder.evaluation.measures import keypoints
from builder.families.coco_keypoints import COCO
from runtimes.arrays import Array
from tests.builder.evaluation.coco import coco_eval
from tests.builder.evaluation.made import MadeDataset

SIDE = 400


def skeleton(label: str, names: tuple[str, ...]) -> dict[str, Any]:
    return {
        "name": label,
        "type": "skeleton",
        "sublabels": [{"name": name, "type": "points"} for name in names],
    }


def evaluated(
    spec: list[dict[str, Any]],
    images: list[LabeledImage],
    answers: list[list[Any]],
    sigma: float | None = None,
) -> Result:
    dataset = MadeDataset(images, tuple(str(it["name"]) for it in spec))
    mapped = label_map(dataset.labels, spec, (), Path("made"))
    measure = keypoints.start(Task(spec, {}, 0.5, dataset, mapped, sigma=sigma))
    for image, items in zip(images, answers, strict=True):
        measure.add(Sample(image.name, (image,)), {"size": [80, 100], "items": items})
    return measure.result()


def image_of(number: int, *annotations: Annotation) -> LabeledImage:
    return LabeledImage(f"{number}.png", Path(f"{number}.png"), annotations)


def found(label: str, score: float, names: tuple[str, ...], points: Array) -> dict[str, Any]:
    elements = [
        {"label": name, "type": "points", "points": point, "outside": False}
        for name, point in zip(names, points.tolist(), strict=True)
    ]
    return {"label": label, "type": "skeleton", "confidence": score, "elements": elements[::-1]}


@pytest.mark.parametrize(
    ("names", "sigmas"), [(COCO, None), (("a", "b", "c", "d"), [0.05] * 4)], ids=["coco", "other"]
)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_figures_equal_those_of_pycocotools(
    seed: int, names: tuple[str, ...], sigmas: list[float] | None
) -> None:
    random = np.random.default_rng(seed)
    count = len(names)
    images, answers, truths, detections = [], [], [], []
    for number in range(50):
        annotations, items = [], []
        for person in range(random.integers(0, 4)):
            low = random.uniform(0, 250, 2)
            size = random.uniform(30, 150, 2)
            points = low + random.random((count, 2)) * size
            seen = random.integers(0, 3, count)
            if person == 2:
                seen[:] = 0
            crowd = bool(random.random() < 0.1)
            area = float(size.prod() * 0.6)
            box = (*low.tolist(), *(low + size).tolist())
            shape = Keypoints(names, points, seen, box)
            annotations.append(Annotation("person", shape, crowd=crowd, area=area))
            truths.append(
                {
                    "image_id": number + 1,
                    "category_id": 1,
                    "keypoints": np.column_stack([points, seen]).ravel().tolist(),
                    "num_keypoints": int((seen > 0).sum()),
                    "bbox": [*low.tolist(), *size.tolist()],
                    "area": area,
                    "iscrowd": int(crowd),
                }
            )
            for _ in range(random.integers(0, 3)):
                near = points + random.normal(0, random.choice([1, 4, 10]), (count, 2))
                score = float(random.integers(1, 20) / 20)
                items.append(found("person", score, names, near))
                detections.append(
                    {
                        "image_id": number + 1,
                        "category_id": 1,
                        "keypoints": np.column_stack([near, np.ones(count)]).ravel().tolist(),
                        "score": score,
                    }
                )
        images.append(image_of(number, *annotations))
        answers.append(items)
    result = evaluated([skeleton("person", names)], images, answers)
    reference = coco_eval("keypoints", 50, truths, detections, 1, side=SIDE, sigmas=sigmas)
    assert 0.05 < (reference.mean() or 0) < 0.95
    assert result.metrics["map50_95"] == pytest.approx(reference.mean(), abs=1e-9)
    assert result.metrics["map50"] == pytest.approx(reference.mean(threshold=0), abs=1e-9)
    recall = reference.recall[..., 0]
    assert result.metrics["recall_at_20"] == pytest.approx(recall.mean(), abs=1e-9)
    for name in ("medium", "large"):
        expected = reference.mean(name)
        value = result.tables[1].rows[name][2]
        assert value == (expected if expected is None else pytest.approx(expected, abs=1e-9))
    assert ("OKS with a sigma of 0.05 for a, b, c, d" in result.notes) == (names != COCO)


POINTS = np.array([[10.0, 10.0], [50.0, 10.0], [50.0, 50.0]])
NAMES = ("a", "b", "c")
SEEN = np.array([2, 2, 2])


def test_keypoints_are_matched_by_name_or_without_names_by_order() -> None:
    spec, order = [skeleton("person", NAMES)], [2, 0, 1]
    exact = [[found("person", 0.9, NAMES, POINTS)]]
    shuffled = Keypoints(tuple(NAMES[it] for it in order), POINTS[order], SEEN)
    for shape in (shuffled, Keypoints((), POINTS, SEEN)):
        result = evaluated(spec, [image_of(0, Annotation("person", shape))], exact)
        assert result.metrics["map50_95"] == pytest.approx(1)


def test_other_keypoints_are_named_and_none_in_common_is_an_error() -> None:
    spec = [skeleton("person", NAMES)]
    exact = [[found("person", 0.9, NAMES, POINTS)]]
    partly = Annotation("person", Keypoints(("a", "tail", "c"), POINTS, SEEN))
    result = evaluated(spec, [image_of(0, partly)], exact)
    assert result.metrics["map50_95"] == pytest.approx(1)
    assert "keypoints that the function does not have: tail" in result.notes
    other = Annotation("person", Keypoints(("x", "y", "z"), POINTS, SEEN))
    with pytest.raises(DatasetError, match="are not those of the function"):
        evaluated(spec, [image_of(0, other)], exact)


def test_the_sigma_can_be_set() -> None:
    spec, truth = [skeleton("person", NAMES)], Annotation("person", Keypoints(NAMES, POINTS, SEEN))
    near = [[found("person", 0.9, NAMES, POINTS + 3)]]
    # OKS is exp(-18 / (2 * 0.53 * 1600 * (2 * sigma)^2)) for each keypoint.
    assert evaluated(spec, [image_of(0, truth)], near, 0.01).metrics["map50"] == 0
    wide = evaluated(spec, [image_of(0, truth)], near, 0.3)
    assert wide.metrics["map50_95"] == pytest.approx(1)
    assert any(note.startswith("OKS with a sigma of 0.3 for a, b, c") for note in wide.notes)
    assert any("1 annotations have no area" in note for note in wide.notes)


def test_skeletons_of_two_labels_never_match() -> None:
    spec = [skeleton("person", NAMES), skeleton("dog", ("a", "b"))]
    truth = Annotation("person", Keypoints(NAMES, POINTS, SEEN))
    items = [found("dog", 0.9, ("a", "b"), POINTS[:2])]
    result = evaluated(spec, [image_of(0, truth)], [items])
    assert result.metrics["recall"] == 0
    assert result.confusions[0].counts[0] == (0, 0, 1)


def test_keypoints_fit_skeletons_on_both_sides() -> None:
    spec = [skeleton("cat", NAMES)]
    points = image_of(0, Annotation("cat", Keypoints(NAMES, POINTS, SEEN)))
    boxes = image_of(0, Annotation("cat", Rectangle(0, 0, 9, 9)))
    dataset = MadeDataset([points])
    one = Task(spec, {}, None, dataset, label_map(dataset.labels, spec, (), Path("made")))
    assert keypoints.fits(one, [points])
    assert not keypoints.fits(one, [boxes])
    # The skeleton has no counterpart in the dataset, its bounding box has one.
    spec.append({"name": "cat-box", "type": "rectangle"})
    mapped = label_map(["cat"], spec, ["cat=cat-box"], Path("made"))
    assert not keypoints.fits(Task(spec, {}, None, dataset, mapped), [points])
