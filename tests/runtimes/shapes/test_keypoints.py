import json

import numpy as np
import pytest

from runtimes.classes import Joints
from runtimes.errors import BadModel
from runtimes.instances import Instances
from runtimes.shapes.keypoints import Points, Skeleton
from runtimes.skeletons import Skeletons
from runtimes.step import Item, Shape

SIZE = (100, 100)
NAMES = ("head", "hand", "foot")
Keypoint = tuple[float, float, float]


def instances(*rows: list[Keypoint], classes: list[int] | None = None) -> Instances:
    count = len(rows)
    points = np.array(rows, float).reshape(count, -1, 3)
    kinds = np.array(classes or [0] * count)
    return Instances.of(np.ones((count, 4)), np.ones(count), kinds, keypoints=points)


def skeleton(*names: str, threshold: float = 0.5) -> Skeletons:
    """A skeleton of all of a model's keypoints, for class 0."""
    points = {name: number for number, name in enumerate(names)}
    return Skeletons((Joints((0,), "", points, len(names)),), threshold)


def drawn(shape: Shape, *rows: list[Keypoint]) -> list[tuple[int, Item]]:
    return list(shape(instances(*rows), SIZE))


def element(name: str, x: float, y: float, outside: bool) -> Item:
    return {"label": name, "type": "points", "points": [x, y], "outside": outside}


def test_a_skeleton_has_an_element_for_each_name_in_order() -> None:
    found = drawn(skeleton(*NAMES), [(1, 2, 0.9), (3, 4, 0.2), (5, 6, 0.6)])
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
    step = skeleton("a", "b", threshold=threshold)
    ((_, item),) = drawn(step, [(1, 1, 0.25), (2, 2, 0.75)])
    assert [it["outside"] for it in item["elements"]] == outside


def test_a_skeleton_without_visible_points_is_dropped_and_the_next_keeps_its_index() -> None:
    hidden: list[Keypoint] = [(1, 2, 0.4), (3, 4, 0), (5, 6, 0.49)]
    seen: list[Keypoint] = [(1, 2, 0.4), (3, 4, 0.5), (5, 6, 0.1)]
    found = drawn(skeleton(*NAMES), hidden, seen)
    assert [number for number, _ in found] == [1]


def test_keypoints_are_rounded_to_a_hundredth_and_are_plain_json() -> None:
    ((_, item),) = drawn(skeleton("a"), [(1 / 3, 2 / 3, 1)])
    assert item["elements"][0]["points"] == [0.33, 0.67]
    assert json.loads(json.dumps(item)) == item
    assert type(item["elements"][0]["outside"]) is bool


def test_confidences_are_compared_without_rounding() -> None:
    rows: list[Keypoint] = [(1, 2, 0.4999), (3, 4, 0.5)]
    ((_, item),) = drawn(skeleton("a", "b"), rows)
    assert [it["outside"] for it in item["elements"]] == [True, False]
    assert drawn(Points(), rows) == [(0, {"type": "points", "points": [3, 4]})]


def test_the_step_is_bound_to_the_labels() -> None:
    joints = (Joints((0, 2), "", {"a": 0, "b": 1}, 2), Joints((1,), "hand", {"a": 5}, None))
    bound = Skeleton(threshold=0.3, suffix="-s").bind(joints)
    assert bound == Skeletons(joints, 0.3, suffix="-s")


BODY = Joints((0,), "body", {"neck": 0, "hip": 1}, None)
HAND = Joints((0,), "hand", {"thumb": 3, "wrist": 1}, None)
PAW = Joints((1, 2), "", {"toe": 2}, None)


def test_an_instance_has_each_skeleton_of_its_class_with_the_keypoints_that_it_names() -> None:
    one: list[Keypoint] = [(0, 1, 0.9), (2, 3, 0.4), (4, 5, 0.9), (6, 7, 0.8)]
    other: list[Keypoint] = [(8, 9, 0.9), (10, 11, 0.1), (12, 13, 0.6), (14, 15, 0.2)]
    step = Skeletons((BODY, HAND, PAW), suffix="-x")
    found = list(step(instances(one, other, other, classes=[0, 2, 0]), SIZE))
    assert found == [
        (
            0,
            {
                "label": "body-x",
                "type": "skeleton",
                "elements": [element("neck", 0, 1, False), element("hip", 2, 3, True)],
            },
        ),
        (
            0,
            {
                "label": "hand-x",
                "type": "skeleton",
                "elements": [element("thumb", 6, 7, False), element("wrist", 2, 3, True)],
            },
        ),
        (1, {"type": "skeleton", "elements": [element("toe", 12, 13, False)]}),
        # Of the last one's hand nothing is to be seen.
        (
            2,
            {
                "label": "body-x",
                "type": "skeleton",
                "elements": [element("neck", 8, 9, False), element("hip", 10, 11, True)],
            },
        ),
    ]


def test_a_class_without_a_skeleton_gets_none() -> None:
    assert list(Skeletons((PAW,))(instances([(1, 1, 1)] * 3, classes=[0]), SIZE)) == []


@pytest.mark.parametrize("names", [("a", "b"), ("a", "b", "c", "d")])
def test_another_number_of_keypoints_than_names_is_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(BadModel) as caught:
        drawn(skeleton(*names), [(1, 2, 1), (3, 4, 1), (5, 6, 1)])
    assert caught.value.what == f"the model has 3 keypoints, the labels name {len(names)}"
    assert caught.value.found == ", ".join(names)
    assert caught.value.allowed == "3 sublabels"


@pytest.mark.parametrize("count", [1, 3])
def test_an_id_without_a_keypoint_in_the_model_is_refused(count: int) -> None:
    with pytest.raises(BadModel) as caught:
        drawn(Skeletons((HAND,)), [(1, 2, 1)] * count)
    assert caught.value.what == (
        f"the model has {count} keypoints, the labels a keypoint with id 3"
    )
    assert caught.value.allowed == f"ids 0 to {count - 1}"


def test_only_visible_keypoints_are_drawn_as_points() -> None:
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
def test_points_have_their_own_threshold(threshold: float, count: int) -> None:
    found = drawn(Points(threshold=threshold), [(1, 2, 0.9), (3, 4, 0.3), (5, 6, 0)])
    assert sum(len(item["points"]) // 2 for _, item in found) == count


@pytest.mark.parametrize(
    ("step", "name"), [(skeleton(*NAMES), "`skeleton`"), (Points(), "`points`")]
)
def test_a_decoder_without_keypoints_is_refused(step: Shape, name: str) -> None:
    boxes = Instances.of(np.ones((1, 4)), np.ones(1), np.zeros(1))
    with pytest.raises(BadModel) as caught:
        list(step(boxes, SIZE))
    assert f"{name} needs keypoints" in caught.value.what


@pytest.mark.parametrize("step", [skeleton(*NAMES), Points()])
def test_no_instances_give_no_items(step: Shape) -> None:
    none = Instances.of(np.ones((0, 4)), np.ones(0), np.ones(0), keypoints=np.ones((0, 3, 3)))
    assert list(step(none, SIZE)) == []


def test_label_types() -> None:
    assert (Skeleton.label_type, Points.label_type) == ("skeleton", "points")


def test_the_defaults_are_those_of_the_documentation() -> None:
    assert Skeleton().threshold == Points().threshold == 0.5
