from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from builder.datasets.annotation import Annotation, LabeledImage, Polygons, Rectangle, Shape, Tag
from builder.evaluation import average_precision
from builder.evaluation.collect import collect
from builder.evaluation.detection import DetectionMeasure
from builder.evaluation.evaluation import Result
from builder.evaluation.label_map import label_map
from builder.evaluation.measure import Sample, Task
from builder.evaluation.measures import boxes
from builder.evaluation.store import Store
from builder.run.function import Reply
from tests.builder.evaluation.coco import coco_eval
from tests.builder.evaluation.made import Counted, MadeDataset, MadeFunction, picture

SPEC = [{"name": name, "type": "rectangle"} for name in ("cat", "dog", "bird", "fish")]
NAMES = [label["name"] for label in SPEC]
SIDE = 400


def task(
    images: Sequence[LabeledImage], threshold: float = 0.5, labels: Sequence[str] = NAMES
) -> Task:
    dataset = MadeDataset(images, tuple(labels))
    return Task(SPEC, {}, threshold, dataset, label_map(dataset.labels, SPEC, (), Path("made")))


def evaluated(
    images: Sequence[LabeledImage], answers: Sequence[list[Any] | None], threshold: float = 0.5
) -> Result:
    measure = boxes.start(task(images, threshold))
    for image, items in zip(images, answers, strict=True):
        answer = None if items is None else {"size": [80, 100], "items": items}
        measure.add(Sample(image.name, (image,)), answer)
    return measure.result()


def item(label: str, score: float, *box: float) -> dict[str, Any]:
    return {"label": label, "type": "rectangle", "points": list(box), "confidence": score}


def image_of(number: int, *annotations: Annotation, ignored: Sequence[Shape] = ()) -> LabeledImage:
    return LabeledImage(f"{number}.png", Path(f"{number}.png"), annotations, tuple(ignored))


def random_box(random: np.random.Generator) -> list[float]:
    """A box of any of COCO's sizes inside of the image."""
    width, height = random.choice([8, 31, 33, 60, 97, 150], 2) * random.uniform(0.9, 1.1, 2)
    x, y = random.uniform(0, SIDE - width), random.uniform(0, SIDE - height)
    return [x, y, x + width, y + height]


def moved(random: np.random.Generator, box: Sequence[float]) -> list[float]:
    """A box near another one."""
    size = np.array([box[2] - box[0], box[3] - box[1]] * 2)
    x1, y1, x2, y2 = box + random.normal(0, random.choice([0.01, 0.08, 0.2]), 4) * size
    return [x1, y1, max(x2, x1 + 1), max(y2, y1 + 1)]


class Scenes:
    """Random images and answers, and the same as COCO's dictionaries.

    The label `bird` has no annotations, `fish` is never found. Some images are empty, and some
    scores are equal.
    """

    def __init__(self, seed: int, count: int, crowded: bool, regions: bool) -> None:
        random = np.random.default_rng(seed)
        self.images: list[LabeledImage] = []
        self.answers: list[list[Any]] = []
        self.truths: list[dict[str, Any]] = []
        self.found: list[dict[str, Any]] = []
        for number in range(count):
            annotations, items, ignored = [], [], []
            for _ in range(0 if number % 7 == 3 else random.integers(0, 8)):
                label, box = str(random.choice(["cat", "dog", "fish"])), random_box(random)
                crowd = crowded and random.random() < 0.2
                area = float(random.uniform(0.3, 1) * (box[2] - box[0]) * (box[3] - box[1]))
                annotations.append(Annotation(label, Rectangle(*box), crowd=crowd, area=area))
                self._truth(number, label, box, crowd, area)
                for _ in range(random.integers(0, 3)):
                    found = str(random.choice([label, label, "cat", "bird"]))
                    near = moved(random, box)
                    score = float(random.integers(10, 40) / 40)
                    items.append(item(found.replace("fish", "cat"), score, *near))
            for _ in range(6):
                label, score = str(random.choice(NAMES[:3])), float(random.integers(0, 20) / 40)
                items.append(item(label, score, *random_box(random)))
            if regions and number % 3 == 0:
                box = random_box(random)
                ignored.append(Rectangle(*box))
                for label in NAMES:
                    self._truth(number, label, box, True, 1.0)
            for it in items:
                x1, y1, x2, y2 = it["points"]
                self.found.append(
                    {
                        "image_id": number + 1,
                        "category_id": NAMES.index(it["label"]) + 1,
                        "bbox": [x1, y1, x2 - x1, y2 - y1],
                        "score": it["confidence"],
                    }
                )
            self.images.append(image_of(number, *annotations, ignored=ignored))
            self.answers.append(items)

    def _truth(
        self, number: int, label: str, box: Sequence[float], crowd: bool, area: float
    ) -> None:
        x1, y1, x2, y2 = box
        self.truths.append(
            {
                "image_id": number + 1,
                "category_id": NAMES.index(label) + 1,
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "area": area,
                "iscrowd": int(crowd),
            }
        )


