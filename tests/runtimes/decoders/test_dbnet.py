from math import cos, degrees, radians, sin

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.draw import polygon as filled
from skimage.draw import polygon2mask

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.dbnet import Dbnet
from runtimes.errors import BadModel
from runtimes.geometry import Geometry
from runtimes.rotated import corners
from runtimes.signature import Signature, Tensor
from runtimes.view import View

VIEW = View((128, 192), (128, 192), Geometry())
ONE = Classes(1, exact=True)
Shape = tuple[int | None, ...]


def signature(*shapes: Shape) -> Signature:
    outputs = [Tensor(f"output{n}", shape, "float32") for n, shape in enumerate(shapes)]
    return Signature((), tuple(outputs))


def blank() -> Array:
    return np.zeros((1, 1, 128, 192), np.float32)


def iou(one: Array, other: Array) -> float:
    """Draw polygons, (P, 2) x y, on a grid four times as fine as the map."""
    first, second = (
        polygon2mask((128 * 4, 192 * 4), polygon[:, ::-1] * 4 - 0.5) for polygon in (one, other)
    )
    return float((first & second).sum() / (first | second).sum())


def test_a_horizontal_line_by_hand() -> None:
    output = blank()
    output[0, 0, 40:50, 20:100] = 0.75  # x 20 to 100, y 40 to 50
    found = Dbnet("o", unclip=1.5)({"o": output}, VIEW, 0.5)
    # 80 * 10 * 1.5 / (2 * 90) = 6.6667 on each side
    grow = 80 * 10 * 1.5 / 180
    wanted = [20 - grow, 40 - grow, 100 + grow, 50 + grow]
    np.testing.assert_allclose(found.boxes, [wanted], atol=1e-3)
    assert found.rotated is not None
    sides = [60, 45, 80 + 2 * grow, 10 + 2 * grow, 0]
    np.testing.assert_allclose(found.rotated, [sides], atol=1e-3)
    assert found.classes.tolist() == [0]
    # The widened outline covers 81x11 pixels, 80x10 of which have the probability.
    assert found.scores.tolist() == pytest.approx([0.75 * 800 / 891], abs=1e-6)


@pytest.mark.parametrize(("left", "top"), [(5, 10), (20, 33), (5, 50)])
def test_the_score_covers_all_rows_and_columns_of_the_outline(left: int, top: int) -> None:
    # OpenCV's rectangle around these outlines has corners such as 55.999996.
    output = blank()
    output[0, 0, top : top + 6, left : left + 83] = 0.75
    found = Dbnet("o")({"o": output}, VIEW, 0.1)
    assert found.scores.tolist() == pytest.approx([0.75 * 83 * 6 / (84 * 7)], abs=1e-6)


def test_without_dilation_the_line_is_a_pixel_smaller() -> None:
    output = blank()
    output[0, 0, 40:50, 20:100] = 0.75
    found = Dbnet("o", dilate=False)({"o": output}, VIEW, 0.5)
    grow = 79 * 9 * 1.6 / (2 * 88)
    wanted = [20.5 - grow, 40.5 - grow, 99.5 + grow, 49.5 + grow]
    np.testing.assert_allclose(found.boxes, [wanted], atol=1e-3)
    assert found.scores.tolist() == [0.75]


@pytest.mark.parametrize("angle", [-80, -44, -20, -5, 0, 10, 30, 44, 60, 85, 90])
def test_a_rotated_line_is_found(angle: float) -> None:
    length, thickness = 70.0, 18.0
    turned = np.array([[96, 64, length, thickness, radians(angle)]])
    points = corners(turned)[0]
    output = blank()
    rows, columns = filled(points[:, 1] - 0.5, points[:, 0] - 0.5, (128, 192))
    output[0, 0, rows, columns] = 1
    found = Dbnet("o", unclip=1.0)({"o": output}, VIEW, 0.5)
    grow = length * thickness / (2 * (length + thickness))
    wanted = turned + np.array([0, 0, 2 * grow, 2 * grow, 0])
    assert found.rotated is not None
    # Around the corners of pixels, a turned line is up to a pixel wider than it was drawn.
    assert iou(corners(found.rotated)[0], corners(wanted)[0]) > 0.9
    assert -45 <= degrees(float(found.rotated[0, 4])) < 45


