import builtins
import sys
from typing import Any

import cv2
import numpy as np
import pytest
from pycocotools import mask as reference

from builder.diagnostics.errors import CommandLineError
from builder.evaluation.overlap import (
    area,
    box_ious,
    coco_masks,
    mask_area,
    mask_ious,
    oks,
    polygon_ious,
    rle_of_bitmap,
    rle_of_rings,
)
from runtimes.arrays import Array

NO_CROWD = np.zeros(1, bool)
CROWD = np.ones(1, bool)


def test_box_ious_by_hand() -> None:
    one, other = np.array([[0.0, 0, 10, 10]]), np.array([[5.0, 0, 25, 10]])
    assert box_ious(one, other, NO_CROWD)[0, 0] == pytest.approx(50 / 250)
    assert box_ious(one, other, CROWD)[0, 0] == pytest.approx(50 / 100)


def rotated(x: float, y: float, width: float, height: float, degrees: float) -> Array:
    return np.asarray(cv2.boxPoints(((x, y), (width, height), degrees)), np.float64)


def test_a_square_turned_by_45_degrees_by_hand() -> None:
    square, turned = rotated(0, 0, 2, 2, 0), rotated(0, 0, 2, 2, 45)
    # The intersection is a regular octagon around a circle of radius 1: area 8 * tan(22.5 degrees).
    octagon = 8 * np.tan(np.pi / 8)
    expected = octagon / (8 - octagon)
    assert polygon_ious([square], [turned], NO_CROWD)[0, 0] == pytest.approx(expected, abs=1e-6)
    crowded = polygon_ious([square], [turned], CROWD)[0, 0]
    assert crowded == pytest.approx(octagon / 4, abs=1e-6)


def test_polygon_ious_equal_those_of_opencv_in_both_directions_of_the_points() -> None:
    random = np.random.default_rng(0)
    rings = [
        rotated(*values)
        for values in random.uniform([20, 20, 5, 5, 0], [60, 60, 50, 50, 360], (40, 5)).tolist()
    ]
    ious = polygon_ious(rings, [ring[::-1] for ring in rings], np.zeros(40, bool))
    for row, one in enumerate(rings):
        for column, other in enumerate(rings):
            shared, _ = cv2.intersectConvexConvex(one.astype(np.float32), other.astype(np.float32))
            whole = cv2.contourArea(one.astype(np.float32)) + cv2.contourArea(
                other.astype(np.float32)
            )
            assert ious[row, column] == pytest.approx(shared / (whole - shared), abs=2e-3)
    assert np.diag(ious) == pytest.approx(np.ones(40))


def test_polygons_apart_or_without_an_area_do_not_overlap() -> None:
    square, far, line = rotated(0, 0, 2, 2, 0), rotated(9, 9, 2, 2, 30), np.zeros((4, 2))
    assert polygon_ious([square, line], [far, line], np.zeros(2, bool)).max() == 0
    assert area(np.zeros((2, 2))) == 0


@pytest.mark.parametrize(
    ("left", "top", "rows", "columns"),
    [(3, 5, 10, 12), (0, 0, 40, 60), (-4, -3, 20, 20), (50, 30, 30, 30), (70, 70, 5, 5)],
)
def test_bitmaps_become_the_masks_that_pycocotools_encodes(
    left: int, top: int, rows: int, columns: int
) -> None:
    bitmap = np.random.default_rng(left + 9).random((rows, columns)) < 0.7
    canvas = np.zeros((40 + 200, 60 + 200), np.uint8)
    canvas[100 + top : 100 + top + rows, 100 + left : 100 + left + columns] = bitmap
    expected = reference.encode(np.asfortranarray(canvas[100:140, 100:160]))
    found = rle_of_bitmap(bitmap, left, top, (40, 60))
    assert found["counts"] == expected["counts"]
    assert mask_area(found) == reference.area(expected)


def test_a_bitmap_that_fills_the_image() -> None:
    found = rle_of_bitmap(np.ones((7, 5), bool), 0, 0, (7, 5))
    assert mask_area(found) == 35


def test_polygons_become_the_masks_that_pycocotools_draws() -> None:
    rings = [[3.2, 4.0, 30.5, 7.1, 18.0, 33.3], [40.0, 5.0, 55.0, 5.0, 55.0, 30.0, 40.0, 30.0]]
    expected = reference.merge(reference.frPyObjects(rings, 40, 60))
    assert rle_of_rings(rings, (40, 60))["counts"] == expected["counts"]


def test_mask_ious_by_hand() -> None:
    one = rle_of_bitmap(np.ones((4, 4), bool), 0, 0, (10, 10))
    other = rle_of_bitmap(np.ones((4, 4), bool), 2, 0, (10, 10))
    assert mask_ious([one], [other], NO_CROWD)[0, 0] == pytest.approx(8 / 24)
    assert mask_ious([one], [other], CROWD)[0, 0] == pytest.approx(8 / 16)
    assert mask_ious([], [other], NO_CROWD).shape == (0, 1)


def test_oks_by_hand() -> None:
    truth = np.array([[10.0, 10.0], [50.0, 50.0], [0.0, 0.0]])
    found = truth[None] + np.array([[3.0, 4.0], [0.0, 0.0], [99.0, 99.0]])
    labeled, sigmas = np.array([True, True, False]), np.array([0.1, 0.1, 0.1])
    # exp(-d^2 / (2 s^2 k^2)) with d = 5, s^2 = 400 and k = 2 * 0.1; the other point is exact.
    expected = (np.exp(-25 / (2 * 400 * 0.04)) + 1) / 2
    assert oks(found, truth, labeled, 400.0, sigmas)[0] == pytest.approx(expected)


def test_without_faster_coco_eval_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = builtins.__import__

    def missing(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("faster_coco_eval"):
            raise ModuleNotFoundError(f"No module named '{name}'")
        return original(name, *rest, **more)

    for name in [it for it in sys.modules if it.startswith("faster_coco_eval")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(CommandLineError, match="needs faster-coco-eval") as caught:
        coco_masks()
    assert caught.value.problems[0].hint == "pip install 'cvatbuild[evaluate]'"
