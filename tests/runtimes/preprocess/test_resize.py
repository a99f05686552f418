from contextlib import suppress
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from runtimes.arrays import Array, Size
from runtimes.errors import BadModel
from runtimes.frame import Frame
from runtimes.geometry import Geometry
from runtimes.preprocess.resize import CenterCrop, Letterbox, Resize
from runtimes.signature import ImageInput
from runtimes.step import SideOrSize

Sizing = Letterbox | Resize | CenterCrop
SIZING = [Letterbox, Resize, CenterCrop]


def image_input(height: int | None, width: int | None, trained: Size | None = None) -> ImageInput:
    return ImageInput("images", "float32", "nchw", height, width, 3, trained)


def blank(width: int, height: int, value: int = 255) -> Frame:
    return Frame(np.full((height, width, 3), value, np.uint8), Geometry())


def noise(height: int, width: int) -> Array:
    return np.random.default_rng(5).integers(0, 256, (height, width, 3), dtype=np.uint8)


def bilinear(pixels: Array, height: int, width: int) -> Array:
    """Resize by interpolating the four pixels around each target pixel's center."""
    old_height, old_width, _ = pixels.shape
    result = np.zeros((height, width, 3))
    for y in range(height):
        for x in range(width):
            # The center of the target pixel, where pixel n of the source has its center at n.
            source_y = min(max((y + 0.5) * old_height / height - 0.5, 0), old_height - 1)
            source_x = min(max((x + 0.5) * old_width / width - 0.5, 0), old_width - 1)
            top, left = int(source_y), int(source_x)
            bottom, right = min(top + 1, old_height - 1), min(left + 1, old_width - 1)
            down, across = source_y - top, source_x - left
            for channel in range(3):
                a, b = float(pixels[top, left, channel]), float(pixels[top, right, channel])
                c, d = float(pixels[bottom, left, channel]), float(pixels[bottom, right, channel])
                upper = a + (b - a) * across
                lower = c + (d - c) * across
                result[y, x, channel] = upper + (lower - upper) * down
    return result


# Width and height of the image, the model's height and width, then by hand: gain, resized width
# and height, left and top.
LETTERBOXES = [
    # 640 * 0.3 = 192, 360 * 0.3 = 108; (192 - 108) / 2 = 42
    (640, 360, (192, 192), (192, 108), (0, 42)),
    # gain 1.28: 333 * 1.28 = 426.24; (640 - 426) / 2 = 107, less 0.1 rounds to 107
    (333, 500, (640, 640), (426, 640), (107, 0)),
    # gain 192 / 151: 97 * 1.2715 = 123.34; (192 - 123) / 2 = 34.5, less 0.1 rounds to 34
    (97, 151, (192, 192), (123, 192), (34, 0)),
    # gain 0.192: the width would round to 0; (192 - 1) / 2 = 95.5, less 0.1 rounds to 95
    (1, 1000, (192, 192), (1, 192), (95, 0)),
    (1000, 1, (192, 192), (192, 1), (0, 95)),
    # gain min(384 / 480, 640 / 640) = 0.8; (640 - 512) / 2 = 64
    (640, 480, (384, 640), (512, 384), (64, 0)),
    # gain min(640 / 100, 384 / 300) = 1.28: 300 x 100 becomes 384 x 128; (640 - 128) / 2 = 256
    (300, 100, (640, 384), (384, 128), (0, 256)),
    # gain 0.5: 600 * 0.5 = 300; (640 - 300) / 2 = 170
    (1280, 600, (640, 640), (640, 300), (0, 170)),
    # gain 2.5: 101 * 2.5 = 252.5 rounds to the even 252; (640 - 252) / 2 = 194
    (256, 101, (640, 640), (640, 252), (0, 194)),
    (64, 64, (64, 64), (64, 64), (0, 0)),
    (1, 1, (64, 64), (64, 64), (0, 0)),
    # (64 - 63) / 2 = 0.5, less 0.1 rounds to 0: the odd pixel of padding lies below
    (64, 63, (64, 64), (64, 63), (0, 0)),
    # (64 - 61) / 2 = 1.5, less 0.1 rounds to 1
    (61, 64, (64, 64), (61, 64), (1, 0)),
    # gain 0.64: 67 * 0.64 = 42.88 rounds up to 43; (64 - 43) / 2 = 10.5, less 0.1 rounds to 10
    (100, 67, (64, 64), (64, 43), (0, 10)),
    (67, 100, (64, 64), (43, 64), (10, 0)),
    # gain 0.16: 54 * 0.16 = 8.64 rounds up to 9; (16 - 9) / 2 = 3.5, less 0.1 rounds to 3
    (100, 54, (16, 16), (16, 9), (0, 3)),
]


