import numpy as np
import pytest

from builder.run.trial.comparison import SIGHT, difference
from runtimes.arrays import Array

RANDOM = np.random.default_rng(0)
CORNERS = RANDOM.uniform(0, 300, (50, 2))
BOXES = np.hstack([CORNERS, CORNERS + RANDOM.uniform(20, 80, (50, 2))])
SCORES = np.linspace(0.9, 0.1, 50)
CLASSES = np.arange(50) % 5


def found(
    boxes: Array = BOXES, scores: Array = SCORES, classes: Array = CLASSES
) -> dict[str, Array]:
    return {"boxes": boxes, "scores": scores, "classes": classes}


def test_rounding_and_another_order_are_no_difference() -> None:
    order = RANDOM.permutation(50)
    boxes = BOXES + RANDOM.normal(0, 0.05, BOXES.shape)
    scores = SCORES + RANDOM.normal(0, 1e-4, 50)
    assert difference(found(), found(boxes[order], scores[order], CLASSES[order])) == ""


@pytest.mark.parametrize(
    "other",
    [
        found(BOXES + np.array([10, 0, 10, 0])),
        found(scores=SCORES - 0.05),
        found(classes=(CLASSES + 1) % 5),
        found(BOXES[1:], SCORES[1:], CLASSES[1:]),
    ],
)
def test_a_real_difference_is_described_in_both_directions(other: dict[str, Array]) -> None:
    for text in (difference(found(), other), difference(other, found())):
        assert text.startswith("only one of them finds class ")


def test_instances_with_a_low_score_do_not_matter() -> None:
    low = np.full(50, 0.06)
    assert difference(found(scores=low), found(BOXES[:0], SCORES[:0], CLASSES[:0])) == ""


def test_equal_scores_beyond_the_last_instance_in_sight_are_no_difference() -> None:
    count = 3 * SIGHT
    left = np.arange(count) * 100.0
    boxes = np.stack([left, left, left + 50, left + 50], axis=1)
    scores, classes = np.full(count, 0.5), np.zeros(count, int)
    # Each variant has other boxes among its first ones.
    assert difference(found(boxes, scores, classes), found(boxes[::-1], scores, classes)) == ""


def test_maps_are_compared_by_the_area_of_each_class() -> None:
    one = {**found(), "areas": np.full(50, 100.0), "image": np.array([100, 100])}
    moved = {**one, "boxes": BOXES + 50}
    assert difference(one, moved) == ""
    larger = {**one, "areas": one["areas"] + 30 * (CLASSES == 2)}
    assert difference(one, larger) == "class 2 has a share of the image of 0.100 and of 0.130"


def test_vectors_are_compared_by_their_length() -> None:
    vectors = RANDOM.normal(size=(4, 32))
    assert difference({"vectors": vectors}, {"vectors": vectors * 1.01}) == ""
    assert "5.0%" in difference({"vectors": vectors}, {"vectors": vectors * 1.05})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, ""),
        ({"scores": np.array([0.75])}, "a score of 0.700 and of 0.750"),
        ({"areas": np.array([500.0])}, "the share of a mask of 0.010 and of 0.050"),
        ({"boxes": np.array([[30.0, 10, 60, 40]])}, "a box at (10.0, 10.0, 60.0, 40.0) and at"),
    ],
)
def test_one_object_is_compared_by_score_box_and_area(change: dict[str, Array], words: str) -> None:
    one = {
        "image": np.array([100, 100]),
        "scores": np.array([0.7]),
        "areas": np.array([100.0]),
        "boxes": np.array([[10.0, 10, 60, 40]]),
    }
    assert difference(one, {**one, **change}).startswith(words)
    assert bool(difference(one, {**one, **change})) == bool(words)
