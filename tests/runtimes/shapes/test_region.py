import json
from typing import Any

import numpy as np
import orjson
import pytest

from runtimes import rle
from runtimes.arrays import Array
from runtimes.errors import BadModel
from runtimes.instances import Instances
from runtimes.masks import RegionMasks
from runtimes.shapes.region import Mask, Polygon, Polyline
from runtimes.step import Shape

SIZE = (60, 80)
BLOB = np.array(
    [
        [0, 1, 1, 0, 0],
        [1, 1, 1, 1, 0],
        [1, 0, 0, 1, 1],
        [1, 1, 1, 1, 1],
    ]
)
"""With a hole of two pixels."""


def instances(*bitmaps: Array, left: int = 10, top: int = 20) -> Instances:
    """Instances whose masks lie one below the other, the first at `left`, `top`."""
    regions = np.zeros(SIZE, np.int64)
    boxes = []
    for number, bitmap in enumerate(bitmaps, 1):
        height, width = bitmap.shape
        regions[top : top + height, left : left + width][bitmap > 0] = number
        boxes.append([left, top, left + width, top + height])
        top += height
    count = len(bitmaps)
    masks = RegionMasks(regions, np.arange(1, count + 1))
    table = np.array(boxes, float).reshape(-1, 4)
    return Instances.of(table, np.ones(count), np.zeros(count), masks=masks)


def oriented(*rows: tuple[float, float, float, float, float]) -> Instances:
    count = len(rows)
    return Instances.of(
        np.ones((count, 4)), np.ones(count), np.zeros(count), rotated=np.array(rows, float)
    )


def drawn(shape: Shape, found: Instances) -> list[tuple[int, dict[str, Any]]]:
    """The items after a round trip through JSON."""
    return [
        (number, json.loads(orjson.dumps(item).decode())) for number, item in shape(found, SIZE)
    ]


def ring_of(item: dict[str, Any]) -> set[tuple[float, float]]:
    points = item["points"]
    return set(zip(points[::2], points[1::2], strict=True))


def area_of(points: list[float]) -> float:
    xs, ys = points[::2], points[1::2]
    pairs = zip(xs, ys, [*xs[1:], xs[0]], [*ys[1:], ys[0]], strict=True)
    return abs(sum(x1 * y2 - x2 * y1 for x1, y1, x2, y2 in pairs)) / 2


def test_a_mask_is_the_pixels_of_its_box_followed_by_the_box() -> None:
    ((number, item),) = drawn(Mask(), instances(BLOB))
    assert number == 0
    assert item["type"] == "mask"
    # The last pixel of five from 10 on is 14, of four from 20 on 23.
    assert item["mask"] == [*BLOB.reshape(-1).tolist(), 10, 20, 14, 23]