@settings(deadline=None, max_examples=30)
@given(st.floats(5, 80), st.floats(5, 30), st.floats(-1.5, 1.5), st.floats(0.5, 2.5))
def test_unclipping_is_an_offset_with_rounded_corners(
    width: float, height: float, angle: float, ratio: float
) -> None:
    # The offset polygon itself, corner by corner, and the least rectangle around it.
    distance = width * height * ratio / (2 * (width + height))
    around = [
        [x + distance * cos(turn), y + distance * sin(turn)]
        for x, y in corners(np.array([[0, 0, width, height, angle]]))[0].tolist()
        for turn in np.linspace(angle, angle + 2 * np.pi, 360, endpoint=False).tolist()
    ]
    _, sides, _ = cv2.minAreaRect(np.array(around, np.float32))
    wanted = sorted([width + 2 * distance, height + 2 * distance])
    assert sorted(sides) == pytest.approx(wanted, rel=1e-3)


def test_adjacent_lines_are_separate_and_holes_are_ignored() -> None:
    output = blank()
    output[0, 0, 10:30, 10:90] = 1
    output[0, 0, 60:110, 10:110] = 1
    output[0, 0, 70:100, 30:90] = 0.25  # a frame, and in it
    output[0, 0, 80:90, 40:80] = 1  # another line
    found = Dbnet("o", unclip=0.1)({"o": output}, VIEW, 0.2)
    middles = sorted((found.boxes[:, :2] + found.boxes[:, 2:]).round().tolist())
    assert middles == [[100, 40], [120, 170], [120, 170]]


def test_the_score_is_the_mean_inside_and_must_exceed_the_threshold() -> None:
    output = blank()
    output[0, 0, 40:60, 20:60] = 0.4
    output[0, 0, 40:60, 60:100] = 0.6
    step = Dbnet("o", dilate=False)
    assert step({"o": output}, VIEW, 0.49).scores.tolist() == pytest.approx([0.5])
    assert len(step({"o": output}, VIEW, 0.51)) == 0
    output[0, 0, 40:60, 20:100] = 0.75
    assert len(step({"o": output}, VIEW, 0.75)) == 0


def test_a_pixel_at_the_level_is_not_text() -> None:
    output = blank()
    output[0, 0, 40:60, 20:100] = 0.5
    assert len(Dbnet("o", level=0.5)({"o": output}, VIEW, 0.1)) == 0
    assert len(Dbnet("o", level=0.49)({"o": output}, VIEW, 0.1)) == 1


@pytest.mark.parametrize(("thickness", "count"), [(3, 0), (4, 1)])
def test_lines_thinner_than_three_cells_are_dropped(thickness: int, count: int) -> None:
    # Between the centers of four pixels there are three.
    output = blank()
    output[0, 0, 40 : 40 + thickness, 20:100] = 1
    assert len(Dbnet("o", dilate=False)({"o": output}, VIEW, 0.5)) == count


@pytest.mark.parametrize(("unclip", "count"), [(0.5, 0), (0.7, 1)])
def test_lines_thinner_than_five_cells_after_unclipping_are_dropped(
    unclip: float, count: int
) -> None:
    # 3 wide, 79 long: grows by 2 * 79 * 3 / 164 = 2.89 times the ratio.
    output = blank()
    output[0, 0, 40:44, 20:100] = 1
    assert len(Dbnet("o", unclip=unclip, dilate=False)({"o": output}, VIEW, 0.5)) == count


def test_only_the_largest_contours_are_processed() -> None:
    output = blank()
    for number in range(6):
        output[0, 0, 20 * number + 4 : 20 * number + 14, 10 : 50 + 10 * number] = 1
    found = Dbnet("o", max=2, unclip=0.1)({"o": output}, VIEW, 0.5)
    assert sorted(found.boxes[:, 1].round().tolist()) == [84, 104]


def test_no_detections_give_no_instances() -> None:
    found = Dbnet("o")({"o": blank()}, VIEW, 0.0)
    assert (len(found), found.boxes.shape) == (0, (0, 4))
    assert found.rotated is not None
    assert found.rotated.shape == (0, 5)


