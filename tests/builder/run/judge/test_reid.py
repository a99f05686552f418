import pytest

from builder.run.judge.reid import judge


@pytest.mark.parametrize("reply", [[0, 1, -1], [-1, -1, -1], [1, 0, -1]])
def test_one_number_per_box_is_accepted(reply: list[int]) -> None:
    assert judge(reply, 3, 2) == []


def test_an_empty_reply_to_a_request_without_boxes_is_accepted() -> None:
    assert judge([], 0, 2) == []


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        ({"0": 1}, "the reply is an object, not a list of numbers"),
        (None, "the reply is null, not a list of numbers"),
        ([0, 1], "the reply has 2 entries for 3 boxes of the first frame"),
        ([0, 1, -1, -1], "the reply has 4 entries for 3 boxes of the first frame"),
        ([0, 2, -1], "[1]: 2 is not a box of the second frame; allowed: -1 to 1"),
        ([0, -2, -1], "[1]: -2 is not a box of the second frame; allowed: -1 to 1"),
        ([0.0, 1, -1], "[0]: 0.0 is not a whole number"),
        ([True, 1, -1], "[0]: True is not a whole number"),
        (["0", 1, -1], "[0]: '0' is not a whole number"),
        ([None, 1, -1], "[0]: None is not a whole number"),
        ([[0], 1, -1], "[0]: [0] is not a whole number"),
        (
            [1, -1, 1],
            "[2]: box 1 is already matched to box 0; CVAT would create two tracks from one box",
        ),
    ],
)
def test_an_invalid_reply_has_one_fault(reply: object, fault: str) -> None:
    assert judge(reply, 3, 2) == [fault]
