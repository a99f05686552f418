import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.draw import disk, polygon2mask
from skimage.measure import label

from runtimes.arrays import Array
from runtimes.contours import Outline, outlines

bitmaps = st.integers(1, 10).flatmap(
    lambda width: st.lists(
        st.lists(st.integers(0, 1), min_size=width, max_size=width), min_size=1, max_size=10
    ).map(lambda rows: np.array(rows, np.uint8))
)


SLOPE = 0.5**0.5 / 2
"""The distance of a slope's stairs from the line through their middle."""


def area_of(ring: Array) -> float:
    """The area of a polygon, by the shoelace formula."""
    total = 0.0
    points = ring.tolist()
    for (x1, y1), (x2, y2) in zip(points, [*points[1:], points[0]], strict=True):
        total += x1 * y2 - x2 * y1
    return abs(total) / 2


def length_of(ring: Array) -> float:
    return float(np.hypot(*(ring - np.roll(ring, -1, axis=0)).T).sum())


def filled_in(bitmap: Array) -> Array:
    """A bitmap with its holes filled: all but the background that reaches the border."""
    around = np.pad(bitmap, 1)
    parts = label(1 - around, connectivity=1)
    return np.asarray((parts != parts[0, 0])[1:-1, 1:-1])


def distance(point: Array, ring: Array) -> float:
    """The distance of a point from the nearest side of a ring."""
    best = np.inf
    for start, end in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        along = end - start
        squared = float(along @ along)
        part = 0.0 if squared == 0 else min(1.0, max(0.0, float((point - start) @ along) / squared))
        best = min(best, float(np.hypot(*(point - start - part * along))))
    return best


def painted(ring: Array, shape: tuple[int, int]) -> Array:
    """The pixels whose centers a ring encloses."""
    return np.asarray(polygon2mask(shape, ring[:, ::-1] - 0.5))


def round_blob(radius: float = 20, size: int = 50) -> Array:
    bitmap = np.zeros((size, size), np.uint8)
    bitmap[disk((size / 2, size / 2), radius, shape=bitmap.shape)] = 1
    return bitmap


def frame(hole: int) -> Array:
    """A square of 12 with a square hole."""
    bitmap = np.ones((12, 12), np.uint8)
    bitmap[3 : 3 + hole, 4 : 4 + hole] = 0
    return bitmap


def corners(ring: Array) -> set[tuple[float, float]]:
    return {(x, y) for x, y in ring.tolist()}


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 900), st.integers(0, 900))
def test_a_rectangle_is_its_four_corners(width: int, height: int, left: int, top: int) -> None:
    (found,) = outlines(np.ones((height, width), np.uint8), left, top, 0, holes=False)
    right, bottom = left + width, top + height
    assert corners(found.ring) == {(left, top), (right, top), (right, bottom), (left, bottom)}
    assert len(found.ring) == 4
    assert found.area == area_of(found.ring) == width * height


@given(bitmaps)
def test_without_simplification_the_rings_enclose_the_masks_area(
    bitmap: Array,
) -> None:
    found = outlines(bitmap, 0, 0, 0, holes=True)
    assert sum(area_of(outline.ring) for outline in found) == bitmap.sum()


@given(bitmaps)
def test_without_simplification_the_areas_add_up_to_the_pixels(bitmap: Array) -> None:
    found = outlines(bitmap, 0, 0, 0, holes=True)
    assert sum(outline.area for outline in found) == bitmap.sum()


@given(bitmaps)
def test_filled_rings_enclose_the_holes_too(bitmap: Array) -> None:
    found = outlines(bitmap, 0, 0, 0, holes=False)
    assert sum(area_of(outline.ring) for outline in found) == filled_in(bitmap).sum()


@given(bitmaps)
def test_each_connected_component_has_an_outline(bitmap: Array) -> None:
    parts = label(bitmap, connectivity=2).max()
    assert len(outlines(bitmap, 0, 0, 0, holes=True)) == parts
    outer = label(filled_in(bitmap), connectivity=2).max()
    assert len(outlines(bitmap, 0, 0, 0, holes=False)) == outer


@given(bitmaps)
def test_filled_rings_cover_exactly_the_filled_pixels(bitmap: Array) -> None:
    found = outlines(bitmap, 0, 0, 0, holes=False)
    covered = np.zeros(bitmap.shape, bool)
    for outline in found:
        covered |= painted(outline.ring, bitmap.shape)
    np.testing.assert_array_equal(covered, filled_in(bitmap))


