"""SCRFD's raw outputs, compared with InsightFace's formulas in a loop and with numbers by hand."""

import numpy as np
import pytest

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.scrfd import Scrfd
from runtimes.errors import BadModel
from runtimes.geometry import Geometry
from runtimes.signature import Signature, Tensor
from runtimes.view import View
from tests.grids import grid

SIZE = (64, 96)
VIEW = View(SIZE, SIZE, Geometry())
FACE = Classes(1, exact=True)


def heads(seed: int, anchors: int, batched: bool) -> dict[str, Array]:
    """Random outputs: all scores, then all boxes, then all landmarks, under numbers."""
    rng = np.random.default_rng(seed)
    found: dict[str, Array] = {}
    for columns in (1, 4, 10):
        for stride in (8, 16, 32):
            count = anchors * (SIZE[0] // stride) * (SIZE[1] // stride)
            values = rng.random((1, count, columns)).astype(np.float32)
            found[str(400 + len(found))] = values if batched else values[0]
    return found


def bound(step: Scrfd, outputs: dict[str, Array]) -> Scrfd:
    tensors = [Tensor(name, it.shape, "float32") for name, it in outputs.items()]
    return step.bind(Signature((), tuple(tensors), {}), FACE)


@grid(("seed", range(2)), ("anchors", [1, 2]), ("batched", [False, True]))
def test_scrfd_matches_a_loop(seed: int, anchors: int, batched: bool) -> None:
    outputs = heads(seed, anchors, batched)
    tables = [it.reshape(-1, it.shape[-1]).tolist() for it in outputs.values()]
    expected = []
    for place, stride in enumerate((8, 16, 32)):
        scores, boxes, marks = tables[place], tables[3 + place], tables[6 + place]
        number = 0
        for row in range(SIZE[0] // stride):
            for column in range(SIZE[1] // stride):
                for _ in range(anchors):
                    x, y = column * stride, row * stride
                    left, top, right, bottom = (it * stride for it in boxes[number])
                    places = [(x, y)[n % 2] + it * stride for n, it in enumerate(marks[number])]
                    if scores[number][0] > 0.75:
                        box = [x - left, y - top, x + right, y + bottom]
                        expected.append([*box, *places, scores[number][0]])
                    number += 1
    found = bound(Scrfd(anchors=anchors), outputs)(outputs, VIEW, 0.75)
    assert found.keypoints is not None
    points = found.keypoints[..., :2].reshape(len(found), 10)
    rows = np.hstack([found.boxes, points, found.scores[:, None]])
    np.testing.assert_allclose(sorted(rows.tolist()), sorted(expected), rtol=1e-6)


def test_a_face_by_hand() -> None:
    outputs = {name: np.zeros_like(it) for name, it in heads(0, 2, batched=False).items()}
    # Stride 16 has 4 rows of 6 cells; column 5 of row 2 has candidates 34 and 35.
    outputs["401"][35] = 0.5
    outputs["404"][35] = (1, 2, 0.5, 0.25)
    outputs["407"][35, :4] = (-1, 0.5, 0.125, -2)
    found = bound(Scrfd(), outputs)(outputs, VIEW, 0.25)
    assert found.boxes.tolist() == [[80 - 16, 32 - 32, 80 + 8, 32 + 4]]
    assert found.keypoints is not None
    assert found.keypoints[0, :3].tolist() == [[64, 40, 1], [82, 0, 1], [80, 32, 1]]
    assert found.scores.tolist() == [0.5]


def test_models_without_landmarks_have_no_keypoints() -> None:
    outputs = dict([*heads(0, 2, batched=True).items()][:6])
    found = bound(Scrfd(), outputs)(outputs, VIEW, 0.5)
    assert len(found)
    assert found.keypoints is None


def test_another_number_of_candidates_per_cell_is_refused() -> None:
    outputs = heads(0, 2, batched=True)
    with pytest.raises(BadModel, match="with 1 per cell give 96, 24, 6"):
        bound(Scrfd(anchors=1), outputs)(outputs, VIEW, 0.5)


def test_the_defaults_are_those_of_insightface() -> None:
    assert Scrfd() == Scrfd(strides=(8, 16, 32), anchors=2)
