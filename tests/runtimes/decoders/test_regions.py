from contextlib import nullcontext
from math import exp

import numpy as np
import pytest
from skimage import measure

from runtimes.arrays import Array
from runtimes.decoders import regions
from runtimes.decoders.regions import (
    NO_CLASS,
    best_classes,
    confidence_of,
    fitting_layout,
    foreground,
    grid_of,
    instances_of,
    layout_of,
    nearest,
    on_image,
    visible_window,
)
from runtimes.errors import BadModel
from runtimes.geometry import Geometry
from runtimes.masks import RegionMasks, sample
from runtimes.view import View
from tests.grids import grid

PLAIN = View((4, 6), (4, 6), Geometry())
CROPPED = View((4, 10), (4, 6), Geometry(1, 1, -2, 0))
"""The input shows columns 2 to 7 of the image."""


@pytest.mark.parametrize(
    ("shape", "classes", "layout"),
    [
        ((1, 21, 64, 64), None, "nchw"),
        ((1, 64, 64, 21), None, "nhwc"),
        ((1, 3, 4, 5), 5, "nhwc"),
        ((1, 3, 4, 5), 3, "nchw"),
        ((1, None, 64, 64), None, "nhwc"),
        ((1, 64, 64, None), None, "nchw"),
        ((1, 8, 8, 8), None, "nchw"),
        # As many channels as labels, whatever the other side.
        ((1, 8, 5, 3), 3, "nhwc"),
        ((1, 2, 5, 3), 3, "nhwc"),
        ((1, 3, 5, 8), 3, "nchw"),
        ((1, 3, 5, 2), 3, "nchw"),
        # Two equal sides are height and width.
        ((1, 4, 4, 9), 7, "nhwc"),
        ((1, 9, 9, 4), 7, "nhwc"),
        ((1, 9, 4, 4), 7, "nchw"),
        ((1, 4, 9, 9), 7, "nchw"),
        # Otherwise, the smaller one is the channels.
        ((1, 30, 20, 21), 7, "nhwc"),
        ((1, 21, 20, 30), 7, "nchw"),
        ((1, 21, 40, 30), None, "nchw"),
        ((1, 30, None, 21), None, "nhwc"),
    ],
)
def test_the_layout_follows_from_the_shape(
    shape: tuple[int | None, ...], classes: int | None, layout: str
) -> None:
    assert layout_of(shape, classes) == layout


@pytest.mark.parametrize(
    ("shape", "layout"), [((1, 40, 4, 6), "nchw"), ((1, 4, 6, 40), "nhwc"), ((1, 8, 12, 1), "nhwc")]
)
def test_the_layout_with_the_inputs_aspect_ratio_is_chosen(
    shape: tuple[int, ...], layout: str
) -> None:
    assert fitting_layout(shape, (4, 6)) == layout


@grid(("height", [3, 4, 7]), ("width", [3, 5, 12]), ("channels", [1, 2, 6, 40]), ("stride", [1, 8]))
def test_an_exact_aspect_ratio_decides_about_the_layout(
    height: int, width: int, channels: int, stride: int
) -> None:
    size = height * stride, width * stride
    # The other layout has the channels as one side.
    if channels * width != height * height:
        assert fitting_layout((1, channels, height, width), size) == "nchw"
    if width * width != channels * height:
        assert fitting_layout((1, height, width, channels), size) == "nhwc"


@pytest.mark.parametrize(
    ("height", "width", "fits"),
    [
        # An input of 40x60: 6 columns need 4 rows, give or take 1 + 0.4.
        (5, 6, True),
        (3, 6, True),
        (6, 6, False),
        (2, 6, False),
        # 150 columns need 100 rows, give or take 1 + 10.
        (111, 150, True),
        (89, 150, True),
        (112, 150, False),
        (88, 150, False),
    ],
)
def test_a_grid_may_differ_from_the_aspect_ratio_by_a_row_and_a_tenth(
    height: int, width: int, fits: bool
) -> None:
    view = View((40, 60), (40, 60), Geometry())
    with nullcontext() if fits else pytest.raises(BadModel):
        assert grid_of(view, height, width, "step") == Geometry(width / 60, height / 40)


def test_a_grid_is_scaled_to_the_input() -> None:
    view = View((8, 12), (4, 6), Geometry(0.5, 0.5))
    assert grid_of(view, 2, 3, "step") == Geometry(0.25, 0.25)


def test_a_grid_of_another_aspect_ratio_is_refused() -> None:
    with pytest.raises(BadModel, match="which is 4x6, but the output is 6x4"):
        grid_of(PLAIN, 6, 4, "step")


