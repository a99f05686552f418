import numpy as np
import pytest

from runtimes.instances import Instances
from runtimes.refine.group import Group

CAR, PERSON, FACE = range(3)
Found = tuple[int, tuple[float, float, float, float]]


def grouped(*found: Found, inside: float = 0.8) -> list[list[int]]:
    """The groups, as lists of the instances' indexes in order."""
    classes = np.array([kind for kind, _ in found])
    boxes = np.array([box for _, box in found], float).reshape(-1, 4)
    after = Group(inside)(Instances.of(boxes, np.ones(len(found)), classes))
    assert after.boxes.tolist() == boxes.tolist()
    assert after.groups is not None
    keys = after.groups.tolist()
    return [[n for n, key in enumerate(keys) if key == one] for one in dict.fromkeys(keys)]


def test_a_face_belongs_to_its_person() -> None:
    found = [
        (FACE, (62, 12, 72, 22)),
        (PERSON, (0, 0, 30, 90)),
        (PERSON, (50, 0, 90, 90)),
        (FACE, (10, 10, 20, 20)),
    ]
    assert grouped(*found) == [[0, 2], [1, 3]]


def test_the_smallest_container_is_used() -> None:
    found = [(PERSON, (0, 0, 90, 90)), (PERSON, (0, 0, 40, 40)), (FACE, (10, 10, 20, 20))]
    assert grouped(*found) == [[0], [1, 2]]


def test_nested_instances_are_one_group() -> None:
    found = [(FACE, (20, 20, 25, 25)), (CAR, (0, 0, 100, 100)), (PERSON, (10, 10, 40, 80))]
    assert grouped(*found) == [[0, 1, 2]]


@pytest.mark.parametrize(("left", "together"), [(2, True), (1.9, False), (-9, False)])
def test_most_of_the_box_must_be_inside(left: float, together: bool) -> None:
    # Of ten pixels' width, all but `4 - left` lie to the right of the person's left side.
    found = [(PERSON, (4, 0, 60, 60)), (FACE, (left, 5, left + 10, 15))]
    assert grouped(*found) == ([[0, 1]] if together else [[0], [1]])


@pytest.mark.parametrize(
    "found",
    [
        [],
        [(PERSON, (0, 0, 30, 90))],
        # Of one class, of one size.
        [(PERSON, (0, 0, 30, 90)), (FACE, (0, 0, 30, 90)), (CAR, (0, 0, 30, 90))],
        [(PERSON, (0, 0, 30, 90)), (PERSON, (10, 10, 20, 20))],
        [(PERSON, (0, 0, 30, 90)), (FACE, (0, 0, 30, 90))],
    ],
)
def test_other_instances_are_not_grouped(found: list[Found]) -> None:
    assert grouped(*found) == [[number] for number in range(len(found))]


def test_groups_survive_a_selection() -> None:
    boxes = np.array([(0, 0, 9, 9), (0, 0, 30, 90), (1, 1, 5, 5)], float)
    found = Instances.of(boxes, np.array([0.5, 0.6, 0.7]), np.array([PERSON, CAR, FACE]))
    after = Group()(found).best_first()
    assert after.groups is not None
    assert len(set(after.groups.tolist())) == 1


def test_the_defaults_are_those_of_the_documentation() -> None:
    assert Group() == Group(inside=0.8)


def test_boxes_of_less_than_a_pixel_are_grouped_by_their_area() -> None:
    # Coordinates may be fractions of a pixel: 0.5x0.5 inside of 0.9x0.9.
    assert grouped((FACE, (5.2, 5.2, 5.7, 5.7)), (PERSON, (5, 5, 5.9, 5.9))) == [[0, 1]]
    assert grouped((FACE, (5.2, 5.2, 5.7, 5.7)), (PERSON, (0, 0, 50, 50))) == [[0, 1]]
