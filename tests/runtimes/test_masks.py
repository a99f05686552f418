from typing import Any

import numpy as np
import pytest

from runtimes import masks as masks_module
from runtimes.arrays import Array, Size
from runtimes.geometry import Geometry
from runtimes.masks import (
    BoxMasks,
    Crop,
    FrameMasks,
    Masks,
    PrototypeMasks,
    RegionMasks,
    grid_size,
    sample,
    tight,
)

Box = tuple[float, float, float, float]

INPUT = (64, 64)
CASES: dict[str, tuple[Size, Geometry]] = {
    "same size": ((64, 64), Geometry()),
    "letterbox, wide": ((90, 160), Geometry(0.4, 0.4, 0, 14)),
    "letterbox, tall": ((150, 70), Geometry(64 / 150, 64 / 150, 17, 0)),
    "letterbox, half a pixel": ((63, 64), Geometry(1, 1, 0, 0.5)),
    "stretch": ((80, 100), Geometry(0.64, 0.8)),
    "enlarged": ((32, 48), Geometry(4 / 3, 2)),
    "crop": ((96, 96), Geometry(1, 1, -16, -16)),
}
cases = pytest.mark.parametrize(("size", "geometry"), CASES.values(), ids=CASES.keys())
seeds = pytest.mark.parametrize("seed", range(3))


def hats(count: int, cells: int, scale: float, shift: float) -> Array:
    """(count, cells): the weight of each cell of a row at the center of each pixel."""
    places = np.clip((np.arange(count) + 0.5) * scale + shift - 0.5, 0, cells - 1)
    return np.asarray(np.maximum(0, 1 - abs(places[:, None] - np.arange(cells))))


def upsampled(values: Array, to_grid: Geometry, size: Size) -> Array:
    """A grid's values at the centers of all pixels of an image, by bilinear interpolation."""
    down = hats(size[0], values.shape[0], to_grid.scale_y, to_grid.shift_y)
    across = hats(size[1], values.shape[1], to_grid.scale_x, to_grid.shift_x)
    return np.asarray(down @ values.astype(np.float64) @ across.T)


def smooth(rng: np.random.Generator, count: int, height: int, width: int) -> Array:
    """Smooth values around 0."""
    coarse = rng.normal(size=(count, 5, 5))
    to_coarse = Geometry(5 / width, 5 / height)
    hills = [upsampled(grid, to_coarse, (height, width)) for grid in coarse]
    return np.array(hills, np.float32)


def to_cells(geometry: Geometry, height: int, width: int) -> Geometry:
    """From the image's pixels to the cells of a grid over the whole of INPUT."""
    x, y = width / INPUT[1], height / INPUT[0]
    return Geometry(
        geometry.scale_x * x, geometry.scale_y * y, geometry.shift_x * x, geometry.shift_y * y
    )


def numbered(box: Box, size: Size) -> Array:
    """The pixels with indexes from x1, y1 (inclusive) to x2, y2 (exclusive)."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    return np.asarray((box[0] <= columns) & (columns < box[2]) & (box[1] <= rows) & (rows < box[3]))


def touched(box: Box, size: Size) -> Array:
    """The pixels that share some area with a box."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    x1, y1, x2, y2 = box
    return np.asarray((x1 < columns + 1) & (columns < x2) & (y1 < rows + 1) & (rows < y2))


def painted(crop: Crop | None, size: Size) -> Array:
    """A mask in an array of the image's size; checks that it is inside and cropped."""
    picture = np.zeros(size, bool)
    if crop is None:
        return picture
    bitmap = crop.bitmap
    assert bitmap.dtype == np.uint8
    assert set(np.unique(bitmap)) <= {0, 1}
    assert all(edge.any() for edge in (bitmap[0], bitmap[-1], bitmap[:, 0], bitmap[:, -1]))
    height, width = bitmap.shape
    assert crop.left >= 0
    assert crop.top >= 0
    assert crop.left + width <= size[1]
    assert crop.top + height <= size[0]
    picture[crop.top : crop.top + height, crop.left : crop.left + width] = bitmap
    return picture


def same(found: Array, wanted: Array) -> bool:
    """Whether two masks differ only in single pixels at the boundary."""
    both, either = (found & wanted).sum(), (found | wanted).sum()
    if either < 300:
        return bool((found ^ wanted).sum() <= 2)
    return bool(both / either > 0.99 and (found ^ wanted).mean() < 0.002)