@pytest.mark.parametrize(("width", "height", "size", "resized", "corner"), LETTERBOXES)
@pytest.mark.parametrize("align", ["center", "top_left"])
def test_letterbox_pads_by_the_documented_rounding(
    width: int,
    height: int,
    size: Size,
    resized: tuple[int, int],
    corner: tuple[int, int],
    align: Literal["center", "top_left"],
) -> None:
    frame = Letterbox(size=size, fill=7, align=align)(blank(width, height))
    left, top = corner if align == "center" else (0, 0)
    wanted = np.full((*size, 3), 7, np.uint8)
    wanted[top : top + resized[1], left : left + resized[0]] = 255
    np.testing.assert_array_equal(frame.pixels, wanted)
    assert frame.size == size
    corners = frame.geometry.points(np.array([[0, 0], [width, height]]))
    right_bottom = [left + resized[0], top + resized[1]]
    np.testing.assert_allclose(corners, [[left, top], right_bottom], atol=1e-9)


@pytest.mark.parametrize(
    ("width", "height", "size", "stride", "canvas", "corner"),
    [
        # 640 x 360 fits as it is: 360 up to 384, (384 - 360) / 2 = 12
        (640, 360, 640, 32, (384, 640), (0, 12)),
        # 426 x 640: 426 up to 448, (448 - 426) / 2 = 11
        (333, 500, 640, 32, (640, 448), (11, 0)),
        (640, 320, 640, 32, (320, 640), (0, 0)),
        (640, 321, 640, 32, (352, 640), (0, 15)),  # 15.5 less 0.1 rounds to 15
        (1000, 1, 640, 32, (32, 640), (0, 15)),
        (640, 640, 640, 64, (640, 640), (0, 0)),
        (640, 300, (320, 640), 64, (320, 640), (0, 10)),
    ],
)
def test_letterbox_with_a_stride_pads_to_its_next_multiple(
    width: int,
    height: int,
    size: SideOrSize,
    stride: int,
    canvas: Size,
    corner: tuple[int, int],
) -> None:
    frame = Letterbox(size=size, stride=stride)(blank(width, height))
    assert frame.size == canvas
    np.testing.assert_allclose(frame.geometry.points(np.zeros((1, 2)))[0], corner, atol=1e-9)


@given(
    st.integers(1, 60),
    st.integers(1, 60),
    st.integers(1, 50),
    st.integers(1, 50),
    st.sampled_from([None, 8]),
    st.sampled_from(["center", "top_left"]),
)
def test_letterbox_shows_the_whole_image_once_within_its_padding(
    width: int,
    height: int,
    to_height: int,
    to_width: int,
    stride: int | None,
    align: Literal["center", "top_left"],
) -> None:
    step = Letterbox((to_height, to_width), fill=0, align=align, stride=stride)
    frame = step(blank(width, height))
    rows, columns = np.nonzero(frame.pixels[:, :, 0])
    corners = frame.geometry.points(np.array([[0, 0], [width, height]])).ravel()
    shown = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    np.testing.assert_allclose(corners, shown, atol=1e-6)
    assert len(rows) == (shown[2] - shown[0]) * (shown[3] - shown[1])