@pytest.mark.parametrize("seed", range(5))
def test_a_mask_has_as_many_pixels_as_its_box_and_only_0_and_1(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bitmaps = [rng.integers(0, 2, rng.integers(1, 12, 2)) for _ in range(4)]
    for bitmap in bitmaps:
        bitmap[0, 0] = 1
    found = instances(*bitmaps)
    items = drawn(Mask(), found)
    assert [number for number, _ in items] == [0, 1, 2, 3]
    for number, item in items:
        *pixels, left, top, right, bottom = item["mask"]
        assert len(pixels) == (right - left + 1) * (bottom - top + 1)
        assert {type(pixel) for pixel in item["mask"]} == {int}
        assert set(pixels) <= {0, 1}
        assert sum(pixels) == bitmaps[number].sum()


def test_a_mask_of_one_pixel_has_equal_box_corners() -> None:
    ((_, item),) = drawn(Mask(), instances(np.ones((1, 1), int)))
    assert item["mask"] == [1, 10, 20, 10, 20]


@pytest.mark.parametrize(("left", "top"), [(0, 0), (75, 56)])
def test_masks_at_the_images_borders_are_within_it(left: int, top: int) -> None:
    ((_, item),) = drawn(Mask(), instances(BLOB, left=left, top=top))
    assert item["mask"][-4:] == [left, top, left + 4, top + 3]


def test_rle_decodes_to_the_same_pixels() -> None:
    found = instances(BLOB, np.ones((2, 3), int), np.eye(6, dtype=int))
    pixels = drawn(Mask(), found)
    runs = drawn(Mask(encoding="rle"), found)
    assert len(runs) == 3
    for (number, item), (same, encoded) in zip(pixels, runs, strict=True):
        bitmap, left, top = rle.decode(encoded["points"])
        assert number == same
        assert item["mask"][:-4] == bitmap.reshape(-1).tolist()
        assert item["mask"][-4:-2] == [left, top]
        assert set(encoded) == {"type", "points"}


def test_the_polygon_of_a_mask_is_the_filled_outline_of_its_largest_component() -> None:
    bitmap = np.zeros((12, 20), int)
    bitmap[:, :10] = 1
    bitmap[4:6, 4:6] = 0
    bitmap[2:4, 15:20] = 1
    ((_, item),) = drawn(Mask(), instances(bitmap))
    assert ring_of(item) == {(10, 20), (20, 20), (20, 32), (10, 32)}


def test_a_mask_too_thin_for_a_polygon_has_no_points() -> None:
    ((_, item),) = drawn(Mask(epsilon=5), instances(np.ones((1, 9), int)))
    assert set(item) == {"type", "mask"}


@pytest.mark.parametrize("shape", [Mask(), Mask(encoding="rle"), Polygon(), Polyline()])
def test_an_empty_mask_is_not_drawn_and_the_next_keeps_its_index(shape: Shape) -> None:
    found = instances(np.zeros((4, 4), int), np.ones((5, 5), int))
    assert [number for number, _ in drawn(shape, found)] == [1]


def test_a_polygon_follows_the_edges_of_the_pixels() -> None:
    ((number, item),) = drawn(Polygon(), instances(np.ones((4, 6), int)))
    assert (number, item["type"], len(item["points"])) == (0, "polygon", 8)
    assert ring_of(item) == {(10, 20), (16, 20), (16, 24), (10, 24)}


PARTS = np.zeros((10, 30), int)
PARTS[0:5, 0:4] = PARTS[0:8, 10:20] = PARTS[5:10, 27:29] = 1
"""Parts of 20, 80 and 10 pixels."""


@pytest.mark.parametrize(
    ("shape", "areas"),
    [
        (Polygon(), [80]),
        (Polygon(parts="all"), [80, 20, 10]),
        (Polygon(parts="all", epsilon=0.5, min_area=0), [80, 20, 10]),
        (Polygon(parts="all", min_area=10), [80, 20, 10]),
        (Polygon(parts="all", min_area=10.5), [80, 20]),
        (Polygon(parts="all", min_area=81), []),
        (Polygon(min_area=81), []),
    ],
)
def test_polygons_of_a_mask_with_several_components(shape: Polygon, areas: list[float]) -> None:
    items = drawn(shape, instances(PARTS))
    assert [area_of(item["points"]) for _, item in items] == areas
    assert {number for number, _ in items} <= {0}


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 1), (2, 2), (3, 3)])
@pytest.mark.parametrize("shape", [Polygon(0.5), Polyline(0.5)])
def test_a_mask_of_one_pixel_is_large_enough(size: tuple[int, int], shape: Shape) -> None:
    ((_, item),) = drawn(shape, instances(np.ones(size, int)))
    assert ring_of(item) == {(10 + x, 20 + y) for x in (0, size[1]) for y in (0, size[0])}


@pytest.mark.parametrize(
    ("width", "height", "count"),
    [(0.9, 0.9, 0), (1.0, 0.2, 1), (0.2, 1.0, 1), (0.98, 0.98, 0), (5, 5, 1)],
)
@pytest.mark.parametrize("shape", [Polygon(), Polyline()])
def test_an_oriented_box_needs_one_pixel_in_width_or_height(
    shape: Shape, width: float, height: float, count: int
) -> None:
    assert len(drawn(shape, oriented((5, 5, width, height, 0)))) == count


