from math import ceil

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.arrays import Size
from runtimes.errors import BadModel
from runtimes.frame import Frame
from runtimes.geometry import Geometry
from runtimes.preprocess.text import ResizeHeight, ResizeMultiple
from runtimes.signature import ImageInput


def image_input(height: int | None, width: int | None) -> ImageInput:
    return ImageInput("x", "float32", "nchw", height, width, 3)


def made(step: ResizeMultiple, height: int, width: int) -> Size:
    return step(Frame(np.zeros((height, width, 3), np.uint8), Geometry())).size


@pytest.mark.parametrize(
    ("image", "size"),
    [
        ((736, 1000), (736, 992)),  # 1000 / 32 = 31.25
        ((800, 1100), (800, 1088)),  # 1100 / 32 = 34.375
        ((191, 384), (736, 1472)),  # 384 * 736 / 191 = 1479.7, down to 1479 / 32 = 46.2
        ((384, 191), (1472, 736)),
        ((752, 784), (768, 768)),  # 23.5 and 24.5: half goes to the even number
        ((1080, 1920), (1088, 1920)),
    ],
)
def test_sizes_by_hand(image: Size, size: Size) -> None:
    assert made(ResizeMultiple(), *image) == size


def test_longest_takes_precedence_over_shortest() -> None:
    assert made(ResizeMultiple(longest=960), 1080, 1920) == (544, 960)  # 540 / 32 = 16.9
    assert made(ResizeMultiple(longest=960), 100, 400) == (256, 960)  # 240 / 32 = 7.5
    assert made(ResizeMultiple(shortest=64, longest=96), 10, 2000) == (32, 96)


def test_another_multiple() -> None:
    assert made(ResizeMultiple(shortest=1, multiple=10), 97, 151) == (100, 150)


@given(
    st.integers(1, 60),
    st.integers(1, 60),
    st.integers(1, 80),
    st.none() | st.integers(16, 100),
    st.sampled_from([1, 8, 32]),
)
def test_sides_are_multiples_close_to_the_requested_ones(
    height: int, width: int, shortest: int, longest: int | None, multiple: int
) -> None:
    size = made(ResizeMultiple(shortest, longest, multiple), height, width)
    gain = max(1, shortest / min(height, width))
    if longest is not None:
        gain = min(gain, longest / max(height, width))
    for new, old in zip(size, (height, width), strict=True):
        assert new % multiple == 0
        assert new == multiple or abs(new - old * gain) <= multiple / 2 + 1


def test_the_geometry_is_composed() -> None:
    before = Geometry(2, 3, 5, -7)
    frame = Frame(np.zeros((100, 200, 3), np.uint8), before, channels="rgb")
    after = ResizeMultiple(shortest=64)(frame)
    assert (after.size, after.channels) == ((96, 192), "rgb")
    corners = after.geometry.points(before.inverse.points(np.array([[0, 0], [200, 100]])))
    np.testing.assert_allclose(corners, [[0, 0], [192, 96]], atol=1e-9)


def test_bind_accepts_a_dynamic_input() -> None:
    step = ResizeMultiple(640, 1280)
    assert step.bind(image_input(None, None)) == step


@pytest.mark.parametrize(
    ("height", "width", "takes"),
    [(640, 640, "640x640"), (None, 320, "anyx320"), (48, None, "48xany")],
)
def test_bind_refuses_a_fixed_input(height: int | None, width: int | None, takes: str) -> None:
    with pytest.raises(BadModel) as caught:
        ResizeMultiple().bind(image_input(height, width))
    assert "requires a dynamic input size" in caught.value.what
    assert f"'x' is {takes}" in caught.value.what
    assert caught.value.found == takes
    assert "dynamic" in caught.value.allowed
    assert "`resize`" in caught.value.hint


LINE = np.random.default_rng(5).integers(0, 256, (30, 100, 3), np.uint8)


def line(step: ResizeHeight, height: int, width: int) -> Frame:
    return step(Frame(np.full((height, width, 3), 255, np.uint8), Geometry()))


@pytest.mark.parametrize(
    ("image", "columns", "size"),
    [
        ((48, 100), 100, (48, 320)),
        ((24, 100), 200, (48, 320)),
        ((96, 101), 51, (48, 320)),  # 50.5 is rounded up
        ((48, 320), 320, (48, 320)),
        ((48, 321), 321, (48, 352)),
        ((48, 1000), 1000, (48, 1024)),  # 31.25 times 32
        ((10, 1000), 3200, (48, 3200)),  # 4800 is compressed
        ((500, 1), 1, (48, 320)),
    ],
)
def test_a_line_is_resized_to_the_height_and_padded(image: Size, columns: int, size: Size) -> None:
    pixels = line(ResizeHeight().bind(image_input(48, None)), *image).pixels
    assert pixels.shape == (*size, 3)
    assert (pixels[:, :columns] == 255).all()
    assert (pixels[:, columns:] == 127).all()


def test_with_a_fixed_width_longer_lines_are_compressed() -> None:
    step = ResizeHeight().bind(image_input(32, 100))
    assert line(step, 32, 50).size == (32, 100)
    assert (line(step, 32, 400).pixels == 255).all()
    assert line(step, 32, 400).size == (32, 100)


def test_points_map_back_to_the_line() -> None:
    frame = line(ResizeHeight().bind(image_input(48, None)), 24, 100)
    assert frame.geometry.inverse.points(np.array([200, 48])).tolist() == [100, 24]


def test_a_line_is_preprocessed_as_in_pp_ocr() -> None:
    # After the formulas of resize_norm_img in PaddleOCR's predict_rec.py.
    height, width = 48, 320
    resized = cv2.resize(LINE, (ceil(height * 100 / 30), height)).astype(np.float32)
    padded = np.zeros((height, width, 3), np.float32)
    padded[:, : resized.shape[1]] = (resized / 255 - 0.5) / 0.5
    pixels = ResizeHeight().bind(image_input(48, None))(Frame(LINE, Geometry())).pixels
    assert np.abs((pixels / 255 - 0.5) / 0.5 - padded).max() < 0.004


@pytest.mark.parametrize(
    ("step", "image", "message"),
    [
        (ResizeHeight(), image_input(None, None), "needs a height"),
        (ResizeHeight(height=32), image_input(48, None), "48 pixels high"),
    ],
)
def test_a_height_that_does_not_fit_is_refused(
    step: ResizeHeight, image: ImageInput, message: str
) -> None:
    with pytest.raises(BadModel, match=message):
        step.bind(image)


def test_longest_is_not_below_width() -> None:
    with pytest.raises(ValueError, match="less than width"):
        ResizeHeight(width=400, longest=320)


def test_the_defaults_are_those_of_pp_ocr() -> None:
    assert ResizeMultiple() == ResizeMultiple(shortest=736, multiple=32)
    assert ResizeHeight() == ResizeHeight(width=320, longest=3200, multiple=32, fill=127)
