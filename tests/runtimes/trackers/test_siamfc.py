from math import exp, sqrt

import cv2
import numpy as np
import pytest

from runtimes.trackers.siamfc import Siamfc
from tests.runtimes.trackers.heads import BOX, IMAGE, SIZES, hanning, random


@pytest.mark.parametrize("middle", [0.0, 0.5, 3.0])
def test_siamfc_matches_the_formulas(middle: float) -> None:
    step = Siamfc(output="r", **SIZES)
    responses = [random(1, 1, 17, 17) for _ in range(3)]
    responses[1] += middle
    factors = [1.0375**-1, 1.0, 1.0375]
    fine = [cv2.resize(it[0, 0], (272, 272), interpolation=cv2.INTER_CUBIC) for it in responses]
    peaks = [float(it.max()) * (1 if n == 1 else 0.9745) for n, it in enumerate(fine)]
    number = max(range(3), key=lambda n: peaks[n])
    chosen = fine[number] - fine[number].min()
    chosen = chosen / chosen.sum()
    window = np.array([[hanning(272, r) * hanning(272, c) for c in range(272)] for r in range(272)])
    response = 0.824 * chosen + 0.176 * window / window.sum()
    row, column = np.unravel_index(np.argmax(response), response.shape)
    side = sqrt(110 * 90) * 255 / 127 * factors[number]
    x = 230 + (int(column) - 135.5) * 8 / 16 * side / 255
    y = 170 + (int(row) - 135.5) * 8 / 16 * side / 255
    grown = 0.41 + 0.59 * factors[number]
    wanted = [x - 30 * grown, y - 20 * grown, x + 30 * grown, y + 20 * grown]
    views = step.search_views(BOX, IMAGE)
    found, score = step([{"r": it} for it in responses], views, BOX)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    assert score == pytest.approx(1 / (1 + exp(-float(fine[number][row, column]))), rel=1e-5)


def test_siamfc_keeps_the_size_for_equal_scales() -> None:
    step = Siamfc(output="r", scale_penalty=1.0, **SIZES)
    response = random(1, 1, 17, 17)
    found, _ = step([{"r": response}] * 3, step.search_views(BOX, IMAGE), BOX)
    assert (found[2] - found[0], found[3] - found[1]) == pytest.approx((60, 40))