def test_a_crop_of_the_image_is_placed_in_it() -> None:
    window = visible_window(CROPPED)
    assert window == (2, 0, 8, 4)
    whole = on_image(np.ones((4, 6)), CROPPED, window, 0)
    assert whole.sum(axis=0).tolist() == [0, 0, 4, 4, 4, 4, 4, 4, 0, 0]


@pytest.mark.parametrize(
    "geometry",
    [
        Geometry(),
        Geometry(0.5, 0.5, 1, 0),
        Geometry(1, 1, -2, -3),
        Geometry(1, 1, -2.5, -1.25),
        Geometry(2, 0.75, -4, 2.5),
        Geometry(0.3, 0.4, 1.7, -0.6),
        Geometry(1, 1, -40, 0),
    ],
)
def test_the_visible_pixels_have_their_center_in_the_input(geometry: Geometry) -> None:
    height, width = 9, 12
    view = View((height, width), (5, 7), geometry)
    seen = np.zeros((height, width), bool)
    for y in range(height):
        for x in range(width):
            ((to_x, to_y),) = geometry.points(np.array([[x + 0.5, y + 0.5]])).tolist()
            seen[y, x] = 0 <= to_x <= 7 and 0 <= to_y <= 5
    window = visible_window(view)
    left, top, right, bottom = window
    marked = np.zeros((height, width), bool)
    marked[top:bottom, left:right] = True
    np.testing.assert_array_equal(marked, seen)
    whole = on_image(np.ones((bottom - top, right - left), np.int32), view, window, -1)
    np.testing.assert_array_equal(whole, np.where(seen, 1, -1))


def test_the_highest_class_of_each_pixel_is_chosen() -> None:
    rng = np.random.default_rng(3)
    planes = rng.normal(0, 1, (5, 4, 6)).astype(np.float32)
    found = best_classes(planes, Geometry(), (0, 0, 6, 4))
    assert found.tolist() == planes.argmax(axis=0).tolist()


@grid(
    ("seed", list(range(6))),
    (
        ("window", "scale"),
        [
            ((0, 0, 60, 40), (0.25, 0.25)),
            ((13, 9, 60, 39), (0.25, 0.26)),
            ((21, 6, 52, 29), (0.3, 0.2)),
            ((1, 2, 12, 7), (1.2, 1.4)),
        ],
    ),
)
def test_the_highest_interpolated_value_of_each_pixel_is_chosen(
    seed: int, window: tuple[int, int, int, int], scale: tuple[float, float]
) -> None:
    rng = np.random.default_rng(seed)
    planes = rng.normal(0, 0.3, (6, 11, 16)).astype(np.float32)
    # Most classes are the highest in a small part of the grid only.
    planes[0] += 2
    for plane in planes[1:]:
        y, x = rng.integers(0, 10), rng.integers(0, 15)
        plane[y : y + 3, x : x + 2] += 6
    to_grid = Geometry(*scale, *rng.uniform(0, 0.5, 2))
    every = np.stack([sample(plane, to_grid, window) for plane in planes])
    found = best_classes(planes, to_grid, window)
    np.testing.assert_array_equal(found, every.argmax(axis=0))


def test_a_class_is_interpolated_only_where_it_can_be_the_highest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    windows: list[tuple[int, int, int, int]] = []

    def recorded(values: Array, to_grid: Geometry, window: tuple[int, int, int, int]) -> Array:
        windows.append(window)
        return sample(values, to_grid, window)

    monkeypatch.setattr(regions, "sample", recorded)
    planes = np.full((4, 8, 8), -9, np.float32)
    planes[0] = 0
    planes[1, 2:4, 5] = 5
    planes[3, 7, 0] = 5
    best_classes(planes, Geometry(0.25, 0.25), (0, 0, 32, 32))
    # The neighbors of class 1 are rows 1 to 4 and columns 4 to 6, those of class 3 are rows 6 and 7
    # and columns 0 and 1. A cell has 4 pixels; one more on each side.
    assert windows == [(0, 0, 32, 32), (15, 3, 29, 21), (0, 23, 9, 32)]
    windows.clear()
    # A tenth of a cell further, 0.4 pixels.
    best_classes(planes, Geometry(0.25, 0.25, 0.1, 0.1), (0, 0, 32, 32))
    assert windows == [(0, 0, 32, 32), (14, 2, 29, 21), (0, 22, 9, 32)]
    windows.clear()
    best_classes(planes, Geometry(0.25, 0.25), (10, 5, 20, 15))
    assert windows == [(10, 5, 20, 15), (15, 5, 20, 15)]