def boxes_in(size: Size) -> list[Box]:
    """Boxes within an image: the whole image, a part, at its borders."""
    height, width = size
    return [
        (0, 0, width, height),
        (width * 0.13, height * 0.21, width * 0.77, height * 0.83),
        (0, 0, width * 0.5 + 0.3, height * 0.4),
        (width * 0.6 - 0.2, height * 0.3, width, height),
        (10, 12, 31, 28),
    ]


def boxes_over(size: Size) -> list[Box]:
    """Boxes that extend beyond an image."""
    height, width = size
    return [
        (-9.5, 8, width * 0.7, height * 0.8),
        (7, -9.5, width * 0.7, height * 0.8),
        (7, 9, width + 12.5, height + 20),
        (-30, -20, width + 10, height + 10),
    ]


def cropped(masks: Masks, number: int, box: Box, size: Size) -> Array:
    return painted(masks.crop(number, np.array(box, np.float64), size), size)


@cases
@seeds
def test_prototype_masks_match_masks_of_the_whole_frame(
    size: Size, geometry: Geometry, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    prototypes = smooth(rng, 4, 16, 16)
    coefficients = rng.normal(size=(3, 4)).astype(np.float32)
    masks = PrototypeMasks.over(coefficients, prototypes, INPUT).to_image(geometry)
    for number in range(3):
        logits = sum(
            float(weight) * grid
            for weight, grid in zip(coefficients[number], prototypes, strict=True)
        )
        whole = upsampled(np.asarray(logits), to_cells(geometry, 16, 16), size) > 0
        for box in boxes_in(size):
            wanted = whole & numbered(box, size)
            assert same(cropped(masks, number, box, size), wanted)


@pytest.mark.parametrize("across", [1, 4, 12, 6.4])
@pytest.mark.parametrize("place", [0, -7, 23, 0.5])
@seeds
def test_windows_within_and_beyond_a_grid_are_sampled(
    across: float, place: float, seed: int
) -> None:
    # Cells of a whole number of pixels and others; the grid begins at a whole pixel or not.
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(5, 8)).astype(np.float32)
    down = 3
    to_grid = Geometry(1 / across, 1 / down, -place / across, -2 / down)
    for _ in range(20):
        left, top = rng.integers(0, [round(8 * across) + 30, 20]).tolist()
        right, bottom = left + int(rng.integers(1, 40)), top + int(rng.integers(1, 20))
        found = sample(values, to_grid, (left, top, right, bottom))
        wanted = upsampled(values, to_grid, (bottom, right))[top:, left:]
        np.testing.assert_allclose(found, wanted, atol=2e-5)


@seeds
def test_prototype_masks_of_a_grid_that_is_not_square(seed: int) -> None:
    rng = np.random.default_rng(seed)
    prototypes = smooth(rng, 2, 12, 20)
    coefficients = np.array([[1, -0.5]], np.float32)
    masks = PrototypeMasks.over(coefficients, prototypes, (96, 160)).to_image(Geometry(2, 2))
    whole = upsampled(prototypes[0] - prototypes[1] / 2, Geometry(0.25, 0.25), (48, 80)) > 0
    for box in boxes_in((48, 80)):
        wanted = whole & numbered(box, (48, 80))
        assert same(cropped(masks, 0, box, (48, 80)), wanted)


@pytest.mark.parametrize("place", range(4))
def test_prototype_masks_are_clipped_to_the_image(place: int) -> None:
    size, geometry = CASES["letterbox, wide"]
    prototypes = smooth(np.random.default_rng(5), 1, 16, 16) + 0.2
    masks = PrototypeMasks.over(np.ones((1, 1), np.float32), prototypes, INPUT).to_image(geometry)
    whole = upsampled(prototypes[0], to_cells(geometry, 16, 16), size) > 0
    box = boxes_over(size)[place]
    assert same(cropped(masks, 0, box, size), whole & numbered(box, size))


