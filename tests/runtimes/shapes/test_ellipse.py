import json
from math import pi

import numpy as np
import pytest

from runtimes.instances import Instances
from runtimes.shapes.rectangle import Ellipse, Rectangle, rotation
from runtimes.step import Item, Shape

SIZE = (200, 200)


def upright(*boxes: tuple[float, float, float, float]) -> Instances:
    count = len(boxes)
    return Instances.of(np.array(boxes).reshape(-1, 4), np.ones(count), np.zeros(count))


def oriented(*rows: tuple[float, float, float, float, float]) -> Instances:
    count = len(rows)
    return Instances.of(
        np.ones((count, 4)),
        np.ones(count),
        np.zeros(count),
        rotated=np.array(rows, float).reshape(-1, 5),
    )


def drawn(shape: Shape, found: Instances) -> list[Item]:
    items = list(shape(found, SIZE))
    assert [number for number, _ in items] == list(range(len(found)))
    return [item for _, item in items]


@pytest.mark.parametrize(
    ("angle", "degrees"),
    [
        (0, 0),
        (pi / 6, 30),
        (pi / 2, 90),
        (pi, 180),
        (-pi / 2, 270),
        (-pi / 6, 330),
        (2 * pi, 0),
        (5 * pi / 2, 90),
        (-4 * pi, 0),
        (-1e-9, 0),
        (2 * pi - 1e-9, 0),
        (1, 57.296),
    ],
)
def test_angles_are_degrees_from_0_to_360(angle: float, degrees: float) -> None:
    found = rotation(angle)
    assert found == pytest.approx(degrees, abs=1e-9)
    assert 0 <= found < 360


def test_the_points_of_an_ellipse_are_center_rightmost_x_and_topmost_y() -> None:
    # Center 30, 25; radii 20 and 5.
    (item,) = drawn(Ellipse(), upright((10, 20, 50, 30)))
    assert item == {"type": "ellipse", "points": [30, 25, 50, 20]}


def test_the_points_of_an_oriented_ellipse_are_those_before_the_rotation() -> None:
    (item,) = drawn(Ellipse(), oriented((30, 25, 40, 10, pi / 6)))
    assert item == {"type": "ellipse", "points": [30, 25, 50, 20], "rotation": 30}


def test_the_points_of_an_oriented_rectangle_are_those_before_the_rotation() -> None:
    first, second = drawn(
        Rectangle(), oriented((30, 25, 40, 10, pi / 6), (100, 90, 20, 60, -pi / 4))
    )
    assert first == {"type": "rectangle", "points": [10, 20, 50, 30], "rotation": 30}
    assert second == {"type": "rectangle", "points": [90, 60, 110, 120], "rotation": 315}


@pytest.mark.parametrize("shape", [Rectangle(), Ellipse()])
def test_oriented_shapes_may_extend_beyond_the_image(shape: Shape) -> None:
    (item,) = drawn(shape, oriented((0, 0, 40, 10, 0)))
    assert min(item["points"]) < 0


def test_numbers_are_rounded_to_a_thousandth_and_are_plain_json() -> None:
    (plain,) = drawn(Ellipse(), upright((0, 0, 2 / 3, 1 / 3)))
    assert plain["points"] == [0.333, 0.167, 0.667, 0]
    for shape in (Ellipse(), Rectangle()):
        (turned,) = drawn(shape, oriented((10, 10, 1 / 3, 1 / 3, 0.1)))
        assert json.loads(json.dumps(turned)) == turned
        assert turned["rotation"] == 5.73
        assert turned["points"][2] == 10.167


@pytest.mark.parametrize("found", [upright(), oriented()])
def test_no_instances_give_no_items(found: Instances) -> None:
    assert drawn(Ellipse(), found) == []


def test_labels_are_of_type_ellipse() -> None:
    assert Ellipse.label_type == "ellipse"
