import pytest

from builder.run.judge.reid import judge


@pytest.mark.parametrize("reply", [[0, 1, -1], [-1, -1, -1], [1, 0, -1]])
def test_a_number_for_each_box_is_accepted(reply: list[int]) -> None:
    assert judge(reply, 3, 2) == []


def test_no_boxes_need_no_numbers() -> None:
    assert judge([], 0, 2) == []


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        ({"0": 1}, "the reply is an object, not a list of numbers"),
        (None, "the reply is nothing, not a list of numbers"),
        ([0, 1], "the reply has 2 entries for 3 boxes of the first frame"),
        ([0, 1, -1, -1], "the reply has 4 entries for 3 boxes of the first frame"),
        ([0, 2, -1], "[1]: 2 is no box of the second frame: -1 to 1"),
        ([0, -2, -1], "[1]: -2 is no box of the second frame: -1 to 1"),
        ([0.0, 1, -1], "[0]: 0.0 is no whole number"),
        ([True, 1, -1], "[0]: True is no whole number"),
        (["0", 1, -1], "[0]: '0' is no whole number"),
        ([None, 1, -1], "[0]: None is no whole number"),
        ([[0], 1, -1], "[0]: [0] is no whole number"),
        (
            [1, -1, 1],
            "[2]: box 1 is joined to 0 already; CVAT would make two tracks of one box",
        ),
    ],
)
def test_what_cvat_could_not_use_is_told(reply: object, fault: str) -> None:
    assert judge(reply, 3, 2) == [fault]