@cases
@seeds
@pytest.mark.parametrize(("height", "width"), [(16, 16), (64, 64)])
def test_frame_masks_match_masks_of_the_whole_frame(
    size: Size, geometry: Geometry, seed: int, height: int, width: int
) -> None:
    values = smooth(np.random.default_rng(seed), 2, height, width)
    masks = FrameMasks.over(values, 0.25, INPUT).to_image(geometry)
    # What lies outside of the model's input was not seen by it.
    (seen_by_model,) = geometry.inverse.boxes(np.array([[0, 0, INPUT[1], INPUT[0]]])).tolist()
    seen = touched(seen_by_model, size)
    for number in range(2):
        whole = upsampled(values[number], to_cells(geometry, height, width), size) > 0.25
        found = cropped(masks, number, boxes_in(size)[1], size)
        assert same(found & seen, whole & seen)


@pytest.mark.parametrize("box", [(11, 11, 19, 19), (0, 0, 40, 40), (12, 12, 13, 13)])
def test_frame_masks_are_not_cropped_to_their_box(box: Box) -> None:
    values = np.zeros((1, 40, 40), np.float32)
    values[0, 10:20, 10:20] = 1
    crop = FrameMasks.over(values, 0.5, (40, 40)).crop(0, np.array(box, np.float64), (40, 40))
    assert crop is not None
    assert (crop.left, crop.top, crop.bitmap.shape) == (10, 10, (10, 10))


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float16", "float32"])
def test_frame_masks_take_values_of_any_type(dtype: str) -> None:
    values = np.zeros((1, 8, 8), dtype)
    values[0, 2:5, 3:7] = 1
    masks = FrameMasks.over(values, 0.5, (16, 16)).to_image(Geometry(1, 1))
    crop = masks.crop(0, np.array([4.0, 2, 16, 12]), (16, 16))
    assert crop is not None
    # Twice as large, its corners rounded: the middle of the two cells' values is the boundary.
    assert (crop.left, crop.top, crop.bitmap.shape) == (6, 4, (6, 8))


@cases
@seeds
def test_box_masks_match_masks_of_the_whole_frame(
    size: Size, geometry: Geometry, seed: int
) -> None:
    values = smooth(np.random.default_rng(seed), 1, 28, 28)
    for box in [*boxes_in(size), *boxes_over(size)]:
        x1, y1, x2, y2 = box
        in_input = geometry.boxes(np.array([box]))
        masks = BoxMasks(values, 0.1, in_input).to_image(geometry)
        stretch_x, stretch_y = 28 / (x2 - x1), 28 / (y2 - y1)
        to_grid = Geometry(stretch_x, stretch_y, -x1 * stretch_x, -y1 * stretch_y)
        whole = upsampled(values[0], to_grid, size) > 0.1
        found = cropped(masks, 0, box, size)
        assert same(found, whole & touched(box, size))


def test_box_masks_keep_their_scale_where_the_box_was_clipped() -> None:
    # Of a box that is twice as wide as the image, the left half is beyond it; there, all is set.
    values = np.zeros((1, 4, 4), np.float32)
    values[0, :, :3] = 1
    masks = BoxMasks(values, 0.5, np.array([[-20.0, 0, 20, 20]]))
    crop = masks.crop(0, np.array([0.0, 0, 20, 20]), (20, 20))
    assert crop is not None
    # Three of four cells are set: from -20 to 10.
    assert (crop.left, crop.top, crop.bitmap.shape) == (0, 0, (20, 10))
    assert crop.bitmap.all()


def test_region_masks_are_the_pixels_with_the_instances_number() -> None:
    rng = np.random.default_rng(0)
    regions = rng.integers(0, 5, (30, 40))
    masks = RegionMasks(regions, np.array([3, 1]))
    for number, value in enumerate((3, 1)):
        for box in [*boxes_in((30, 40)), *boxes_over((30, 40))]:
            wanted = (regions == value) & touched(box, (30, 40))
            np.testing.assert_array_equal(cropped(masks, number, box, (30, 40)), wanted)


def test_region_masks_are_in_pixels_of_the_image() -> None:
    masks = RegionMasks(np.eye(4, dtype=np.int64), np.array([1]))
    assert masks.to_image(Geometry(0.5, 0.5, 3, 4)) is masks


def all_kinds() -> dict[str, Masks]:
    """Four instances of each kind of masks, at different positions."""
    rng = np.random.default_rng(7)
    grids = smooth(rng, 4, 16, 16) + 0.3
    boxes = np.array([[4.0, 4, 60, 60], [0, 0, 40, 50], [20, 30, 64, 64], [8, 8, 24, 30]])
    return {
        "prototypes": PrototypeMasks.over(rng.normal(size=(4, 4)), grids, INPUT),
        "frames": FrameMasks.over(grids, 0.0, INPUT),
        "boxes": BoxMasks(grids, 0.0, boxes),
        "regions": RegionMasks(rng.integers(0, 4, (90, 160)), np.arange(4)),
    }


