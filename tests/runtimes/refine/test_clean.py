from collections import deque

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.arrays import Array
from runtimes.errors import BadModel
from runtimes.geometry import Geometry
from runtimes.instances import Instances
from runtimes.masks import Crop, RegionMasks
from runtimes.refine.clean import FillHoles, LargestComponent, Smooth
from runtimes.step import Refine

bitmaps = st.integers(1, 9).flatmap(
    lambda width: st.lists(
        st.lists(st.integers(0, 1), min_size=width, max_size=width), min_size=1, max_size=9
    )
)


def drawn(*rows: str) -> Array:
    """A bitmap from a drawing in which # is set."""
    return np.array([[letter == "#" for letter in row] for row in rows], np.uint8)


def refined(bitmap: Array, *steps: Refine) -> Array:
    """The mask of an instance that fills the image, after a step."""
    height, width = bitmap.shape
    instances = Instances.of(
        np.array([[0, 0, width, height]], np.float64),
        np.ones(1),
        np.zeros(1),
        masks=RegionMasks(bitmap, np.array([1])),
    )
    for step in steps:
        instances = step(instances)
    assert instances.masks is not None
    whole = np.zeros_like(bitmap)
    crop = instances.masks.crop(0, instances.boxes[0], bitmap.shape)
    if crop is not None:
        high, wide = crop.bitmap.shape
        whole[crop.top : crop.top + high, crop.left : crop.left + wide] = crop.bitmap
    return whole


def parts(bitmap: Array, diagonal: bool) -> list[set[tuple[int, int]]]:
    """The connected components, by a flood fill."""
    left = {(int(y), int(x)) for y, x in np.argwhere(bitmap)}
    around = [(0, 1), (1, 0), (0, -1), (-1, 0)]
    around += [(1, 1), (1, -1), (-1, 1), (-1, -1)] if diagonal else []
    found = []
    while left:
        part, queue = set(), deque([left.pop()])
        while queue:
            y, x = queue.popleft()
            part.add((y, x))
            for down, right in around:
                if (y + down, x + right) in left:
                    left.remove((y + down, x + right))
                    queue.append((y + down, x + right))
        found.append(part)
    return found


def test_the_largest_component_is_kept() -> None:
    ragged = drawn(
        "#..####",
        "##....#",
        ".......",
        "..##..#",
    )
    assert refined(ragged, LargestComponent()).tolist() == drawn(
        "...####",
        "......#",
        ".......",
        ".......",
    ).tolist()  # fmt: skip


@given(bitmaps)
def test_no_component_is_larger_than_the_one_that_is_kept(rows: list[list[int]]) -> None:
    bitmap = np.array(rows, np.uint8)
    kept = refined(bitmap, LargestComponent())
    all_parts = parts(bitmap, diagonal=True)
    if not all_parts:
        assert not kept.any()
        return
    (stayed,) = parts(kept, diagonal=True)
    assert stayed in all_parts
    assert len(stayed) == max(map(len, all_parts))


def test_small_holes_are_filled_and_large_ones_are_not() -> None:
    holes = drawn(
        "#########",
        "#.#...#.#",
        "#.#...###",
        "#########",
        "##.##....",
    )
    # The hole of one pixel and that of two go; one of six, and a bay, do not.
    assert refined(holes, FillHoles(2)).tolist() == drawn(
        "#########",
        "###...###",
        "###...###",
        "#########",
        "##.##....",
    ).tolist()  # fmt: skip


@given(bitmaps, st.integers(1, 12))
def test_holes_are_filled_up_to_an_area(rows: list[list[int]], area: int) -> None:
    bitmap = np.array(rows, np.uint8)
    around = np.pad(1 - bitmap, 1, constant_values=1)
    expected = bitmap.copy()
    for hole in parts(around, diagonal=False):
        if (0, 0) not in hole and len(hole) <= area and bitmap.any():
            for y, x in hole:
                expected[y - 1, x - 1] = 1
    assert refined(bitmap, FillHoles(area)).tolist() == expected.tolist()


@pytest.mark.parametrize("radius", [1, 2, 5])
def test_smoothing_keeps_straight_edges(radius: int) -> None:
    wall = np.zeros((40, 60), np.uint8)
    wall[:, 10:50] = 1
    assert refined(wall, Smooth(radius)).tolist() == wall.tolist()
    floor = np.ascontiguousarray(wall.T)
    assert refined(floor, Smooth(radius)).tolist() == floor.tolist()


def test_smoothing_removes_hairs_and_fills_cracks() -> None:
    block = np.zeros((60, 60), np.uint8)
    block[20:50, 20:50] = 1
    ragged = block.copy()
    ragged[5:20, 35] = 1  # a hair of one pixel
    ragged[20:26, 24] = 0  # a crack of one pixel
    smooth = refined(ragged, Smooth(4))
    assert not smooth[:16].any()
    assert smooth[22:26, 24].all()
    inside = (smooth & block).sum()
    assert inside / (smooth | block).sum() > 0.97


@given(bitmaps, st.sampled_from([1, 3, 6]))
def test_smoothing_is_a_blur_and_a_threshold(rows: list[list[int]], radius: int) -> None:
    # Coarser pixels, so that something is left.
    bitmap = np.kron(np.array(rows, np.uint8), np.ones((4, 4), np.uint8))
    weights = np.exp(-(np.arange(-radius, radius + 1) ** 2) / (2 * (radius / 2) ** 2))
    weights /= weights.sum()
    edge = np.pad(bitmap.astype(float), radius, mode="edge")
    down = sum(w * edge[k : k + len(bitmap)] for k, w in enumerate(weights))
    blurred = sum(w * down[:, k : k + bitmap.shape[1]] for k, w in enumerate(weights))
    sure = np.abs(blurred - 0.5) > 1e-4
    found = refined(bitmap, Smooth(radius))
    assert (found[sure] == (blurred > 0.5)[sure]).all()


def test_steps_can_be_combined() -> None:
    bitmap = np.zeros((30, 30), np.uint8)
    bitmap[5:25, 5:25] = 1
    bitmap[10, 10] = 0
    bitmap[1:3, 1:3] = 1
    expected = np.zeros_like(bitmap)
    expected[5:25, 5:25] = 1
    steps = (LargestComponent(), FillHoles(1))
    assert refined(bitmap, *steps).tolist() == expected.tolist()


def test_masks_can_be_taken_and_mapped_after_the_step() -> None:
    regions = np.zeros((10, 10), np.uint8)
    regions[1:4, 1:4], regions[6:9, 6:9] = 1, 2
    instances = Instances.of(
        np.array([[0, 0, 10, 10], [0, 0, 10, 10]], np.float64),
        np.ones(2),
        np.zeros(2),
        masks=RegionMasks(regions, np.array([1, 2])),
    )
    second = LargestComponent()(instances).take(np.array([1])).to_image(Geometry())
    assert second.masks is not None
    crop = second.masks.crop(0, second.boxes[0], (10, 10))
    assert isinstance(crop, Crop)
    assert (crop.left, crop.top, crop.bitmap.sum()) == (6, 6, 9)


@pytest.mark.parametrize("step", [LargestComponent(), FillHoles(), Smooth()])
def test_instances_without_masks_are_refused(step: Refine) -> None:
    bare = Instances.of(np.zeros((1, 4)), np.ones(1), np.zeros(1))
    with pytest.raises(BadModel, match=f"`{step.name()}` needs masks"):
        step(bare)


def test_the_defaults_are_those_of_the_documentation() -> None:
    assert FillHoles() == FillHoles(area=100)
    assert Smooth() == Smooth(radius=3)