@pytest.mark.parametrize("rows", [4_000, 7])
@pytest.mark.parametrize(
    ("seed", "crowded", "regions"), [(0, False, False), (1, True, False), (2, True, True)]
)
def test_figures_equal_those_of_pycocotools(
    seed: int, crowded: bool, regions: bool, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(average_precision, "_ROWS", rows)
    scenes = Scenes(seed, 60, crowded, regions)
    result = evaluated(scenes.images, scenes.answers)
    reference = coco_eval("bbox", 60, scenes.truths, scenes.found, 4, side=SIDE)

    def close(value: object) -> Any:
        return None if value is None else pytest.approx(value, abs=1e-9)

    assert 0.05 < (reference.mean() or 0) < 0.95
    assert result.metrics["map50_95"] == close(reference.mean())
    assert result.metrics["map50"] == close(reference.mean(threshold=0))
    assert result.metrics["map75"] == close(reference.mean(threshold=5))
    recall = reference.recall[..., 0]
    assert result.metrics["recall_at_100"] == close(recall[recall > -1].mean())
    per_class, per_size = result.tables
    for name in ("small", "medium", "large"):
        assert per_size.rows[name][1:] == (
            close(reference.mean(name, 0)),
            close(reference.mean(name)),
        )
    for number, name in enumerate(NAMES):
        values = reference.precision[:, :, number, 0]
        defined = values[0, 0] > -1
        assert per_class.rows[name][1] == close(values[0].mean() if defined else None)
        assert per_class.rows[name][2] == close(values.mean() if defined else None)
        if defined:
            line = next(it for it in result.charts[0].lines if it.name == name)
            assert line.y == pytest.approx(values[0].tolist(), abs=1e-9)
    assert per_class.rows["bird"][:3] == (0, None, None)
    assert per_class.rows["fish"][1:3] == (0, 0)


CAT = Annotation("cat", Rectangle(0, 0, 100, 100))
DOG = Annotation("dog", Rectangle(200, 0, 300, 100))
HIT = (0, 0, 100, 100)
MISS = (100, 200, 200, 300)


@pytest.mark.parametrize(("side", "counted"), [(32, [1, 1, 0]), (96, [0, 1, 1]), (50, [0, 1, 0])])
def test_areas_between_two_sizes_count_in_both_as_in_coco(side: int, counted: list[int]) -> None:
    square = Annotation("cat", Rectangle(0, 0, side, side))
    per_size = evaluated([image_of(0, square)], [[]]).tables[1]
    assert [row[0] for row in per_size.rows.values()] == counted


def test_precision_and_recall_hold_at_the_functions_threshold() -> None:
    images = [image_of(0, CAT, DOG), image_of(1, CAT)]
    # At 0.5: one right and one wrong of three annotations. At 0.3, two right.
    answers = [[item("cat", 0.9, *HIT), item("dog", 0.6, *MISS)], [item("cat", 0.3, *HIT)]]
    metrics = evaluated(images, answers).metrics
    assert metrics["threshold"] == 0.5
    assert metrics["precision"] == 0.5
    assert metrics["recall"] == pytest.approx(1 / 3)
    assert metrics["f1"] == pytest.approx(2 / 5)
    lower = evaluated(images, answers, 0.3).metrics
    assert lower["precision"] == lower["recall"] == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("own", "counted", "note"),
    [
        (0.2, 0.5, "hold at this confidence; the function's own threshold, 0.2, is lower"),
        (0.8, 0.8, "hold at its own threshold, 0.8"),
        (None, 0.5, "hold at the threshold 0.5; the function has none of its own"),
    ],
)
def test_figures_hold_at_the_higher_of_both_thresholds(
    own: float | None, counted: float, note: str
) -> None:
    images = [image_of(0, CAT, DOG)]
    measure = boxes.start(replace(task(images), threshold=own, lowest=0.5))
    items = [item("cat", 0.9, *HIT), item("dog", 0.6, 200, 0, 300, 100)]
    measure.add(Sample("0", (images[0],)), {"size": [80, 100], "items": items})
    result = measure.result()
    assert result.metrics["threshold"] == counted
    assert result.metrics["recall"] == (1 if counted == 0.5 else 0.5)
    # Both are found from 0.5, the lowest confidence, to 0.6.
    assert result.metrics["best_threshold"] == pytest.approx(0.55, abs=0.001)
    assert result.confusions[0].title.startswith(f"Confusion at confidence {counted:g} ")
    assert note in result.notes[0]