kinds = pytest.mark.parametrize("kind", all_kinds())
BOX: Box = (12, 16, 141.5, 80)


def pictures(masks: Masks, count: int, size: Size = (90, 160)) -> list[list[list[bool]]]:
    return [cropped(masks, number, BOX, size).tolist() for number in range(count)]


@kinds
@pytest.mark.parametrize(
    "index", [[2, 0], [3], [1, 1, 0], [False, True, False, True], [True] * 4, []], ids=str
)
def test_take_selects_masks_in_order(kind: str, index: list[Any]) -> None:
    _, geometry = CASES["letterbox, wide"]
    masks = all_kinds()[kind].to_image(geometry)
    every = pictures(masks, 4)
    assert len({str(picture) for picture in every}) == 4
    chosen = np.array(index, bool if index and isinstance(index[0], bool) else int)
    wanted = [every[number] for number in np.arange(4)[chosen]]
    assert pictures(masks.take(chosen), len(wanted)) == wanted


@kinds
def test_take_and_to_image_commute(kind: str) -> None:
    _, geometry = CASES["letterbox, wide"]
    index = np.array([3, 1])
    before = all_kinds()[kind].take(index).to_image(geometry)
    after = all_kinds()[kind].to_image(geometry).take(index)
    assert pictures(before, 2) == pictures(after, 2)


@kinds
def test_two_maps_equal_their_composition(kind: str) -> None:
    # From the image by a scaling, then by another one and a shift.
    first, second = Geometry(0.5, 0.25), Geometry(0.8, 1.6, 0, 14)
    twice = all_kinds()[kind].to_image(second).to_image(first)
    once = all_kinds()[kind].to_image(Geometry(0.4, 0.4, 0, 14))
    assert pictures(twice, 4) == pictures(once, 4)


@kinds
def test_to_image_does_not_change_the_original(kind: str) -> None:
    masks = all_kinds()[kind]
    before = pictures(masks, 4)
    masks.to_image(Geometry(0.4, 0.4, 0, 14))
    masks.take(np.array([0]))
    assert pictures(masks, 4) == before


def empty_kinds() -> dict[str, Masks]:
    low = np.full((1, 16, 16), -1, np.float32)
    return {
        "prototypes": PrototypeMasks.over(np.ones((1, 1), np.float32), low, INPUT),
        "frames": FrameMasks.over(low, 0.0, INPUT),
        "boxes": BoxMasks(low, 0.0, np.array([[0.0, 0, 64, 64]])),
        "regions": RegionMasks(np.zeros((64, 64), np.int64), np.array([1])),
    }


@pytest.mark.parametrize("kind", empty_kinds())
@pytest.mark.parametrize("box", [(0, 0, 64, 64), (10, 10, 20, 20), (-5, -5, 80, 80)])
def test_a_mask_without_pixels_is_none(kind: str, box: Box) -> None:
    assert empty_kinds()[kind].crop(0, np.array(box, np.float64), INPUT) is None


def full_kinds() -> dict[str, Masks]:
    high = np.ones((1, 16, 16), np.float32)
    return {
        "prototypes": PrototypeMasks.over(np.ones((1, 1), np.float32), high, INPUT),
        "frames": FrameMasks.over(high, 0.0, INPUT),
        "boxes": BoxMasks(high, 0.0, np.array([[0.0, 0, 64, 64]])),
        "regions": RegionMasks(np.ones((64, 64), np.int64), np.array([1])),
    }


@pytest.mark.parametrize("kind", ["prototypes", "boxes", "regions"])
@pytest.mark.parametrize(
    "box",
    [
        (70, 10, 80, 20),
        (10, 70, 20, 80),
        (-30, 10, -20, 20),
        (10, -30, 20, -20),
        (-40, -40, -20, -20),
        (99, 99, 120, 120),
    ],
)
def test_a_mask_under_a_box_outside_of_the_image_is_none(kind: str, box: Box) -> None:
    assert full_kinds()[kind].crop(0, np.array(box, np.float64), INPUT) is None


