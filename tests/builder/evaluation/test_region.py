import numpy as np
import pytest
from skimage.draw import polygon2mask

from builder.evaluation.region import Region


def region(*rows: str, left: int = 0, top: int = 0) -> Region:
    """A region drawn in text."""
    return Region(np.array([[letter == "#" for letter in row] for row in rows]), left, top)


def test_a_square_covers_the_pixels_between_its_corners() -> None:
    found = Region.inside([np.array([[2, 1], [5, 1], [5, 3], [2, 3]], float)])
    assert (found.left, found.top) == (2, 1)
    assert found.bitmap.tolist() == [[True] * 3] * 2


def test_a_pixel_counts_if_its_center_is_inside() -> None:
    found = Region.inside([np.array([[0.4, 0], [2.6, 0], [2.6, 1], [0.4, 1]])])
    assert found.bitmap.tolist() == [[True, True, True]]
    found = Region.inside([np.array([[0.6, 0], [2.4, 0], [2.4, 1], [0.6, 1]])])
    assert found.bitmap.tolist() == [[False, True, False]]


@pytest.mark.parametrize("seed", range(20))
def test_any_polygon_is_filled_as_scikit_image_fills_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    # No point lies on a line through pixel centers, where implementations may decide freely.
    ring = rng.uniform(3, 37, (rng.integers(3, 9), 2))
    found = Region.inside([ring])
    whole = np.zeros((40, 40), bool)
    height, width = found.bitmap.shape
    whole[found.top : found.top + height, found.left : found.left + width] = found.bitmap
    # scikit-image takes row, column, and has the first pixel's center at (0, 0).
    assert np.array_equal(whole, polygon2mask((40, 40), ring[:, ::-1] - 0.5))


def test_several_polygons_are_united_and_no_points_are_nothing() -> None:
    square = np.array([[0, 0], [2, 0], [2, 2], [0, 2]], float)
    assert Region.inside([square, square + 1]).bitmap.sum() == 7
    assert Region.inside([]).bitmap.size == 0
    assert Region.inside([np.zeros((0, 2))]).bitmap.size == 0


def test_iou_counts_pixels() -> None:
    one = region("##", "##")
    assert one.iou(one) == 1
    assert one.iou(region("##", "##", left=1)) == 2 / 6
    assert one.iou(region("#.", "..", left=1, top=1)) == 1 / 4
    assert one.iou(region("#", left=9, top=9)) == 0
    assert region(".").iou(region(".")) == 0


def test_a_region_is_cut_off_at_the_borders_of_an_image() -> None:
    ring = np.array([[-3, -2], [1e9, -2], [1e9, 2], [-3, 2]])
    found = Region.inside([ring], (3, 4))
    assert (found.left, found.top, found.bitmap.tolist()) == (0, 0, [[True] * 4] * 2)
    assert found.on_canvas((3, 4)).sum() == 8
    assert region("###", "###", left=-1, top=1).on_canvas((2, 3)).tolist() == [
        [False, False, False],
        [True, True, False],
    ]
    assert not region("##", left=9, top=9).on_canvas((2, 3)).any()
    assert not region("##", left=-9, top=-9).on_canvas((2, 3)).any()
