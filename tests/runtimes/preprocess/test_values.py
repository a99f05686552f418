import numpy as np
import pytest

from runtimes.errors import BadModel
from runtimes.frame import ChannelOrder, Frame
from runtimes.geometry import Geometry
from runtimes.preprocess.values import Channels, Layout, Normalize
from runtimes.signature import ImageInput, LayoutName


def image_input(
    *, channels: int | None = 3, dtype: str = "float32", layout: LayoutName = "nchw"
) -> ImageInput:
    return ImageInput("images", dtype, layout, 64, 64, channels)


def frame() -> Frame:
    return Frame(np.zeros((2, 3, 3), np.uint8), Geometry(2, 3, 4, 5))


@pytest.mark.parametrize(
    ("order", "channels"),
    [("rgb", 3), ("bgr", 3), ("gray", 1), ("rgb", None), ("bgr", None), ("gray", None)],
)
def test_channels_that_fit_the_input_are_accepted(
    order: ChannelOrder, channels: int | None
) -> None:
    step = Channels(order)
    assert step.bind(image_input(channels=channels)) == step


@pytest.mark.parametrize(
    ("order", "channels", "given", "allowed"),
    [("rgb", 1, 3, "gray"), ("bgr", 1, 3, "gray"), ("gray", 3, 1, "rgb or bgr")],
)
def test_channels_that_do_not_fit_the_input_are_refused(
    order: ChannelOrder, channels: int, given: int, allowed: str
) -> None:
    with pytest.raises(BadModel) as caught:
        Channels(order).bind(image_input(channels=channels))
    error = caught.value
    assert f"{order} has {given} channel{'' if given == 1 else 's'}, but" in error.what
    assert error.what.endswith(f"'images' has {channels}")
    assert (error.where, error.found, error.allowed) == ("order", order, allowed)


@pytest.mark.parametrize("order", ["rgb", "bgr", "gray"])
def test_channels_sets_only_the_order(order: ChannelOrder) -> None:
    before = frame()
    after = Channels(order)(before)
    assert after.channels == order
    assert after.pixels is before.pixels
    assert (after.geometry, after.scale, after.layout) == (Geometry(2, 3, 4, 5), 1.0, "nchw")


def test_normalize_sets_only_its_numbers() -> None:
    before = frame()
    after = Normalize(2.0, (1.0, 2.0, 3.0), (4.0,))(before)
    assert (after.scale, after.mean, after.std) == (2.0, (1.0, 2.0, 3.0), (4.0,))
    assert after.pixels is before.pixels
    assert (after.geometry, after.channels) == (Geometry(2, 3, 4, 5), "bgr")


def test_normalize_scales_to_0_to_1_by_default() -> None:
    white = Frame(np.full((1, 1, 3), 255, np.uint8), Geometry())
    assert Normalize()(white).tensor("float32").ravel().tolist() == [1, 1, 1]


@pytest.mark.parametrize("key", ["mean", "std"])
@pytest.mark.parametrize("count", [0, 2, 4])
def test_normalize_accepts_one_or_three_numbers(key: str, count: int) -> None:
    values = (1.0,) * count
    with pytest.raises(ValueError, match=f"{key} has {count} numbers; 1 or 3 are allowed"):
        Normalize(mean=values) if key == "mean" else Normalize(std=values)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(
    ("step", "channels"),
    [
        (Normalize(), 1),
        (Normalize(mean=(0.5,), std=(0.5,)), 1),
        (Normalize(mean=(0.5, 0.4, 0.3)), 3),
        (Normalize(std=(0.5, 0.4, 0.3)), None),
    ],
)
def test_normalize_accepts_floating_point_inputs(
    step: Normalize, channels: int | None, dtype: str
) -> None:
    assert step.bind(image_input(channels=channels, dtype=dtype)) == step


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64"])
def test_normalize_refuses_integer_inputs(dtype: str) -> None:
    with pytest.raises(BadModel) as caught:
        Normalize().bind(image_input(dtype=dtype))
    assert f"'images' is of type {dtype}" in caught.value.what
    assert "remove the step" in caught.value.hint


@pytest.mark.parametrize("key", ["mean", "std"])
def test_normalize_with_three_numbers_refuses_a_grey_input(key: str) -> None:
    values = (0.5, 0.25, 0.125)
    step = Normalize(mean=values) if key == "mean" else Normalize(std=values)
    with pytest.raises(BadModel) as caught:
        step.bind(image_input(channels=1))
    error = caught.value
    assert error.what == f"{key} has 3 numbers, but the model's input 'images' has 1 channel"
    assert (error.where, error.found) == (key, "[0.5, 0.25, 0.125]")
    assert error.allowed == "one number"


@pytest.mark.parametrize("layout", ["nchw", "nhwc", "chw", "hwc"])
def test_layout_is_filled_in_from_the_input(layout: LayoutName) -> None:
    bound = Layout().bind(image_input(layout=layout))
    assert bound == Layout(layout)
    assert bound(frame()).layout == layout


def test_an_unbound_layout_changes_nothing() -> None:
    assert Layout()(frame()).layout == "nchw"


def test_the_defaults_are_those_of_the_documentation() -> None:
    assert Normalize() == Normalize(scale=255.0, mean=(0.0,), std=(1.0,))
