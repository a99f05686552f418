"""Outputs for each stride, by the outputs of YuNet: two scores, a box and five landmarks."""

import numpy as np
import pytest

from runtimes.decoders.levels import Heads
from runtimes.errors import BadModel
from tests.runtimes.decoders.test_yunet import STRIDES, VIEW, heads, signature

NONE = Heads((), (), ())
BOUND = Heads.bind(signature(heads(0)), NONE, STRIDES, each=2)


def test_each_level_has_its_candidates_with_their_cells() -> None:
    # Only candidate 5 of stride 32 has a score: 3 rows of 4 cells, so it is column 1 of row 1.
    outputs = {name: np.zeros_like(it) for name, it in heads(0).items()}
    outputs["cls_32"][0, 5], outputs["obj_32"][0, 5] = 0.25, 1.0
    outputs["bbox_32"][0, 5] = 1, 2, 3, 4
    outputs["kps_32"][0, 5] = range(10)
    levels = {it.stride: it for it in BOUND.levels(outputs, STRIDES, 1, VIEW, 0.4)}
    assert [len(levels[stride].scores) for stride in STRIDES] == [0, 0, 1]
    last = levels[32]
    assert last.places.tolist() == [[1, 1]]
    assert last.scores.tolist() == [0.5]  # sqrt(0.25 * 1)
    assert last.boxes.tolist() == [[1, 2, 3, 4]]
    assert last.points.tolist() == [[[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]]


def test_given_names_take_precedence_over_columns() -> None:
    # A second output of four columns in each stride would be ambiguous.
    outputs = heads(0)
    outputs |= {f"more_{stride}": outputs[f"bbox_{stride}"] for stride in STRIDES}
    names = tuple(f"bbox_{stride}" for stride in STRIDES)
    assert Heads.bind(signature(outputs), Heads((), names, ()), STRIDES, each=2).boxes == names
    with pytest.raises(BadModel, match="6 outputs have four columns"):
        Heads.bind(signature(outputs), NONE, STRIDES, each=2)


@pytest.mark.parametrize(
    ("given", "strides", "where"),
    [
        (NONE, (8, 16), "scores"),
        (Heads((), ("bbox_8", "bbox_16", "box"), ()), STRIDES, "boxes"),
        (Heads((), ("bbox_8", "bbox_8", "bbox_16"), ()), STRIDES, "boxes"),
        (Heads((), (), ("kps_8",)), STRIDES, "landmarks"),
    ],
)
def test_bind_refuses_other_outputs(given: Heads, strides: tuple[int, ...], where: str) -> None:
    with pytest.raises(BadModel) as caught:
        Heads.bind(signature(heads(0)), given, strides, each=2)
    assert caught.value.where == where


@pytest.mark.parametrize(
    ("name", "shape", "words"),
    [
        ("cls_8", (1, 190, 1), "has 190 candidates; an input of 96x128"),
        ("bbox_8", (1, 48, 4), "stride 8 needs one output of boxes"),
        ("bbox_8", (1, 192, 5), "an output of boxes has the shape"),
        ("kps_8", (2, 192, 10), "an output of landmarks has the shape"),
        ("kps_8", (1, 192, 9), "an output of landmarks has the shape"),
    ],
)
def test_outputs_of_another_shape_are_refused(
    name: str, shape: tuple[int, ...], words: str
) -> None:
    outputs = {**heads(0), name: np.zeros(shape, np.float32)}
    with pytest.raises(BadModel, match=words):
        list(BOUND.levels(outputs, STRIDES, 1, VIEW, 0.1))


def test_heads_without_landmarks_have_empty_points() -> None:
    outputs = {name: it for name, it in heads(0).items() if not name.startswith("kps")}
    bound = Heads.bind(signature(outputs), NONE, STRIDES, each=2)
    levels = list(bound.levels(outputs, STRIDES, 1, VIEW, 0.1))
    assert sum(len(level.scores) for level in levels) > 0
    for level in levels:
        assert level.points.shape == (len(level.scores), 0, 2)


def test_the_anchors_of_a_cell_are_consecutive() -> None:
    # Two anchors: candidate 11 of stride 32 is the second one of cell 5, column 1 of row 1.
    outputs = {
        name: np.zeros((1, 2 * it.shape[1], it.shape[2]), np.float32)
        for name, it in heads(0).items()
    }
    outputs["cls_32"][0, 11] = outputs["obj_32"][0, 11] = 0.5
    outputs["bbox_32"][0, 11] = 1, 2, 3, 4
    levels = {it.stride: it for it in BOUND.levels(outputs, STRIDES, 2, VIEW, 0.4)}
    assert [len(levels[stride].scores) for stride in STRIDES] == [0, 0, 1]
    assert levels[32].places.tolist() == [[1, 1]]
    assert levels[32].boxes.tolist() == [[1, 2, 3, 4]]