def test_half_precision_and_a_smaller_map() -> None:
    output = blank().astype(np.float16)
    output[0, 0, 40:50, 20:100] = 0.75
    view = View((256, 384), (256, 384), Geometry())
    found = Dbnet("o", unclip=1.5)({"o": output}, view, 0.5)
    grow = 80 * 10 * 1.5 / 180
    wanted = [[40 - 2 * grow, 80 - 2 * grow, 200 + 2 * grow, 100 + 2 * grow]]
    np.testing.assert_allclose(found.boxes, wanted, atol=1e-3)


def test_the_geometry_inverts_a_resize() -> None:
    geometry = Geometry(2, 0.5)
    output = blank()
    output[0, 0, 40:50, 20:100] = 1
    found = Dbnet("o", unclip=0.9)({"o": output}, View((256, 96), (128, 192), geometry), 0.5)
    image = found.to_image(geometry)
    np.testing.assert_allclose(image.boxes, [[8, 72, 52, 108]], atol=1e-3)  # grown by 4
    assert image.rotated is not None
    np.testing.assert_allclose(image.rotated, [[30, 90, 44, 36, 0]], atol=1e-3)


@pytest.mark.parametrize("shape", [(1, 2, 64, 64), (2, 1, 64, 64), (64, 64), (1, 1, 0, 64)])
def test_outputs_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(BadModel) as caught:
        Dbnet("o")({"o": np.zeros(shape, np.float32)}, VIEW, 0.5)
    assert f"got {list(shape)}" in caught.value.what


@pytest.mark.parametrize("shape", [(1, 1, 640, 640), (None, 1, None, None), (None,) * 4])
def test_bind_finds_the_output(shape: Shape) -> None:
    assert Dbnet().bind(signature((1, 8), shape), ONE) == Dbnet("output1")


def test_bind_takes_the_named_output() -> None:
    both = signature((1, 1, 64, 64), (1, 1, 32, 32))
    assert Dbnet("output1").bind(both, ONE) == Dbnet("output1")
    with pytest.raises(BadModel, match="2 outputs could hold"):
        Dbnet().bind(both, ONE)


@pytest.mark.parametrize("shape", [(1, 2, 64, 64), (4, 1, 64, 64)])
def test_bind_refuses_outputs_that_do_not_fit(shape: Shape) -> None:
    with pytest.raises(BadModel) as caught:
        Dbnet().bind(signature(shape), ONE)
    assert f"output0 {list(shape)}" in caught.value.what


def test_there_is_one_class() -> None:
    with pytest.raises(BadModel, match="the model has 1 classes, the manifest 2 labels"):
        Dbnet().bind(signature((1, 1, 64, 64)), Classes(2, exact=True))


@pytest.mark.parametrize("flip", [(), (2,), (3,), (2, 3)])
def test_text_at_the_border_of_the_map_is_scored(flip: tuple[int, ...]) -> None:
    # A diamond at the upper left corner, whose rectangle extends beyond the map.
    output = blank()
    rows, columns = np.mgrid[:128, :192]
    output[0, 0, (abs(rows - columns) <= 12) & (rows + columns <= 60)] = 0.75
    found = Dbnet("o", dilate=False)({"o": np.flip(output, flip)}, VIEW, 0.5)
    assert len(found) == 1
    assert 0.5 < found.scores[0] <= 0.75


def test_boxes_are_scaled_to_the_input_by_each_axis() -> None:
    output = blank()
    output[0, 0, 40:50, 20:100] = 0.75
    view = View((512, 576), (512, 576), Geometry())  # 4 times the map's height, 3 times its width
    found = Dbnet("o", unclip=1.5)({"o": output}, view, 0.5)
    grow, mean = 80 * 10 * 1.5 / 180, 12**0.5
    assert found.rotated is not None
    wanted = [180, 180, (80 + 2 * grow) * mean, (10 + 2 * grow) * mean, 0]
    np.testing.assert_allclose(found.rotated, [wanted], atol=1e-2)


def test_the_defaults_are_those_of_the_documentation() -> None:
    assert Dbnet() == Dbnet(level=0.3, unclip=1.6, dilate=True, max=1000)
