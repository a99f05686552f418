import numpy as np
import pytest

from runtimes.arrays import Array
from runtimes.errors import BadModel
from runtimes.frame import ChannelOrder, Frame, canvas
from runtimes.geometry import Geometry
from runtimes.signature import LayoutName
from tests.grids import grid

LAYOUTS: list[LayoutName] = ["nchw", "nhwc", "chw", "hwc"]
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


def picture(height: int = 4, width: int = 5) -> Array:
    return np.random.default_rng(7).integers(0, 256, (height, width, 3), dtype=np.uint8)


def looped(frame: Frame) -> Array:
    """The tensor in float64, computed by a loop over pixels and channels."""
    height, width, _ = frame.pixels.shape
    channels = 1 if frame.channels == "gray" else 3
    means = frame.mean * channels if len(frame.mean) == 1 else frame.mean
    stds = frame.std * channels if len(frame.std) == 1 else frame.std
    chw = np.zeros((channels, height, width))
    for y in range(height):
        for x in range(width):
            blue, green, red = (float(value) for value in frame.pixels[y, x])
            values = {
                "bgr": [blue, green, red],
                "rgb": [red, green, blue],
                "gray": [0.299 * red + 0.587 * green + 0.114 * blue],
            }[frame.channels]
            for channel in range(channels):
                scaled = values[channel] / frame.scale
                chw[channel, y, x] = (scaled - means[channel]) / stds[channel]
    if frame.layout in ("nhwc", "hwc"):
        hwc = np.zeros((height, width, channels))
        for channel in range(channels):
            hwc[:, :, channel] = chw[channel]
        return np.array([hwc]) if frame.layout == "nhwc" else hwc
    return np.array([chw]) if frame.layout == "nchw" else chw


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("channels", ["rgb", "bgr"])
@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "int32", "int64"])
def test_colors_without_normalization_are_exact(
    layout: LayoutName, channels: ChannelOrder, dtype: str
) -> None:
    frame = Frame(picture(), Geometry(), channels=channels, layout=layout)
    tensor = frame.tensor(dtype)
    assert tensor.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(tensor, looped(frame))


@grid(
    ("layout", LAYOUTS),
    ("channels", ["rgb", "bgr"]),
    (("dtype", "slack"), [("float32", 2e-6), ("float16", 2e-3)]),
    (
        ("scale", "mean", "std"),
        [
            (255.0, (0.0,), (1.0,)),
            (255.0, MEAN, STD),
            (1.0, (103.53, 116.28, 123.675), (57.375, 57.12, 58.395)),
            (1.0, (0.0,), (58.0,)),
            (127.5, (1.0,), (1.0,)),
            (1.0, (127.5,), (1.0,)),
        ],
    ),
)
def test_colors_are_normalized_per_channel(
    layout: LayoutName,
    channels: ChannelOrder,
    dtype: str,
    slack: float,
    scale: float,
    mean: tuple[float, ...],
    std: tuple[float, ...],
) -> None:
    frame = Frame(picture(), Geometry(), channels, scale, mean, std, layout)
    tensor = frame.tensor(dtype)
    wanted = looped(frame)
    assert tensor.dtype == np.dtype(dtype)
    assert tensor.shape == wanted.shape
    np.testing.assert_allclose(tensor, wanted, rtol=slack, atol=slack)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("dtype", "scale", "mean", "std"),
    [
        ("uint8", 1.0, (0.0,), (1.0,)),
        ("float32", 1.0, (0.0,), (1.0,)),
        ("float32", 255.0, (0.5,), (0.25,)),
        ("float16", 255.0, (0.5,), (0.25,)),
    ],
)
def test_grey_is_luma_within_a_rounded_level(
    layout: LayoutName, dtype: str, scale: float, mean: tuple[float, ...], std: tuple[float, ...]
) -> None:
    frame = Frame(picture(), Geometry(), "gray", scale, mean, std, layout)
    tensor = frame.tensor(dtype)
    wanted = looped(frame)
    assert tensor.shape == wanted.shape
    # Luma is rounded to a whole level of 0..255 before it is scaled.
    level = 1 / scale / std[0]
    np.testing.assert_allclose(tensor.astype(float), wanted, rtol=0, atol=0.55 * level + 2e-3)


def test_values_of_one_pixel_by_hand() -> None:
    blue_green_red = np.array([[[51, 102, 255]]], np.uint8)
    frame = Frame(blue_green_red, Geometry(), "rgb", 255.0, (0.5, 0.4, 0.1), (0.25, 0.5, 2.0))
    # red (1 - 0.5) / 0.25, green (0.4 - 0.4) / 0.5, blue (0.2 - 0.1) / 2
    wanted = [2.0, 0.0, 0.05]
    np.testing.assert_allclose(frame.tensor("float32")[0, :, 0, 0], wanted, atol=1e-6)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("channels", ["rgb", "bgr", "gray"])
def test_a_cropped_view_gives_a_contiguous_tensor_and_is_not_changed(
    layout: LayoutName, channels: ChannelOrder
) -> None:
    whole = picture(8, 9)
    cut = whole[2:6, 1:6]
    before = whole.copy()
    frame = Frame(cut, Geometry(), channels, 255.0, (0.5,), (0.5,), layout)
    tensor = frame.tensor("float32")
    assert tensor.flags.c_contiguous
    np.testing.assert_allclose(tensor, looped(frame), atol=0.0045)
    np.testing.assert_array_equal(whole, before)


def test_size_is_height_and_width() -> None:
    assert Frame(picture(3, 8), Geometry()).size == (3, 8)


@pytest.mark.parametrize("dtype", ["bool", "complex64", "bfloat16", "string", "float8e4m3fn"])
def test_an_unsupported_type_is_refused(dtype: str) -> None:
    with pytest.raises(BadModel) as caught:
        Frame(picture(), Geometry()).tensor(dtype)
    assert dtype in caught.value.what


def test_int8_does_not_turn_bright_pixels_negative() -> None:
    with pytest.raises(BadModel) as caught:
        Frame(np.full((1, 1, 3), 200, np.uint8), Geometry()).tensor("int8")
    assert "int8" in caught.value.what


@pytest.mark.parametrize("fill", [7, (1, 2, 3)])
def test_padding_keeps_the_pixels_at_the_top_left(fill: int | tuple[int, ...]) -> None:
    pixels = np.random.default_rng(3).integers(10, 256, (4, 6, 3), dtype=np.uint8)
    frame = Frame(pixels, Geometry(2, 2, 1, 1), scale=255.0, fill=fill)
    padded = frame.padded((5, 9))
    assert padded.size == (5, 9)
    assert (padded.geometry, padded.scale) == (frame.geometry, frame.scale)
    for y in range(5):
        for x in range(9):
            wanted = pixels[y, x] if y < 4 and x < 6 else np.broadcast_to(fill, 3)
            assert (padded.pixels[y, x] == wanted).all()
    assert frame.padded((4, 6)) is frame


@pytest.mark.parametrize("fill", [0, 114, (1, 2, 3)])
def test_a_canvas_has_one_color(fill: int | tuple[int, ...]) -> None:
    found = canvas((3, 5), fill)
    assert found.shape == (3, 5, 3)
    assert found.dtype == np.uint8
    assert found.flags.c_contiguous
    assert found.flags.writeable
    for y in range(3):
        for x in range(5):
            assert tuple(found[y, x]) == (fill if isinstance(fill, tuple) else (fill,) * 3)
