"""BlazeFace's raw outputs, compared with a loop over MediaPipe's anchors."""

from math import exp
from typing import Any

import numpy as np
import pytest

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.blazeface import Blazeface
from runtimes.errors import BadModel
from runtimes.geometry import Geometry
from runtimes.signature import Signature, Tensor
from runtimes.view import View
from tests.grids import grid

FACE = Classes(1, exact=True)
MODELS = {
    # Side of the input, strides and candidates per cell as MediaPipe counts them, all anchors.
    "faces, short range": (128, (8, 16, 16, 16), 2, 896, 6),
    "faces, back camera": (256, (16, 32, 32, 32), 2, 896, 6),
    "faces, full range": (192, (4,), 1, 2304, 6),
    "palms": (192, (8, 16, 16, 16), 2, 2016, 7),
    "people": (224, (8, 16, 32, 32, 32), 2, 2254, 4),
}
STEPS = {
    "faces, short range": Blazeface(),
    "faces, back camera": Blazeface(strides=(16, 32)),
    "faces, full range": Blazeface(strides=(4,), anchors=(1,)),
    "palms": Blazeface(),
    "people": Blazeface(strides=(8, 16, 32), anchors=(2, 2, 6)),
}


def centers(side: int, strides: tuple[int, ...], each: int) -> list[tuple[float, float]]:
    """The anchors' centers in 0..1: ssd_anchors_calculator.cc, layers of one stride together."""
    found = []
    layer = 0
    while layer < len(strides):
        last = layer
        while last < len(strides) and strides[last] == strides[layer]:
            last += 1
        cells = side // strides[layer]
        for row in range(cells):
            for column in range(cells):
                center = (column + 0.5) / cells, (row + 0.5) / cells
                found += [center] * (last - layer) * each
        layer = last
    return found


def bound(step: Blazeface, outputs: dict[str, Array]) -> Blazeface:
    tensors = [Tensor(name, it.shape, "float32") for name, it in outputs.items()]
    return step.bind(Signature((), tuple(tensors), {}), FACE)


def outputs_of(count: int, points: int, seed: int = 0) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    return {
        "regressors": rng.normal(0, 30, (1, count, 4 + 2 * points)).astype(np.float32),
        "classificators": rng.normal(-3, 3, (1, count, 1)).astype(np.float32),
    }


@grid(("seed", range(2)), ("name", MODELS))
def test_blazeface_matches_mediapipes_loop(seed: int, name: Any) -> None:
    side, strides, each, count, points = MODELS[name]
    anchors = centers(side, strides, each)
    assert len(anchors) == count
    outputs = outputs_of(count, points, seed)
    expected = []
    for number, (x, y) in enumerate(anchors):
        score = 1 / (1 + exp(-outputs["classificators"][0, number, 0]))
        dx, dy, w, h, *marks = (it / side for it in outputs["regressors"][0, number].tolist())
        row = [x + dx - w / 2, y + dy - h / 2, x + dx + w / 2, y + dy + h / 2]
        row += [(x, y)[n % 2] + it for n, it in enumerate(marks)]
        if score > 0.5:
            expected.append([*(it * side for it in row), score])
    view = View((side, side), (side, side), Geometry())
    found = bound(STEPS[name], outputs)(outputs, view, 0.5)
    assert found.keypoints is not None
    keypoints = found.keypoints[..., :2].reshape(len(found), 2 * points)
    rows = np.hstack([found.boxes, keypoints, found.scores[:, None]])
    np.testing.assert_allclose(sorted(rows.tolist()), sorted(expected), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    ("columns", "count", "words"),
    [(16, 895, "the model has 895 candidates"), (15, 896, "4 \\+ 2 \\* K"), (2, 896, "4 \\+ 2")],
)
def test_other_outputs_are_refused(columns: int, count: int, words: str) -> None:
    outputs = outputs_of(count, 6)
    outputs["regressors"] = np.zeros((1, count, columns), np.float32)
    view = View((128, 128), (128, 128), Geometry())
    with pytest.raises(BadModel, match=words):
        bound(Blazeface(), outputs)(outputs, view, 0.5)


def test_each_stride_needs_a_number_of_candidates() -> None:
    with pytest.raises(BadModel) as caught:
        bound(Blazeface(strides=(4,)), outputs_of(9, 6))
    assert caught.value.where == "anchors"


def test_the_defaults_are_those_of_mediapipes_short_range_model() -> None:
    assert Blazeface() == Blazeface(strides=(8, 16), anchors=(2, 6))