@pytest.mark.parametrize("activation", ["none", "softmax", "sigmoid"])
def test_confidence_is_that_of_the_highest_class(activation: str) -> None:
    planes = np.array([0.75, 0.25], np.float32).reshape(2, 1, 1)
    wanted = {
        "none": 0.75,
        "softmax": 1 / (1 + np.exp(-0.5)),
        "sigmoid": 1 / (1 + np.exp(-0.75)),
    }
    found = confidence_of(planes, activation, "step")  # type: ignore[arg-type]
    assert found[0, 0] == pytest.approx(wanted[activation])


def test_the_confidence_of_each_cell_is_that_of_its_highest_class() -> None:
    planes = np.random.default_rng(4).normal(0, 2, (3, 2, 4)).astype(np.float32)
    soft, single = (confidence_of(planes, it, "step") for it in ("softmax", "sigmoid"))
    assert soft.shape == single.shape == (2, 4)
    for row in range(2):
        for column in range(4):
            values = planes[:, row, column].astype(float)
            share = exp(max(values)) / sum(exp(value) for value in values)
            assert soft[row, column] == pytest.approx(share, rel=1e-5)
            assert single[row, column] == pytest.approx(1 / (1 + exp(-max(values))), rel=1e-5)
    given = np.abs(planes) / 10
    found = confidence_of(given, "none", "step")
    assert found.tolist() == [
        [max(given[:, row, column]) for column in range(4)] for row in range(2)
    ]


def test_logits_that_are_not_finite_have_no_confidence() -> None:
    planes = np.array([[[np.inf, 0]], [[1, -np.inf]]], np.float32)
    found = confidence_of(planes, "softmax", "step")
    assert np.isnan(found[0, 0])
    assert found[0, 1] == 1


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64"])
def test_labels_are_read_from_the_cell_of_each_pixel(dtype: str) -> None:
    labels = np.array([[1, 2], [3, 4]], dtype)
    found = nearest(labels, Geometry(0.5, 0.5), (0, 0, 4, 4))
    assert found.tolist() == np.kron(labels, np.ones((2, 2), int)).tolist()


def test_labels_out_of_range_are_no_class() -> None:
    found = nearest(np.array([[-3, 1 << 20, 7]]), Geometry(), (0, 0, 3, 1))
    assert found.tolist() == [[NO_CLASS, NO_CLASS, 7]]


def test_labels_below_65536_are_classes() -> None:
    found = nearest(np.array([[-1, 0, 65535, 65536]]), Geometry(), (0, 0, 4, 1))
    assert found.tolist() == [[NO_CLASS, 0, 65535, NO_CLASS]]
    assert found.dtype == np.int32


def test_labels_at_the_border_continue_beyond_the_grid() -> None:
    labels = np.array([[1, 2], [3, 4]])
    found = nearest(labels, Geometry(1, 1, -1, -2), (0, 0, 4, 5))
    rows = [[1, 1, 2, 2]] * 3 + [[3, 3, 4, 4]] * 2
    assert found.tolist() == rows
    wide, high = np.array([[1, 2, 3]]), np.array([[1], [2], [3]])
    assert nearest(wide, Geometry(1, 1, -1, -1), (0, 0, 5, 2)).tolist() == [[1, 1, 2, 3, 3]] * 2
    assert nearest(high, Geometry(1, 1, -1, -1), (0, 0, 1, 5)).tolist() == [[1], [1], [2], [3], [3]]
    # A window is a part of the image.
    assert nearest(labels, Geometry(1, 1, -1, -2), (1, 2, 3, 4)).tolist() == [[1, 2], [3, 4]]


CLASS_MAP = np.array(
    [
        [1, 1, 0, 0, 2, 2],
        [1, 1, 0, 0, 0, 0],
        [0, 0, 0, 1, 1, 1],
        [0, 0, 0, 0, 0, NO_CLASS],
    ],
    np.int32,
)


def test_an_instance_is_made_for_each_class() -> None:
    found = instances_of(CLASS_MAP, None, background=0, components=False, min_area=1, threshold=0.5)
    assert found.classes.tolist() == [1, 2]
    assert found.boxes.tolist() == [[0, 0, 6, 3], [4, 0, 6, 1]]
    assert found.scores.tolist() == [1, 1]


def test_an_instance_is_made_for_each_component() -> None:
    found = instances_of(CLASS_MAP, None, background=0, components=True, min_area=1, threshold=0)
    _, count = measure.label(CLASS_MAP, background=0, connectivity=2, return_num=True)
    # scikit-image counts the pixel without a class as a component.
    assert len(found) == count - 1
    assert found.boxes.tolist() == [[0, 0, 2, 2], [3, 2, 6, 3], [4, 0, 6, 1]]