@pytest.mark.parametrize("kind", full_kinds())
def test_a_mask_can_fill_the_image(kind: str) -> None:
    crop = full_kinds()[kind].crop(0, np.array([0.0, 0, 64, 64]), INPUT)
    assert crop is not None
    assert (crop.left, crop.top, crop.bitmap.shape) == (0, 0, (64, 64))
    assert crop.bitmap.all()


@pytest.mark.parametrize("box", [(3.2, 10, 3.8, 20), (10, 3.2, 20, 3.8), (5, 5, 5, 9)])
def test_a_box_without_pixel_indexes_has_no_prototype_mask(box: Box) -> None:
    masks = full_kinds()["prototypes"]
    assert masks.crop(0, np.array(box, np.float64), INPUT) is None


@pytest.mark.parametrize("box", [(20, 10, 20, 30), (30, 10, 20, 30), (10, 30, 20, 30)])
def test_a_box_without_an_area_has_no_box_mask(box: Box) -> None:
    masks = BoxMasks(np.ones((1, 4, 4), np.float32), 0.5, np.array([box], np.float64))
    assert masks.crop(0, np.array([0.0, 0, 64, 64]), INPUT) is None


@pytest.mark.parametrize(("x", "y"), [(0, 0), (63, 63), (0, 63), (31, 17)])
def test_masks_of_one_pixel(x: int, y: int) -> None:
    dot = np.zeros((1, 64, 64), np.float32)
    dot[0, y, x] = 1
    box = np.array([x, y, x + 1.0, y + 1.0])
    found: list[Masks] = [
        PrototypeMasks.over(np.ones((1, 1), np.float32), dot - 0.5, INPUT),
        FrameMasks.over(dot, 0.5, INPUT),
        BoxMasks(np.ones((1, 28, 28), np.float32), 0.5, box[None]),
        RegionMasks(dot[0].astype(np.int64), np.array([1])),
    ]
    for masks in found:
        crop = masks.crop(0, box, INPUT)
        assert crop is not None
        assert (crop.bitmap.tolist(), crop.left, crop.top) == ([[1]], x, y)


def test_prototype_masks_are_upsampled_before_thresholding() -> None:
    # The values 3 and -1 cross zero at three quarters of the way, not in the middle.
    prototypes = np.array([[[3, -1]]], np.float32)
    masks = PrototypeMasks.over(np.ones((1, 1)), prototypes, (8, 64))
    crop = masks.crop(0, np.array([0.0, 0, 64, 8]), (8, 64))
    assert crop is not None
    # From the center of the first cell, 16, it is 24 to zero.
    assert (crop.left, crop.bitmap.shape) == (0, (8, 40))


def test_tight_crops_to_the_nonzero_pixels() -> None:
    bitmap = np.zeros((6, 7), np.uint8)
    bitmap[2, 3] = bitmap[4, 1] = 1
    crop = tight(bitmap, 100, 200)
    assert crop is not None
    assert (crop.left, crop.top) == (101, 202)
    assert crop.bitmap.tolist() == [[0, 0, 1], [0, 0, 0], [1, 0, 0]]
    assert tight(np.zeros((6, 7), np.uint8), 100, 200) is None


def test_only_masks_over_the_input_have_a_grid() -> None:
    assert grid_size(PrototypeMasks.over(np.ones((2, 3)), np.ones((3, 5, 7)), (20, 28))) == (5, 7)
    assert grid_size(FrameMasks.over(np.ones((2, 5, 7)), 0.5, (20, 28))) == (5, 7)
    assert grid_size(BoxMasks(np.ones((2, 5, 7)), 0.5, np.ones((2, 4)))) is None


def test_areas_of_regions_are_numbers_of_pixels() -> None:
    regions = np.array([[1, 1, -1], [4, 1, 4]])
    assert RegionMasks(regions, np.array([4, 1, 9])).areas().tolist() == [2, 3, 0]
    assert RegionMasks(regions, np.zeros(0, int)).areas().tolist() == []


def certain(found: Array, whole: Array, level: float, seen: Array) -> None:
    """Check all pixels whose interpolated value is not within 5 % of the level."""
    clear = abs(whole - level) > 0.05 * np.ptp(whole)
    np.testing.assert_array_equal(found[clear], ((whole > level) & seen)[clear])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("cells", [4, 16, 64])