def test_the_best_threshold_separates_right_from_wrong() -> None:
    images = [image_of(0, CAT, DOG), image_of(1, CAT)]
    answers = [
        [item("cat", 0.9, *HIT), item("cat", 0.2, *MISS), item("dog", 0.7, 200, 0, 300, 100)],
        [item("cat", 0.8, *HIT)],
    ]
    result = evaluated(images, answers)
    assert result.metrics["best_f1"] == 1
    # All thresholds above 0.2 up to 0.7 are perfect for both labels; the middle one is chosen.
    assert result.metrics["best_threshold"] == pytest.approx(0.45, abs=0.001)
    assert result.tables[0].rows["cat"][5] == pytest.approx(0.5, abs=0.001)


def test_figures_without_detections_or_without_annotations_are_not_defined() -> None:
    result = evaluated([image_of(0, CAT)], [[]])
    assert result.metrics["map50"] == 0
    assert result.metrics["recall"] == 0
    assert result.metrics["precision"] is None
    assert result.metrics["best_threshold"] is None
    result = evaluated([image_of(0)], [[item("cat", 0.9, *HIT)]])
    assert result.metrics["map50"] is None
    assert result.metrics["recall"] is None
    assert result.metrics["precision"] == 0


def test_an_image_without_an_answer_counts_as_missed() -> None:
    images = [image_of(0, CAT), image_of(1, CAT)]
    result = evaluated(images, [[item("cat", 0.9, *HIT)], None])
    assert result.metrics["recall"] == 0.5


def test_the_confusion_matrix_has_found_labels_in_columns() -> None:
    images = [
        image_of(0, CAT, DOG),
        image_of(1, CAT, ignored=[Rectangle(*MISS)]),
    ]
    answers = [
        [item("dog", 0.9, *HIT), item("dog", 0.1, 200, 0, 300, 100)],
        [item("cat", 0.9, *HIT), item("dog", 0.9, *MISS), item("bird", 0.9, 0, 200, 50, 300)],
    ]
    (matrix,) = evaluated(images, answers).confusions
    assert matrix.truth == (*NAMES, "nothing")
    counts = {
        (truth, found): count
        for truth, row in zip(matrix.truth, matrix.counts, strict=True)
        for found, count in zip(matrix.found, row, strict=True)
        if count
    }
    # The detection in the ignored region does not count.
    assert counts == {
        ("cat", "dog"): 1,
        ("dog", "nothing"): 1,
        ("cat", "cat"): 1,
        ("nothing", "bird"): 1,
    }


def test_the_worst_and_the_best_images_are_kept() -> None:
    images = [image_of(number, CAT, DOG) for number in range(30)]
    hits = [item("cat", 0.9, *HIT), item("dog", 0.9, 200, 0, 300, 100)]
    answers: list[list[Any] | None] = [list(hits) for _ in images]
    answers[7], answers[11] = [], hits[:1]
    result = evaluated(images, answers)
    assert [(it.index, it.score) for it in result.worst] == [(7, 0), (11, pytest.approx(2 / 3))]
    assert result.worst[1].note == "1 found, 1 missed, 0 wrong"
    assert len(result.best) == 12
    assert {it.score for it in result.best} == {1}