@given(
    st.integers(1, 2000),
    st.integers(1, 2000),
    st.lists(st.floats(0, 1), min_size=4, max_size=4),
    st.sampled_from(["center", "top_left"]),
    st.sampled_from([None, 32]),
)
def test_letterbox_inverse_restores_boxes(
    width: int,
    height: int,
    fractions: list[float],
    align: Literal["center", "top_left"],
    stride: int | None,
) -> None:
    box = np.array([fractions]) * [width, height, width, height]
    frame = Letterbox(64, align=align, stride=stride)(blank(width, height))
    there = frame.geometry.boxes(box)
    assert (there >= -1e-9).all()
    assert (there <= np.array([*frame.size[::-1]] * 2) + 1e-9).all()
    np.testing.assert_allclose(frame.geometry.inverse.boxes(there), box, atol=1e-6)


@pytest.mark.parametrize(
    ("step", "width", "height"),
    [
        (Letterbox(192), 640, 360),
        (Letterbox(192), 333, 500),
        (Letterbox((128, 256), align="top_left"), 300, 200),
        (Letterbox(256, stride=32), 500, 200),
        (Resize((100, 150)), 400, 300),
        (CenterCrop(160), 640, 360),
        (CenterCrop((200, 100)), 300, 400),
    ],
)
def test_a_drawn_box_is_found_where_the_geometry_says(
    step: Sizing, width: int, height: int
) -> None:
    # A box in the middle, which even a crop leaves whole.
    box = np.array([width * 0.4, height * 0.45, width * 0.6, height * 0.6]).round().astype(int)
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[box[1] : box[3], box[0] : box[2]] = 255
    frame = step(Frame(pixels, Geometry()))
    # In the padding, 114, nothing is brighter than half.
    rows, columns = np.nonzero(frame.pixels[:, :, 0] > 127)
    seen = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], float)
    back = frame.geometry.inverse.boxes(seen)[0]
    pixel = 1 / np.array([frame.geometry.scale_x, frame.geometry.scale_y] * 2)
    assert (np.abs(back - box) <= 0.5 * pixel + 1).all()


@pytest.mark.parametrize("size", [(20, 30), (5, 9), (16, 4), (11, 13), (1, 1)])
def test_resize_is_bilinear_about_pixel_centers(size: Size) -> None:
    pixels = noise(11, 13)
    frame = Resize(size)(Frame(pixels, Geometry()))
    assert frame.size == size
    np.testing.assert_allclose(frame.pixels.astype(float), bilinear(pixels, *size), atol=1.01)
    assert frame.geometry == Geometry(size[1] / 13, size[0] / 11, 0, 0)


def test_letterbox_contains_the_resized_image() -> None:
    pixels = noise(8, 12)
    frame = Letterbox(24)(Frame(pixels, Geometry()))
    np.testing.assert_allclose(
        frame.pixels[4:20].astype(float), bilinear(pixels, 16, 24), atol=1.01
    )
    assert (frame.pixels[:4] == 114).all()
    assert (frame.pixels[20:] == 114).all()


def test_letterbox_can_pad_with_a_color() -> None:
    frame = Letterbox((8, 16), fill=(124, 116, 104), align="top_left")(blank(8, 8))
    assert (frame.pixels[:, 8:] == (104, 116, 124)).all()
    assert (frame.pixels[:, :8] == 255).all()


def test_letterbox_can_resize_as_pillow_does() -> None:
    pixels = noise(90, 120)
    frame = Letterbox((32, 32), fill=0, align="top_left", antialias=True)(Frame(pixels, Geometry()))
    expected = Image.fromarray(pixels).resize((32, 24), Image.Resampling.BILINEAR)
    difference = np.abs(frame.pixels[:24].astype(int) - np.asarray(expected).astype(int))
    assert difference.max() <= 1
    assert not frame.pixels[24:].any()


