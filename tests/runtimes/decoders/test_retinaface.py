"""RetinaFace's raw outputs, compared with the loops of its authors' PriorBox and decode."""

from math import ceil, exp
from typing import Any

import numpy as np
import pytest

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.retinaface import Retinaface
from runtimes.errors import BadModel
from runtimes.geometry import Geometry
from runtimes.signature import Signature, Tensor
from runtimes.view import View
from tests.grids import grid

SIZE = (72, 100)
VIEW = View(SIZE, SIZE, Geometry())
FACE = Classes(1, exact=True)
MNET = ((8, 16, 32), ((16, 32), (64, 128), (256, 512)))
SLIM = ((8, 16, 32, 64), ((10, 16, 24), (32, 48), (64, 96), (128, 192, 256)))


def priors(strides: tuple[int, ...], sizes: tuple[tuple[int, ...], ...]) -> list[Any]:
    """Center x, center y, width, height of each prior, in 0..1: layers/functions/prior_box.py."""
    height, width = SIZE
    found = []
    for stride, sides in zip(strides, sizes, strict=True):
        for row in range(ceil(height / stride)):
            for column in range(ceil(width / stride)):
                for side in sides:
                    x, y = (column + 0.5) * stride / width, (row + 0.5) * stride / height
                    found.append((x, y, side / width, side / height))
    return found


def outputs_of(count: int, seed: int) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    face = rng.random((1, count, 1))
    return {
        "conf": np.concatenate([1 - face, face], axis=2).astype(np.float32),
        "landms": rng.normal(size=(1, count, 10)).astype(np.float32),
        "loc": rng.normal(size=(1, count, 4)).astype(np.float32),
    }


def bound(step: Retinaface, outputs: dict[str, Array]) -> Retinaface:
    tensors = [Tensor(name, it.shape, "float32") for name, it in outputs.items()]
    return step.bind(Signature((), tuple(tensors), {}), FACE)


@grid(("seed", range(2)), ("layout", [MNET, SLIM]), ("landmarks", [True, False]))
def test_retinaface_matches_its_authors_loop(seed: int, layout: Any, landmarks: bool) -> None:
    strides, sizes = layout
    anchors = priors(strides, sizes)
    outputs = outputs_of(len(anchors), seed)
    if not landmarks:
        del outputs["landms"]
    height, width = SIZE
    expected = []
    for number, (x, y, w, h) in enumerate(anchors):
        loc, score = outputs["loc"][0, number].tolist(), outputs["conf"][0, number, 1]
        center = x + loc[0] * 0.1 * w, y + loc[1] * 0.1 * h
        size = w * exp(loc[2] * 0.2), h * exp(loc[3] * 0.2)
        corners = [center[0] - size[0] / 2, center[1] - size[1] / 2]
        corners += [corners[0] + size[0], corners[1] + size[1]]
        if landmarks:
            for px, py in outputs["landms"][0, number].reshape(5, 2).tolist():
                corners += [x + px * 0.1 * w, y + py * 0.1 * h]
        if score > 0.5:
            pixels = [it * (width, height)[n % 2] for n, it in enumerate(corners)]
            expected.append([*pixels, score])
    found = bound(Retinaface(strides=strides, sizes=sizes), outputs)(outputs, VIEW, 0.5)
    rows = [found.boxes]
    assert (found.keypoints is not None) == landmarks
    if found.keypoints is not None:
        rows.append(found.keypoints[..., :2].reshape(len(found), 10))
    rows.append(found.scores[:, None])
    np.testing.assert_allclose(sorted(np.hstack(rows).tolist()), sorted(expected), rtol=1e-5)


def test_a_softmax_outside_of_the_graph() -> None:
    outputs = outputs_of(len(priors(*MNET)), 0)
    outputs["conf"][:] = 9, 0
    outputs["conf"][0, 3] = 1, 3
    found = bound(Retinaface(activation="softmax"), outputs)(outputs, VIEW, 0.5)
    assert found.scores.tolist() == pytest.approx([1 / (1 + np.exp(-2))])


def test_logits_without_activation_are_refused() -> None:
    outputs = outputs_of(len(priors(*MNET)), 0)
    outputs["conf"] *= 9
    with pytest.raises(BadModel, match="not probabilities"):
        bound(Retinaface(), outputs)(outputs, VIEW, 0.5)


def test_another_number_of_priors_is_refused() -> None:
    outputs = outputs_of(len(priors(*MNET)) - 2, 0)
    with pytest.raises(BadModel, match=r"the model has .* candidates; an input of 72x100"):
        bound(Retinaface(), outputs)(outputs, VIEW, 0.5)


@pytest.mark.parametrize("sizes", [((16,),), ((16,), (32,), ())])
def test_each_stride_needs_sizes(sizes: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(BadModel, match="sizes of priors") as caught:
        bound(Retinaface(sizes=sizes), outputs_of(9, 0))
    assert caught.value.where == "sizes"


def test_the_defaults_are_those_of_cfg_mnet_and_cfg_re50() -> None:
    assert Retinaface() == Retinaface(strides=MNET[0], sizes=MNET[1], variances=(0.1, 0.2))