def test_small_instances_and_low_scores_are_dropped() -> None:
    confidence = np.full(CLASS_MAP.shape, 0.5, np.float32)
    confidence[0, 4:] = 0.25
    arguments = {"background": 0, "components": True}
    found = instances_of(CLASS_MAP, confidence, min_area=3, threshold=0, **arguments)  # type: ignore[arg-type]
    assert found.classes.tolist() == [1, 1]
    found = instances_of(CLASS_MAP, confidence, min_area=1, threshold=0.25, **arguments)  # type: ignore[arg-type]
    assert found.scores.tolist() == [0.5, 0.5]


@grid(("seed", list(range(5))), ("components", [False, True]), ("background", [None, 0, 2]))
def test_masks_scores_and_boxes_are_those_of_each_region(
    seed: int, components: bool, background: int | None
) -> None:
    rng = np.random.default_rng(seed)
    size = 14, 19
    class_map = rng.choice([NO_CLASS, 0, 0, 0, 1, 2, 5], size).astype(np.int32)
    confidence = rng.uniform(0, 1, size).astype(np.float32)
    found = instances_of(
        class_map,
        confidence,
        background=background,
        components=components,
        min_area=2,
        threshold=0.4,
    )
    wanted = []
    for number in (0, 1, 2, 5):
        if number == background:
            continue
        mask = class_map == number
        parts, count = measure.label(mask, connectivity=2, return_num=True)
        for part in range(1, count + 1) if components else [None]:
            region = mask if part is None else parts == part
            score = sum(confidence[region].tolist()) / region.sum()
            if region.sum() >= 2 and score > 0.4:
                wanted.append((number, region, score))
    assert len(found) == len(wanted) > 0
    order = sorted(range(len(wanted)), key=lambda it: (wanted[it][0], wanted[it][1].tolist()))
    seen = []
    assert found.masks is not None
    for number in range(len(found)):
        crop = found.masks.crop(number, found.boxes[number], size)
        assert crop is not None
        picture = np.zeros(size, bool)
        height, width = crop.bitmap.shape
        picture[crop.top : crop.top + height, crop.left : crop.left + width] = crop.bitmap
        box = [crop.left, crop.top, crop.left + width, crop.top + height]
        assert found.boxes[number].tolist() == box
        seen.append((int(found.classes[number]), picture.tolist(), found.scores[number]))
    for (number, pixels, score), place in zip(sorted(seen), order, strict=True):
        assert (number, pixels) == (wanted[place][0], wanted[place][1].tolist())
        assert score == pytest.approx(wanted[place][2], rel=1e-5)


def test_an_instance_with_the_minimum_area_is_kept() -> None:
    def areas(least: int) -> list[int]:
        arguments = {"background": 0, "components": True, "threshold": 0}
        found = instances_of(CLASS_MAP, None, min_area=least, **arguments)  # type: ignore[arg-type]
        assert isinstance(found.masks, RegionMasks)
        return [int(area) for area in found.masks.areas()]

    # Components of 2x2, 1x3 and 1x2 pixels.
    assert areas(2) == [4, 3, 2]
    assert areas(3) == [4, 3]
    assert areas(4) == [4]
    assert areas(5) == []


def test_a_score_at_the_threshold_is_not_above_it() -> None:
    # 0.7 in single precision, averaged in double precision, is above 0.7 by rounding only.
    confidence = np.full(CLASS_MAP.shape, 0.7, np.float32)
    arguments = {"background": None, "components": False, "min_area": 1}
    assert len(instances_of(CLASS_MAP, confidence, threshold=0.7, **arguments)) == 0  # type: ignore[arg-type]
    assert len(instances_of(CLASS_MAP, confidence, threshold=0.69, **arguments)) == 3  # type: ignore[arg-type]


def test_an_empty_map_gives_no_instances() -> None:
    empty = np.full((4, 6), NO_CLASS, np.int32)
    found = instances_of(empty, None, background=None, components=True, min_area=1, threshold=0)
    assert (len(found), found.boxes.shape) == (0, (0, 4))


def test_the_foreground_is_above_the_level() -> None:
    values = np.array([[0.25, 0.5, 0.75]], np.float32)
    view = View((1, 3), (1, 3), Geometry())
    class_map, confidence = foreground(values, 0.5, view, "step")
    assert class_map.tolist() == [[NO_CLASS, NO_CLASS, 0]]
    assert confidence.tolist() == values.tolist()


def test_the_foreground_of_a_crop_is_placed_in_the_image() -> None:
    values = np.full((4, 6), 0.75, np.float32)
    class_map, confidence = foreground(values, 0.5, CROPPED, "step")
    assert class_map.tolist() == [[NO_CLASS] * 2 + [0] * 6 + [NO_CLASS] * 2] * 4
    assert confidence.tolist() == [[0] * 2 + [0.75] * 6 + [0] * 2] * 4
