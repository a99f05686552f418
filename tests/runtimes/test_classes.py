import numpy as np
import pytest

from runtimes.classes import Classes, Joints, check_whole
from runtimes.errors import BadModel, Fault

HAND = Joints((0,), "", {"wrist": 0, "thumb": 3}, None)
"""Names two of the model's keypoints by ID."""
PAIR = Joints((0,), "", {"wrist": 0, "thumb": 1}, 2)
"""Lists all of the model's keypoints."""


@pytest.mark.parametrize(
    ("classes", "found"),
    [
        (Classes(3, exact=True), 3),
        (Classes(3, exact=False), 3),
        (Classes(3, exact=False), 80),
    ],
)
def test_a_matching_class_count_is_accepted(classes: Classes, found: int) -> None:
    classes.check(found, "output0")


@pytest.mark.parametrize(
    ("classes", "found", "what", "allowed"),
    [
        (Classes(3, exact=True), 2, "the model has 2 classes, the manifest 3 labels", "2 labels"),
        (Classes(3, exact=True), 4, "the model has 4 classes, the manifest 3 labels", "4 labels"),
        (
            Classes(3, exact=False),
            2,
            "the model has 2 classes, the manifest a label with id 2",
            "ids 0 to 1",
        ),
    ],
)
def test_another_class_count_is_refused(
    classes: Classes, found: int, what: str, allowed: str
) -> None:
    with pytest.raises(BadModel) as caught:
        classes.check(found, "output0 [1, 9]")
    error = caught.value
    assert (error.what, error.found, error.allowed) == (what, "output0 [1, 9]", allowed)
    assert error.fault is Fault.CLASS_COUNT


@pytest.mark.parametrize(("found", "suggested"), [(2, True), (1, False), (4, False)])
def test_one_label_too_many_may_be_the_background(found: int, suggested: bool) -> None:
    with pytest.raises(BadModel) as caught:
        Classes(3, exact=True).check(found, "output0")
    assert ("background" in caught.value.hint) == suggested


@pytest.mark.parametrize(("joints", "found"), [(HAND, 4), (HAND, 17), (PAIR, 2)])
def test_a_matching_keypoint_count_is_accepted(joints: Joints, found: int) -> None:
    joints.check(found)


@pytest.mark.parametrize(
    ("joints", "found", "what", "allowed"),
    [
        (HAND, 3, "the model has 3 keypoints, the labels a keypoint with id 3", "ids 0 to 2"),
        (PAIR, 1, "the model has 1 keypoints, the labels name 2", "1 sublabels"),
        (PAIR, 3, "the model has 3 keypoints, the labels name 2", "3 sublabels"),
    ],
)
def test_another_keypoint_count_is_refused(
    joints: Joints, found: int, what: str, allowed: str
) -> None:
    with pytest.raises(BadModel) as caught:
        joints.check(found)
    error = caught.value
    assert (error.what, error.found, error.allowed) == (what, "wrist, thumb", allowed)
    assert error.fault is Fault.KEYPOINT_COUNT


@pytest.mark.parametrize(
    ("classes", "scores", "found"),
    [
        ([0.0, 2.0, 90.0], [0.5, 0.5, 0.5], ""),
        ([0.91, 2.0, 0.77], [2, 0.5, 0.5], "0.91, 0.77"),
        ([0.5, 1.0, 1.0], [0, 1, 1], ""),  # padding
        ([np.nan, np.inf, 1.0], [1, 1, 1], ""),  # dropped elsewhere
    ],
)
def test_class_ids_must_be_whole_numbers(
    classes: list[float], scores: list[float], found: str
) -> None:
    ids, given = np.array(classes), np.array(scores)
    if not found:
        check_whole(ids, given)
        return
    with pytest.raises(BadModel) as caught:
        check_whole(ids, given)
    assert (caught.value.found, caught.value.fault) == (found, Fault.CLASS_VALUES)