@pytest.mark.parametrize(
    ("width", "height", "size", "resized", "corner"),
    [
        # gain 224 / 360: 640 * 0.6222 = 398.2; (398 - 224) // 2 = 87
        (640, 360, (224, 224), (398, 224), (87, 0)),
        (360, 640, (224, 224), (224, 398), (0, 87)),
        # gain 64 / 67: 100 * 0.9552 = 95.52 rounds up to 96; (96 - 64) // 2 = 16
        (100, 67, (64, 64), (96, 64), (16, 0)),
        (67, 100, (64, 64), (64, 96), (0, 16)),
        # gain max(100 / 200, 300 / 300) = 1; (200 - 100) // 2 = 50
        (300, 200, (100, 300), (300, 200), (0, 50)),
        (1, 1000, (8, 8), (8, 8000), (0, 3996)),
        (8, 8, (8, 8), (8, 8), (0, 0)),
    ],
)
def test_center_crop_covers_the_size_and_crops_the_center(
    width: int, height: int, size: Size, resized: tuple[int, int], corner: tuple[int, int]
) -> None:
    frame = CenterCrop(size)(blank(width, height))
    assert frame.size == size
    assert (frame.pixels == 255).all()
    corners = frame.geometry.points(np.array([[0, 0], [width, height]]))
    left, top = corner
    wanted = [[-left, -top], [resized[0] - left, resized[1] - top]]
    np.testing.assert_allclose(corners, wanted, atol=1e-9)


def test_center_crop_without_scaling_is_a_crop() -> None:
    pixels = noise(4, 11)
    frame = CenterCrop(4)(Frame(pixels, Geometry()))
    np.testing.assert_array_equal(frame.pixels, pixels[:, 3:7])
    assert frame.geometry == Geometry(1, 1, -3, 0)


@pytest.mark.parametrize("step", [Letterbox(32), Resize((16, 24)), CenterCrop(8)])
def test_steps_compose_their_geometry(step: Sizing) -> None:
    before = Geometry(2, 3, 5, -7)
    pixels = noise(20, 30)
    alone = step(Frame(pixels, Geometry()))
    after = step(Frame(pixels, before, channels="rgb", scale=255.0, layout="nhwc"))
    point = np.array([[3.0, 4.0]])
    np.testing.assert_allclose(
        after.geometry.points(point), alone.geometry.points(before.points(point))
    )
    assert (after.channels, after.scale, after.layout) == ("rgb", 255.0, "nhwc")


@pytest.mark.parametrize("step", [Letterbox(32), Resize((16, 24)), CenterCrop(8)])
def test_the_image_is_not_modified(step: Sizing) -> None:
    pixels = noise(20, 30)
    before = pixels.copy()
    step(Frame(pixels, Geometry()))
    np.testing.assert_array_equal(pixels, before)


@pytest.mark.parametrize("kind", SIZING)
@pytest.mark.parametrize(
    ("size", "height", "width", "bound"),
    [
        (None, 384, 640, (384, 640)),
        (640, 640, 640, (640, 640)),
        ((384, 640), 384, 640, (384, 640)),
        (640, None, None, (640, 640)),
        ((384, 640), None, 640, (384, 640)),
        ((384, 640), 384, None, (384, 640)),
    ],
)
def test_bind_fills_in_the_size(
    kind: type[Sizing],
    size: SideOrSize | None,
    height: int | None,
    width: int | None,
    bound: Size,
) -> None:
    assert kind(size).bind(image_input(height, width)) == kind(bound)


@pytest.mark.parametrize("kind", SIZING)
@pytest.mark.parametrize(
    ("size", "height", "width", "bound"),
    [
        (None, None, None, (320, 480)),
        (None, 640, None, (640, 480)),
        (None, None, 640, (320, 640)),
        (None, 640, 640, (640, 640)),
        (96, None, None, (96, 96)),
    ],
)
def test_bind_uses_the_training_size_for_dynamic_axes(
    kind: type[Sizing],
    size: SideOrSize | None,
    height: int | None,
    width: int | None,
    bound: Size,
) -> None:
    assert kind(size).bind(image_input(height, width, (320, 480))) == kind(bound)