@pytest.mark.parametrize(("holes", "area"), [(False, 144), (True, 144 - 36)])
def test_holes_are_filled_or_cut_out(holes: bool, area: float) -> None:
    bitmap = np.ones((12, 12), int)
    bitmap[3:9, 3:9] = 0
    ((_, item),) = drawn(Polygon(epsilon=0, holes=holes), instances(bitmap))
    assert area_of(item["points"]) == area


def test_epsilon_bounds_the_distance_of_a_polygon_from_the_mask() -> None:
    stairs = np.tril(np.ones((20, 20), int))
    ((_, exact),) = drawn(Polygon(epsilon=0), instances(stairs))
    ((_, simple),) = drawn(Polygon(epsilon=1.5), instances(stairs))
    assert len(simple["points"]) <= 10 < len(exact["points"])
    assert area_of(simple["points"]) == pytest.approx(stairs.sum(), rel=0.15)


def test_a_polygon_of_an_oriented_box_is_its_corners() -> None:
    rows = ((30.0, 20.0, 10.0, 4.0, 0.0), (30.0, 20.0, 10.0, 4.0, np.pi / 2))
    (_, upright), (number, turned) = drawn(Polygon(), oriented(*rows))
    assert ring_of(upright) == {(25, 18), (35, 18), (35, 22), (25, 22)}
    assert ring_of(turned) == {(28, 15), (32, 15), (32, 25), (28, 25)}
    assert number == 1
    assert area_of(turned["points"]) == 40


def test_coordinates_are_rounded_to_a_hundredth() -> None:
    ((_, item),) = drawn(Polygon(), oriented((10.0, 10.0, 2.0, 2.0, np.pi / 4)))
    assert ring_of(item) == {(10, 11.41), (11.41, 10), (10, 8.59), (8.59, 10)}


def test_masks_take_precedence_over_oriented_boxes() -> None:
    rotated = np.array([[40.0, 40, 30, 30, 1]])
    plain = instances(np.ones((4, 6), int))
    both = Instances.of(
        plain.boxes, plain.scores, plain.classes, rotated=rotated, masks=plain.masks
    )
    assert drawn(Polygon(), both) == drawn(Polygon(), plain)


@pytest.mark.parametrize(
    "found", [instances(np.ones((4, 6), int)), oriented((30, 20, 10, 4, 0.5))], ids=["mask", "box"]
)
def test_a_polyline_is_the_closed_polygon(found: Instances) -> None:
    ((_, polygon),) = drawn(Polygon(), found)
    ((_, line),) = drawn(Polyline(), found)
    points = polygon["points"]
    assert line == {"type": "polyline", "points": [*points, points[0], points[1]]}
    assert len(points) == 8


@pytest.mark.parametrize(
    ("shape", "name"), [(Mask(), "mask"), (Polygon(), "polygon"), (Polyline(), "polygon")]
)
def test_instances_without_masks_are_refused(shape: Shape, name: str) -> None:
    boxes = Instances.of(np.ones((1, 4)), np.ones(1), np.zeros(1))
    with pytest.raises(BadModel) as caught:
        drawn(shape, boxes)
    assert "needs masks" in caught.value.what
    assert name in caught.value.what or shape.name() in caught.value.what


def test_oriented_boxes_are_not_drawn_as_masks() -> None:
    with pytest.raises(BadModel):
        drawn(Mask(), oriented((30, 20, 10, 4, 0.5)))


@pytest.mark.parametrize(
    ("shape", "kind"), [(Mask, "mask"), (Polygon, "polygon"), (Polyline, "polyline")]
)
def test_label_types(shape: type[Shape], kind: str) -> None:
    assert shape.label_type == kind


@pytest.mark.parametrize("shape", [Mask(), Polygon(), Polyline()])
def test_no_instances_give_no_items(shape: Shape) -> None:
    assert drawn(shape, instances()) == []


def test_the_defaults_are_those_of_the_documentation() -> None:
    assert Mask() == Mask(encoding="pixels", epsilon=0.75)
    assert Polygon() == Polygon(epsilon=0.75, parts="largest", holes=False, min_area=1.0)
    assert Polyline() == Polyline(epsilon=0.75)