def test_shapes_that_cannot_be_compared_are_counted_in_a_note() -> None:
    images = [image_of(0, CAT, Annotation("cat", Tag()), Annotation("dog", Tag()))]
    result = evaluated(images, [[item("cat", 0.9, *HIT)]])
    assert "2 annotations of type tag were left out" in result.notes
    assert result.metrics["map50"] == pytest.approx(1)


def test_detections_beyond_the_limit_are_counted_in_a_note() -> None:
    items = [item("cat", 0.9 - number / 1000, *MISS) for number in range(105)]
    result = evaluated([image_of(0, CAT)], [[*items, item("cat", 0.001, *HIT)]])
    assert any(note.startswith("6 detections beyond the 100 best") for note in result.notes)
    assert result.metrics["map50"] == 0


def test_labels_of_one_side_alone_are_not_evaluated() -> None:
    images = [image_of(0, CAT, Annotation("mouse", Rectangle(0, 0, 9, 9)))]
    measure = DetectionMeasure(task(images, labels=["cat", "mouse"]), boxes.Boxes())
    answer = {"size": [80, 100], "items": [item("cat", 0.9, *HIT), item("dog", 0.9, *MISS)]}
    measure.add(Sample("0", (images[0],)), answer)
    result = measure.result()
    assert list(result.tables[0].rows) == ["cat"]
    assert result.metrics["precision"] == 1


@pytest.fixture
def pictures(tmp_path: Path) -> list[LabeledImage]:
    return [picture(tmp_path, number, ("cat", Rectangle(0, 0, 50, 50))) for number in range(3)]


def collected(pictures: list[LabeledImage], function: MadeFunction, folder: Path) -> Any:
    measure = boxes.start(task(pictures))
    with Store(folder / "x.sqlite", "one") as store:
        return collect(function, measure, store, Counted())


def test_a_low_threshold_is_sent(pictures: list[LabeledImage], tmp_path: Path) -> None:
    function = MadeFunction(lambda number: [item("cat", 0.9, 0, 0, 50, 50)], SPEC)
    assert collected(pictures, function, tmp_path).failures == ()
    assert function.thresholds == [0.001] * 3


def test_images_that_cannot_be_decoded_are_skipped(
    pictures: list[LabeledImage], tmp_path: Path
) -> None:
    class Lenient(MadeFunction):
        """Answers with an empty list, as with `on_bad_image: empty`."""

        def send(self, body: object, content_type: str) -> Any:
            try:
                return super().send(body, content_type)
            except AssertionError:
                return Reply(200, [], "[]", 1.0)

    pictures[1].file.write_text("not an image")
    function = Lenient(lambda number: [item("cat", 0.9, 0, 0, 50, 50)], SPEC)
    done = collected(pictures, function, tmp_path)
    assert (len(done.skipped), done.failed) == (1, 0)
    assert done.failures[0].name == "0001.png"
    assert "cannot be decoded" in done.failures[0].reason


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("text", "the reply is text, not a list"),
        ([{"label": "cat", "type": "rectangle", "points": [1]}], "4 numbers"),
        ([{"label": "cat", "type": "rectangle", "points": [1, 1, 9, 9]}], "no confidence"),
    ],
)
def test_invalid_replies_are_failures(
    answer: Any, expected: str, pictures: list[LabeledImage], tmp_path: Path
) -> None:
    valid = [item("cat", 0.9, 0, 0, 50, 50)]
    function = MadeFunction(lambda number: answer if number == 1 else valid, SPEC)
    done = collected(pictures, function, tmp_path)
    assert (len(done.skipped), done.failed) == (0, 1)
    assert expected in done.failures[0].reason


def test_polygons_are_compared_by_their_bounding_boxes() -> None:
    triangle = Annotation("cat", Polygons(((0, 0, 100, 0, 0, 100),)))
    result = evaluated([image_of(0, triangle)], [[item("cat", 0.9, *HIT)]])
    assert result.metrics["map50_95"] == pytest.approx(1)
