from math import exp, sqrt

import numpy as np
import pytest

from runtimes.trackers.transt import Transt
from tests.runtimes.trackers.heads import BOX, IMAGE, RNG, SIZES, hanning, random


@pytest.mark.parametrize("window", [0.0, 0.49, 1.0])
def test_transt_matches_a_loop_over_the_cells(window: float) -> None:
    step = Transt(window=window, logits="l", boxes="b", **SIZES)
    logits, boxes = random(1, 64, 2, spread=3), RNG.uniform(0.2, 0.8, (1, 64, 4))
    best, wanted, score = -1.0, (0.0, 0.0, 0.0, 0.0), 0.0
    side = sqrt((60 + 1.5 * 100) * (40 + 1.5 * 100))
    for cell in range(64):
        front, back = exp(logits[0, cell, 0]), exp(logits[0, cell, 1])
        probability = front / (front + back)
        weight = hanning(8, cell // 8) * hanning(8, cell % 8)
        response = probability * (1 - window) + weight * window
        if response > best:
            x, y, w, h = (float(it) * side for it in boxes[0, cell])
            x, y = 230 - side / 2 + x, 170 - side / 2 + y
            best, wanted, score = (
                response,
                (x - w / 2, y - h / 2, x + w / 2, y + h / 2),
                probability,
            )
    views = step.search_views(BOX, IMAGE)
    found, sure = step([{"l": logits, "b": boxes.astype(np.float32)}], views, BOX)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    assert sure == pytest.approx(score, rel=1e-5)


def test_a_response_of_nan_has_no_confidence() -> None:
    step = Transt(logits="l", boxes="b", **SIZES)
    nothing = {"l": np.full((1, 64, 2), np.nan, np.float32), "b": np.zeros((1, 64, 4), np.float32)}
    _, score = step([nothing], step.search_views(BOX, IMAGE), BOX)
    assert not score >= 0.0