def test_small_parts_of_prototype_masks_are_exact(seed: int, cells: int) -> None:
    rng = np.random.default_rng(seed)
    size, geometry = CASES["letterbox, wide"]
    prototypes = rng.normal(size=(2, cells, cells)).astype(np.float32)
    masks = PrototypeMasks.over(np.array([[1, -2]], np.float32), prototypes, INPUT)
    masks = masks.to_image(geometry)
    to_grid = to_cells(geometry, cells, cells)
    whole = upsampled(prototypes[0] - 2 * prototypes[1].astype(np.float64), to_grid, size)
    for _ in range(25):
        x1, y1 = rng.uniform(-5, 150), rng.uniform(-5, 85)
        box = (x1, y1, x1 + rng.uniform(1, 25), y1 + rng.uniform(1, 25))
        certain(cropped(masks, 0, box, size), whole, 0, numbered(box, size))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("cells", [4, 16, 64])
@pytest.mark.parametrize("case", ["letterbox, wide", "stretch", "same size"])
def test_frame_masks_of_a_few_cells_are_exact(seed: int, cells: int, case: str) -> None:
    rng = np.random.default_rng(seed)
    size, geometry = CASES[case]
    for _ in range(10):
        values = np.zeros((1, cells, cells), np.float32)
        y, x = rng.integers(0, cells, 2)
        # Far above the level: the mask extends to the middles of the neighboring cells.
        values[0, y : y + rng.integers(1, 3), x : x + rng.integers(1, 3)] = 100
        masks = FrameMasks.over(values, 8, INPUT).to_image(geometry)
        whole = upsampled(values[0], to_cells(geometry, cells, cells), size)
        # Beyond the input, the grid's border is repeated, which only the neighborhood shows.
        (seen_by_model,) = geometry.inverse.boxes(np.array([[0, 0, INPUT[1], INPUT[0]]])).tolist()
        seen = touched(seen_by_model, size)
        whole[~seen] = 0
        found = cropped(masks, 0, (0, 0, 1, 1), size) & seen
        certain(found, whole, 8, seen)


@pytest.mark.parametrize(
    "box", [(0, 30, 9, 60), (88, 30, 96, 60), (30, 0, 60, 9), (30, 88, 60, 96)]
)
def test_beyond_the_input_prototype_masks_continue_the_border(box: Box) -> None:
    size, geometry = CASES["crop"]
    for value in (1, -1):
        prototypes = np.full((1, 64, 64), value, np.float32)
        masks = PrototypeMasks.over(np.ones((1, 1), np.float32), prototypes, INPUT)
        found = cropped(masks.to_image(geometry), 0, box, size)
        assert found.sum() == (numbered(box, size).sum() if value > 0 else 0)


def test_only_the_cells_around_an_instance_are_interpolated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shapes: list[tuple[Size, tuple[int, int, int, int]]] = []

    def recorded(values: Array, to_grid: Geometry, window: tuple[int, int, int, int]) -> Array:
        shapes.append((values.shape, window))
        return sample(values, to_grid, window)

    monkeypatch.setattr(masks_module, "sample", recorded)
    ones = np.ones((1, 1), np.float32)
    # Cells of 4 pixels. The box covers cells 10 to 14 and 5 to 7; one more on each side.
    prototypes = PrototypeMasks.over(ones, np.ones((1, 16, 24), np.float32), (64, 96))
    prototypes.crop(0, np.array([40.0, 20, 60, 32]), (64, 96))
    # Cells 10 and 11 are above the level; one more on each side, then one pixel.
    values = np.zeros((1, 16, 24), np.float32)
    values[0, 5, 10:12] = 1
    FrameMasks.over(values, 0.5, (64, 96)).crop(0, np.array([0.0, 0, 96, 64]), (64, 96))
    # Cells of 5 pixels: 4 to 6 in rows, 9 to 12 in columns.
    FrameMasks.over(values, 0.5, (80, 120)).crop(0, np.array([0.0, 0, 120, 80]), (80, 120))
    # The pixels that the box touches.
    boxes = BoxMasks(np.ones((1, 28, 28)), 0.5, np.array([[40.0, 20, 60, 32]]))
    boxes.crop(0, np.array([40.5, 20.5, 59.5, 31.5]), (64, 96))
    assert shapes == [
        ((5, 7), (40, 20, 60, 32)),
        ((16, 24), (35, 15, 53, 29)),
        ((16, 24), (44, 19, 66, 36)),
        ((28, 28), (40, 20, 60, 32)),
    ]
