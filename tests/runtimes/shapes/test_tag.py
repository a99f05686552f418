import numpy as np
import pytest

from runtimes.instances import Instances
from runtimes.shapes.tag import Tag


@pytest.mark.parametrize(
    ("classes", "numbers"),
    [([], []), ([4], [0]), ([4, 2, 7], [0, 1, 2]), ([4, 2, 4, 4, 2, 0], [0, 1, 5])],
)
def test_each_class_is_tagged_once(classes: list[int], numbers: list[int]) -> None:
    count = len(classes)
    found = Instances.of(np.ones((count, 4)), np.ones(count), np.array(classes))
    assert list(Tag()(found, (9, 9))) == [(number, {"type": "tag"}) for number in numbers]


def test_labels_are_of_type_tag() -> None:
    assert Tag.label_type == "tag"
