import json

import numpy as np

from runtimes.instances import Instances
from runtimes.shapes.rectangle import Rectangle

SIZE = (2000, 2000)


def test_each_instance_is_drawn_with_its_index() -> None:
    boxes = np.array([[1, 2, 3, 4], [10.5, 20.25, 30.125, 40]])
    found = list(Rectangle()(Instances.of(boxes, np.array([0.9, 0.8]), np.array([4, 4])), SIZE))
    assert found == [
        (0, {"type": "rectangle", "points": [1, 2, 3, 4]}),
        (1, {"type": "rectangle", "points": [10.5, 20.25, 30.125, 40]}),
    ]


def test_corners_are_rounded_to_a_thousandth() -> None:
    boxes = np.array([[1 / 3, 2 / 3, 9.99951, 1234.56789]])
    ((_, item),) = Rectangle()(Instances.of(boxes, np.ones(1), np.zeros(1)), SIZE)
    assert item["points"] == [0.333, 0.667, 10.0, 1234.568]


def test_items_are_plain_json() -> None:
    boxes = np.array([[1, 2, 3, 4]], np.float16)
    ((number, item),) = Rectangle()(Instances.of(boxes, np.ones(1), np.zeros(1)), SIZE)
    assert type(number) is int
    assert json.loads(json.dumps(item)) == {"type": "rectangle", "points": [1, 2, 3, 4]}


def test_no_instances_give_no_items() -> None:
    assert list(Rectangle()(Instances.of(np.zeros((0, 4)), np.zeros(0), np.zeros(0)), SIZE)) == []


def test_labels_are_of_type_rectangle() -> None:
    assert Rectangle.label_type == "rectangle"
