import numpy as np
import pytest

from runtimes.classes import Joints
from runtimes.errors import BadModel
from runtimes.instances import Instances
from runtimes.skeletons import Skeletons

SIZE = (100, 100)
BODY = Joints((0,), "", {"head": 0, "hip": 1}, None)
HAND = Joints((0, 1), "hand", {"thumb": 2}, None)


def instances(*classes: int, confidence: float = 0.9) -> Instances:
    """Instances with three keypoints at (10, 20), (30, 40) and (50, 60)."""
    count = len(classes)
    points = np.array([[10, 20, confidence], [30, 40, confidence], [50, 60, confidence]])
    return Instances.of(
        np.tile([0.0, 0, 100, 100], (count, 1)),
        np.ones(count),
        np.array(classes),
        keypoints=np.tile(points, (count, 1, 1)),
    )


def test_each_instance_gets_the_skeletons_of_its_class() -> None:
    found = list(Skeletons((BODY, HAND), suffix="!")(instances(0, 1, 2), SIZE))
    assert [(number, item.get("label")) for number, item in found] == [
        (0, None),
        (0, "hand!"),
        (1, "hand!"),
    ]
    assert [element["label"] for element in found[0][1]["elements"]] == ["head", "hip"]
    assert found[1][1]["elements"] == [
        {"label": "thumb", "type": "points", "points": [50, 60], "outside": False}
    ]


def test_a_skeleton_without_visible_keypoints_is_dropped() -> None:
    assert list(Skeletons((BODY,), 0.5)(instances(0, confidence=0.25), SIZE)) == []


def test_instances_without_keypoints_of_a_second_model_are_skipped() -> None:
    empty = Instances.of(np.zeros((1, 4)), np.ones(1), np.zeros(1), keypoints=np.zeros((1, 0, 3)))
    assert list(Skeletons((BODY,))(empty, SIZE)) == []


def test_sublabels_that_the_model_lacks_are_refused() -> None:
    missing = Joints((0,), "", {"tail": 3}, None)
    with pytest.raises(BadModel, match="the model has 3 keypoints"):
        list(Skeletons((missing,))(instances(0), SIZE))


def test_keypoints_at_the_default_threshold_of_one_half_are_outside() -> None:
    assert list(Skeletons((BODY,))(instances(0, confidence=0.45), SIZE)) == []
    ((_, item),) = Skeletons((BODY,))(instances(0, confidence=0.55), SIZE)
    assert [element["outside"] for element in item["elements"]] == [False, False]


def test_keypoints_are_rounded_to_hundredths() -> None:
    points = np.array([[[10.004, 20.006, 1], [30.128, 40, 1]]])
    one = np.ones(1)
    found = Instances.of(np.array([[0, 0, 9, 9]]), one, 0 * one, keypoints=points)
    ((_, item),) = Skeletons((BODY,))(found, SIZE)
    assert [it["points"] for it in item["elements"]] == [[10.0, 20.01], [30.13, 40]]
