from math import exp, sqrt

import numpy as np
import pytest

from runtimes.trackers.siamrpn import RATIOS, Siamrpn
from tests.runtimes.trackers.heads import BOX, IMAGE, SIZES, hanning, random


def larger(ratio: float) -> float:
    return max(ratio, 1 / ratio)


def padded(w: float, h: float) -> float:
    pad = (w + h) / 2
    return sqrt((w + pad) * (h + pad))


@pytest.mark.parametrize("anchors", [True, False])
def test_siamrpn_matches_a_loop_over_the_cells(anchors: bool) -> None:
    count, cells, stride = (5, 25, 8) if anchors else (1, 16, 16)
    ratios = RATIOS if anchors else ()
    step = Siamrpn(0.42, 0.05, 0.38, stride=stride, ratios=ratios, classes="c", boxes="b", **SIZES)
    classes = random(1, 2 * count, cells, cells, spread=2)
    shifts = random(1, 4 * count, cells, cells, spread=0.4)
    if not anchors:
        shifts = np.abs(shifts) * 100 + 5
    template = sqrt((60 + 50) * (40 + 50))
    scale = 127 / template  # pixels of the crops for one of the image
    best, wanted, score = -1.0, (0.0, 0.0, 0.0, 0.0), 0.0
    for a in range(count):
        for row in range(cells):
            for column in range(cells):
                x, y = (column - cells // 2) * stride, (row - cells // 2) * stride
                d = [float(shifts[0, k * count + a, row, column]) for k in range(4)]
                if anchors:
                    wide = int(sqrt(64 / RATIOS[a]))
                    high = int(wide * RATIOS[a])
                    cx, cy = x + d[0] * wide * 8, y + d[1] * high * 8
                    w, h = exp(d[2]) * wide * 8, exp(d[3]) * high * 8
                else:
                    cx, cy = ((x - d[0]) + (x + d[2])) / 2, ((y - d[1]) + (y + d[3])) / 2
                    w, h = d[0] + d[2], d[1] + d[3]
                back = exp(classes[0, a, row, column])
                front = exp(classes[0, count + a, row, column])
                probability = front / (back + front)
                size = larger(padded(w, h) / padded(60 * scale, 40 * scale))
                aspect = larger((60 / 40) / (w / h))
                damping = exp(-(size * aspect - 1) * 0.05)
                weight = hanning(cells, row) * hanning(cells, column)
                response = damping * probability * 0.58 + weight * 0.42
                if response > best:
                    rate = damping * probability * 0.38
                    w, h = 60 * (1 - rate) + w / scale * rate, 40 * (1 - rate) + h / scale * rate
                    cx, cy = 230 + cx / scale, 170 + cy / scale
                    best, score = response, probability
                    wanted = (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2)
    views = step.search_views(BOX, IMAGE)
    found, sure = step([{"c": classes, "b": shifts}], views, BOX)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    assert sure == pytest.approx(score, rel=1e-5)
