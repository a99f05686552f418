from math import cos, pi, sqrt

import numpy as np
import pytest

from runtimes.trackers.ostrack import Ostrack
from tests.runtimes.trackers.heads import BOX, IMAGE, RNG, SIZES


@pytest.mark.parametrize("window", [0.0, 1.0])
def test_ostrack_matches_a_loop_over_the_cells(window: float) -> None:
    step = Ostrack(window=window, scores="s", sizes="w", offsets="o", **SIZES)
    scores = RNG.uniform(0, 1, (1, 1, 16, 16))
    sizes, offsets = RNG.uniform(0, 0.5, (1, 2, 16, 16)), RNG.uniform(0, 1, (1, 2, 16, 16))
    side = 4 * sqrt(60 * 40)
    best, wanted = -1.0, (0.0, 0.0, 0.0, 0.0)
    for row in range(16):
        for column in range(16):
            weight = 1.0
            for number in (row, column):
                weight *= 0.5 * (1 - cos(2 * pi / 17 * (number + 1)))
            response = scores[0, 0, row, column] * (weight if window else 1)
            if response > best:
                x = 230 - side / 2 + (column + offsets[0, 0, row, column]) / 16 * side
                y = 170 - side / 2 + (row + offsets[0, 1, row, column]) / 16 * side
                w, h = sizes[0, 0, row, column] * side, sizes[0, 1, row, column] * side
                best, wanted = response, (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
    found, score = step(
        [{"s": scores, "w": sizes, "o": offsets}], step.search_views(BOX, IMAGE), BOX
    )
    np.testing.assert_allclose(found, wanted)
    assert score == pytest.approx(best)