def doubled(bitmap: Array) -> Array:
    """A bitmap of the edges and corners of pixels: those of an odd row and column are pixels."""
    height, width = bitmap.shape
    points = np.zeros((2 * height + 1, 2 * width + 1), np.uint8)
    for y, x in np.argwhere(bitmap):
        points[2 * y : 2 * y + 3, 2 * x : 2 * x + 3] = 1
    return points


@given(bitmaps, st.sampled_from([0.25, 0.75, 2.0]))
def test_rings_are_the_contours_of_a_bitmap_of_double_resolution(
    bitmap: Array, epsilon: float
) -> None:
    contours, _ = cv2.findContours(doubled(bitmap), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    simple = [np.asarray(cv2.approxPolyDP(it, 2 * epsilon, True)).reshape(-1, 2) for it in contours]
    wanted = sorted(((ring / 2).tolist() for ring in simple if len(ring) >= 3), key=str)
    found = outlines(bitmap, 0, 0, epsilon, holes=False)
    assert sorted((outline.ring.tolist() for outline in found), key=str) == wanted


@given(bitmaps, st.sampled_from([0, 0.75, 2]), st.booleans(), st.integers(0, 3))
def test_the_largest_outlines_can_be_selected(
    bitmap: Array, epsilon: float, holes: bool, most: int
) -> None:
    every = outlines(bitmap, 0, 0, epsilon, holes)
    found = outlines(bitmap, 0, 0, epsilon, holes, most)
    assert [it.area for it in found] == [it.area for it in every[:most]]
    assert [it.ring.tolist() for it in found] == [it.ring.tolist() for it in every[:most]]


@given(bitmaps, st.floats(0, 3), st.booleans())
def test_the_largest_component_is_first(bitmap: Array, epsilon: float, holes: bool) -> None:
    areas = [outline.area for outline in outlines(bitmap, 0, 0, epsilon, holes)]
    assert areas == sorted(areas, reverse=True)
    assert all(area > 0 for area in areas)


@given(bitmaps, st.sampled_from([0, 0.75, 2]), st.booleans())
def test_every_ring_can_be_drawn_by_cvat(bitmap: Array, epsilon: float, holes: bool) -> None:
    height, width = bitmap.shape
    for outline in outlines(bitmap, 5, 7, epsilon, holes):
        assert len(outline.ring) >= 3
        assert outline.ring.min(axis=0).tolist() >= [5, 7]
        assert (outline.ring.max(axis=0) <= [5 + width, 7 + height]).all()


@given(bitmaps, st.integers(0, 4000), st.integers(0, 4000), st.booleans())
def test_the_offset_moves_points_and_keeps_areas(
    bitmap: Array, left: int, top: int, holes: bool
) -> None:
    here = outlines(bitmap, 0, 0, 0.75, holes)
    there = outlines(bitmap, left, top, 0.75, holes)
    assert [outline.area for outline in there] == [outline.area for outline in here]
    for moved, outline in zip(there, here, strict=True):
        np.testing.assert_array_equal(moved.ring, outline.ring + np.array([left, top]))


def test_components_by_hand() -> None:
    bitmap = np.zeros((10, 20), np.uint8)
    bitmap[1:3, 1:4] = 1
    bitmap[4:9, 10:18] = 1
    large, small = outlines(bitmap, 100, 200, 0, holes=True)
    assert (large.area, small.area) == (40, 6)
    assert corners(large.ring) == {(110, 204), (118, 204), (118, 209), (110, 209)}
    assert corners(small.ring) == {(101, 201), (104, 201), (104, 203), (101, 203)}


def test_an_inner_corner_is_a_corner() -> None:
    bitmap = np.ones((4, 4), np.uint8)
    bitmap[2:, 2:] = 0
    (found,) = outlines(bitmap, 0, 0, 0, holes=False)
    assert corners(found.ring) == {(0, 0), (4, 0), (4, 2), (2, 2), (2, 4), (0, 4)}
    assert found.area == 12


def test_pixels_that_touch_at_a_corner_are_connected() -> None:
    (found,) = outlines(np.eye(2, dtype=np.uint8), 0, 0, 0, holes=False)
    np.testing.assert_array_equal(painted(found.ring, (2, 2)), np.eye(2, dtype=bool))


@pytest.mark.parametrize("hole", [1, 2, 5])
def test_holes_are_cut_out_or_filled(hole: int) -> None:
    bitmap = frame(hole)
    (cut,) = outlines(bitmap, 0, 0, 0, holes=True)
    (whole,) = outlines(bitmap, 0, 0, 0, holes=False)
    assert (whole.area, area_of(whole.ring), len(whole.ring)) == (144, 144, 4)
    assert cut.area == area_of(cut.ring) == 144 - hole**2
    assert corners(cut.ring) >= {(0, 0), (12, 0), (12, 12), (0, 12)}
    np.testing.assert_array_equal(painted(cut.ring, bitmap.shape), bitmap.astype(bool))


def test_several_holes_are_all_cut_out() -> None:
    bitmap = np.ones((14, 30), np.uint8)
    bitmap[4:10, 4:8] = bitmap[3:9, 12:18] = bitmap[5:11, 22:26] = 0
    (cut,) = outlines(bitmap, 0, 0, 0, holes=True)
    np.testing.assert_array_equal(painted(cut.ring, bitmap.shape), bitmap.astype(bool))


def test_an_island_in_a_hole_is_its_own_component_if_holes_are_cut_out() -> None:
    bitmap = frame(6)
    bitmap[5:7, 6:8] = 1
    assert len(outlines(bitmap, 0, 0, 0, holes=True)) == 2
    (whole,) = outlines(bitmap, 0, 0, 0, holes=False)
    assert whole.area == 144


def test_a_larger_epsilon_gives_fewer_points() -> None:
    counts = [
        len(outlines(round_blob(), 0, 0, epsilon, holes=False)[0].ring)
        for epsilon in (0, 0.75, 1.5, 5)
    ]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[1] > counts[2]
    assert counts[3] >= 3


@pytest.mark.parametrize("epsilon", [0.5, 0.75, 1.5, 3])
@pytest.mark.parametrize("blob", [round_blob(), round_blob(7), frame(0)], ids=str)
def test_a_simplified_ring_is_within_epsilon(blob: Array, epsilon: float) -> None:
    (exact,) = outlines(blob, 0, 0, 0, holes=False)
    (simple,) = outlines(blob, 0, 0, epsilon, holes=False)
    assert max(distance(point, simple.ring) for point in exact.ring) <= epsilon + SLOPE + 1e-9
    gap = abs(area_of(simple.ring) - int(blob.sum()))
    assert gap <= epsilon * length_of(exact.ring)


def test_the_usual_epsilon_keeps_a_round_blobs_area() -> None:
    blob = round_blob()
    (found,) = outlines(blob, 0, 0, 0.75, holes=False)
    assert area_of(found.ring) == pytest.approx(blob.sum(), rel=0.03)


def test_components_that_simplification_removes_are_dropped() -> None:
    # A line of one pixel's width has no area once it may stray by two pixels.
    bitmap = np.zeros((20, 30), np.uint8)
    bitmap[0, :25] = 1
    bitmap[8:, 8:] = 1
    found = outlines(bitmap, 0, 0, 2, holes=False)
    assert [outline.area for outline in found] == [12 * 22]


@pytest.mark.parametrize("holes", [True, False])
def test_an_empty_mask_has_no_outline(holes: bool) -> None:
    found: list[Outline] = outlines(np.zeros((3, 4), np.uint8), 0, 0, 0.75, holes)
    assert found == []


@pytest.mark.parametrize("hole", [(2, 5), (5, 2), (7, 8), (8, 7)])
def test_a_seam_joins_the_closest_points_of_ring_and_hole(hole: tuple[int, int]) -> None:
    # A hole of 2x1 pixels in a square of 12x12, nearest to one of its sides.
    y, x = hole
    bitmap = np.ones((12, 12), np.uint8)
    bitmap[y, x : x + 2] = 0
    (found,) = outlines(bitmap, 0, 0, 0, True)
    ring = [tuple(point) for point in found.ring.tolist()]
    around = {(x, y), (x + 2, y), (x, y + 1), (x + 2, y + 1)}
    border = {(0, 0), (12, 0), (0, 12), (12, 12)}
    assert set(ring) == around | border
    # The seam is gone along twice: in and out, between the same two points.
    steps = {frozenset(it) for it in zip(ring, [*ring[1:], ring[0]], strict=True)}
    (seam,) = [it for it in steps if it & around and it & border]
    (inner,), (outer,) = seam & around, seam & border
    shortest = min(np.hypot(a - c, b - d) for a, b in around for c, d in border)
    assert np.hypot(inner[0] - outer[0], inner[1] - outer[1]) == shortest
