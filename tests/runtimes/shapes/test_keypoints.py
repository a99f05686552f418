import json

import numpy as np
import pytest

from runtimes.errors import BadModel
from runtimes.instances import Instances
from runtimes.shapes.keypoints import Points, Skeleton
from runtimes.step import Item, Shape

SIZE = (100, 100)
NAMES = ("head", "hand", "foot")
Keypoint = tuple[float, float, float]


def instances(*rows: list[Keypoint]) -> Instances:
    count = len(rows)
    points = np.array(rows, float).reshape(count, -1, 3)
    return Instances.of(np.ones((count, 4)), np.ones(count), np.zeros(count), keypoints=points)


def drawn(shape: Shape, *rows: list[Keypoint]) -> list[tuple[int, Item]]:
    return list(shape(instances(*rows), SIZE))


def element(name: str, x: float, y: float, outside: bool) -> Item:
    return {"label": name, "type": "points", "points": [x, y], "outside": outside}


def test_a_skeleton_has_an_element_for_each_name_in_order() -> None:
    found = drawn(Skeleton(sublabels=NAMES), [(1, 2, 0.9), (3, 4, 0.2), (5, 6, 0.6)])
    elements = [
        element("head", 1, 2, False),
        element("hand", 3, 4, True),
        element("foot", 5, 6, False),
    ]
    assert found == [(0, {"type": "skeleton", "elements": elements})]


@pytest.mark.parametrize(
    ("threshold", "outside"),
    [(0.0, [False, False]), (0.25, [False, False]), (0.5, [True, False]), (0.75, [True, False])],
)
def test_a_keypoint_at_the_threshold_is_visible(threshold: float, outside: list[bool]) -> None:
    step = Skeleton(threshold=threshold, sublabels=("a", "b"))
    ((_, item),) = drawn(step, [(1, 1, 0.25), (2, 2, 0.75)])
    assert [it["outside"] for it in item["elements"]] == outside


def test_a_skeleton_wholly_outside_is_dropped_and_the_next_keeps_its_number() -> None:
    hidden: list[Keypoint] = [(1, 2, 0.4), (3, 4, 0), (5, 6, 0.49)]
    seen: list[Keypoint] = [(1, 2, 0.4), (3, 4, 0.5), (5, 6, 0.1)]
    found = drawn(Skeleton(sublabels=NAMES), hidden, seen)
    assert [number for number, _ in found] == [1]


def test_keypoints_are_rounded_to_a_hundredth_and_plain_json() -> None:
    ((_, item),) = drawn(Skeleton(sublabels=("a",)), [(1 / 3, 2 / 3, 1)])
    assert item["elements"][0]["points"] == [0.33, 0.67]
    assert json.loads(json.dumps(item)) == item
    assert type(item["elements"][0]["outside"]) is bool


@pytest.mark.parametrize(
    ("given", "of_labels", "bound"),
    [
        (None, NAMES, NAMES),
        (("a", "b"), NAMES, ("a", "b")),
        (("a", "b"), (), ("a", "b")),
    ],
)
def test_names_are_those_of_the_step_else_of_the_labels(
    given: tuple[str, ...] | None, of_labels: tuple[str, ...], bound: tuple[str, ...]
) -> None:
    step = Skeleton(threshold=0.3, sublabels=given, suffix="-s").bind(of_labels)
    assert step == Skeleton(threshold=0.3, sublabels=bound, suffix="-s")


@pytest.mark.parametrize("given", [None, ()])
def test_a_skeleton_without_names_is_refused(given: tuple[str, ...] | None) -> None:
    with pytest.raises(BadModel) as caught:
        Skeleton(sublabels=given).bind(())
    assert caught.value.where == "sublabels"
    assert "`sublabels`" in caught.value.hint


@pytest.mark.parametrize("names", [("a", "b"), ("a", "b", "c", "d"), ()])
def test_another_number_of_keypoints_than_names_is_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(BadModel) as caught:
        drawn(Skeleton(sublabels=names), [(1, 2, 1), (3, 4, 1), (5, 6, 1)])
    assert f"gives 3 keypoints, the labels name {len(names)}" in caught.value.what
    assert caught.value.found == ", ".join(names)


def test_points_are_the_visible_ones() -> None:
    found = drawn(
        Points(),
        [(1, 2, 0.5), (3, 4, 0.49), (5, 6, 0.9)],
        [(1, 2, 0), (3, 4, 0), (5, 6, 0)],
        [(1, 2, 0), (3.456, 4.321, 1), (5, 6, 0)],
    )
    assert found == [
        (0, {"type": "points", "points": [1, 2, 5, 6]}),
        (2, {"type": "points", "points": [3.46, 4.32]}),
    ]


@pytest.mark.parametrize(("threshold", "count"), [(0.0, 3), (0.3, 2), (0.9, 1), (1.0, 0)])
def test_points_have_a_threshold_of_their_own(threshold: float, count: int) -> None:
    found = drawn(Points(threshold=threshold), [(1, 2, 0.9), (3, 4, 0.3), (5, 6, 0)])
    assert sum(len(item["points"]) // 2 for _, item in found) == count


@pytest.mark.parametrize(
    ("step", "name"), [(Skeleton(sublabels=NAMES), "`skeleton`"), (Points(), "`points`")]
)
def test_a_decoder_without_keypoints_is_refused(step: Shape, name: str) -> None:
    boxes = Instances.of(np.ones((1, 4)), np.ones(1), np.zeros(1))
    with pytest.raises(BadModel) as caught:
        list(step(boxes, SIZE))
    assert f"{name} needs keypoints" in caught.value.what


@pytest.mark.parametrize("step", [Skeleton(sublabels=NAMES), Points()])
def test_no_instances_give_no_items(step: Shape) -> None:
    none = Instances.of(np.ones((0, 4)), np.ones(0), np.ones(0), keypoints=np.ones((0, 3, 3)))
    assert list(step(none, SIZE)) == []


def test_label_types() -> None:
    assert (Skeleton.label_type, Points.label_type) == ("skeleton", "points")