def test_bind_keeps_the_other_settings() -> None:
    step = Letterbox(fill=0, align="top_left").bind(image_input(64, 96))
    assert step == Letterbox((64, 96), fill=0, align="top_left")
    step = Letterbox(640, stride=32).bind(image_input(None, None))
    assert step == Letterbox((640, 640), stride=32)


@pytest.mark.parametrize(
    ("kind", "name"), [(Letterbox, "letterbox"), (Resize, "resize"), (CenterCrop, "center_crop")]
)
@pytest.mark.parametrize(("height", "width"), [(None, None), (640, None), (None, 640)])
def test_bind_asks_for_an_unknown_size(
    kind: type[Sizing], name: str, height: int | None, width: int | None
) -> None:
    with pytest.raises(BadModel) as caught:
        kind().bind(image_input(height, width))
    error = caught.value
    assert error.what == f"{name} needs a size: the model's input 'images' has a dynamic size"
    assert error.where == "size"
    assert "[height, width]" in error.allowed
    assert f"`{name}: 640`" in error.hint


@pytest.mark.parametrize(
    ("kind", "name"), [(Letterbox, "letterbox"), (Resize, "resize"), (CenterCrop, "center_crop")]
)
@pytest.mark.parametrize(
    ("size", "height", "width", "made", "takes"),
    [
        (320, 640, 640, "320x320", "640x640"),
        ((640, 384), 384, 640, "640x384", "384x640"),
        (320, None, 640, "320x320", "anyx640"),
        (320, 640, None, "320x320", "640xany"),
    ],
)
def test_bind_refuses_a_size_other_than_the_inputs(
    kind: type[Sizing],
    name: str,
    size: SideOrSize,
    height: int | None,
    width: int | None,
    made: str,
    takes: str,
) -> None:
    with pytest.raises(BadModel) as caught:
        kind(size).bind(image_input(height, width))
    error = caught.value
    assert f"the size {made} of {name} does not match" in error.what
    assert f"'images', {takes} (height x width)" in error.what
    assert (error.where, error.found, error.allowed) == ("size", made, takes)
    assert "remove the size" in error.hint


def test_bind_refuses_a_stride_for_a_fixed_size() -> None:
    with pytest.raises(BadModel) as caught:
        Letterbox(stride=32).bind(image_input(384, 640))
    error = caught.value
    assert "stride requires a dynamic input size" in error.what
    assert "'images' is 384x640" in error.what
    assert (error.where, error.found) == ("stride", "32")
    assert error.hint == "remove the stride"


@pytest.mark.parametrize(
    ("height", "width", "image"), [(640, None, (640, 320)), (None, 640, (320, 640))]
)
def test_a_stride_does_not_change_a_fixed_axis(
    height: int | None, width: int | None, image: tuple[int, int]
) -> None:
    # The image is narrow along the axis that the model fixes at 640: either that axis is padded
    # in full, or the stride is refused.
    made: Size | None = None
    with suppress(BadModel):
        made = Letterbox(640, stride=32).bind(image_input(height, width))(blank(*image)).size
    assert made in (None, (640, 640))


@pytest.mark.parametrize("kind", SIZING)
def test_an_unbound_step_raises(kind: type[Sizing]) -> None:
    with pytest.raises(BadModel) as caught:
        kind()(blank(8, 8))
    assert "not bound" in caught.value.what
    assert caught.value.where == "size"


def test_the_defaults_are_those_of_ultralytics() -> None:
    assert Letterbox() == Letterbox(fill=114, align="center", antialias=False)
    assert Resize() == Resize(antialias=False)
