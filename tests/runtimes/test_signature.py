import pytest

from runtimes.errors import BadModel
from runtimes.signature import ImageInput, LayoutName, Signature, Tensor

Shape = tuple[int | None, ...]

BOXES = Tensor("output0", (1, 84, 8400), "float32")
MASKS = Tensor("output1", (1, 32, 160, 160), "float32")
FLAT = Tensor("flat", (None, 7), "float32")


def test_text_of_a_tensor_marks_dynamic_axes() -> None:
    assert str(Tensor("images", (1, 3, None, 640), "float16")) == "images [1, 3, ?, 640] float16"


@pytest.mark.parametrize(
    ("name", "rank", "found"),
    [
        (None, (3,), BOXES),
        (None, (4,), MASKS),
        (None, (2,), FLAT),
        ("output1", (3,), MASKS),  # a name goes before the rank
    ],
)
def test_output_by_name_or_by_rank(name: str | None, rank: tuple[int, ...], found: Tensor) -> None:
    assert Signature((), (BOXES, MASKS, FLAT)).output(name, rank=rank, role="boxes") is found


def test_a_missing_output_is_named_with_the_existing_ones() -> None:
    with pytest.raises(BadModel) as caught:
        Signature((), (BOXES, FLAT)).output("boxes", rank=(3,), role="boxes")
    error = caught.value
    assert "'boxes'" in error.what
    assert (error.where, error.found) == ("output", "boxes")
    assert error.allowed == "output0 [1, 84, 8400] float32, flat [?, 7] float32"


def test_an_output_of_another_rank_is_refused_with_the_expected_one() -> None:
    with pytest.raises(BadModel) as caught:
        Signature((), (MASKS,)).output(None, rank=(2, 3), role="finished rows")
    error = caught.value
    assert "0 outputs could hold finished rows" in error.what
    assert "2 or 3 axes" in error.what
    assert error.found == "output1 [1, 32, 160, 160] float32"
    assert error.allowed == "one output with 2 or 3 axes"
    assert "check that the step fits the model" in error.hint


def test_two_fitting_outputs_require_a_name() -> None:
    with pytest.raises(BadModel) as caught:
        Signature((), (BOXES, FLAT)).output(None, rank=(2, 3), role="rows")
    error = caught.value
    assert "2 outputs could hold rows" in error.what
    assert error.where == "output"
    assert error.hint == "name it: `output: NAME`"


def test_boxes_beside_scores_need_another_decoder() -> None:
    pair = (Tensor("b", (1, 8400, 4), "float32"), Tensor("s", (1, 8400, 80), "float32"))
    with pytest.raises(BadModel) as caught:
        Signature((), pair).output(None, rank=(3,), role="candidates")
    assert "use `boxes_and_scores`" in caught.value.hint


@pytest.mark.parametrize(
    ("shape", "layout", "sizes"),
    [
        ((1, 3, 480, 640), "nchw", (480, 640, 3)),
        ((1, 480, 640, 3), "nhwc", (480, 640, 3)),
        ((None, 1, 32, 100), "nchw", (32, 100, 1)),
        ((1, 32, 100, 1), "nhwc", (32, 100, 1)),
        ((None, None, None, 3), "nhwc", (None, None, 3)),
        ((None, 3, None, None), "nchw", (None, None, 3)),
        ((1, None, None, None), "nchw", (None, None, None)),
        ((1, 3, 480, 3), "nchw", (480, 3, 3)),
        ((3, 480, 640), "chw", (480, 640, 3)),
        ((480, 640, 3), "hwc", (480, 640, 3)),
        ((None, None, 1), "hwc", (None, None, 1)),
        ((None, None, None), "chw", (None, None, None)),
    ],
)
def test_the_layout_follows_from_the_shape(
    shape: Shape, layout: LayoutName, sizes: tuple[int | None, int | None, int | None]
) -> None:
    image = ImageInput.of(Tensor("images", shape, "float32"))
    assert image.layout == layout
    assert (image.height, image.width, image.channels) == sizes
    assert (image.name, image.dtype) == ("images", "float32")
    assert image.batched is (len(shape) == 4)


@pytest.mark.parametrize(
    ("shape", "layout", "sizes"),
    [
        ((1, 3, 480, 3), "nhwc", (3, 480, 3)),
        ((1, None, None, None), "nhwc", (None, None, None)),
        ((3, 64, 3), "hwc", (3, 64, 3)),
    ],
)
def test_a_given_layout_takes_precedence_over_the_shape(
    shape: Shape, layout: LayoutName, sizes: tuple[int | None, int | None, int | None]
) -> None:
    image = ImageInput.of(Tensor("images", shape, "uint8"), layout)
    assert image.layout == layout
    assert (image.height, image.width, image.channels) == sizes


@pytest.mark.parametrize("shape", [(), (640,), (640, 640), (1, 3, 4, 640, 640)])
def test_an_input_with_another_rank_is_refused(shape: Shape) -> None:
    with pytest.raises(BadModel) as caught:
        ImageInput.of(Tensor("images", shape, "float32"))
    assert f"it has {len(shape)} axes" in caught.value.what
    assert str(Tensor("images", shape, "float32")) in caught.value.what


@pytest.mark.parametrize(
    ("shape", "layout", "allowed"),
    [((1, 3, 8, 8), "chw", "nchw or nhwc"), ((3, 8, 8), "nhwc", "chw or hwc")],
)
def test_a_layout_of_another_rank_is_refused_with_the_fitting_ones(
    shape: Shape, layout: LayoutName, allowed: str
) -> None:
    with pytest.raises(BadModel) as caught:
        ImageInput.of(Tensor("images", shape, "float32"), layout)
    error = caught.value
    assert f"layout {layout} has {len(layout)} axes" in error.what
    assert error.what.endswith(f"has {len(shape)}")
    assert (error.found, error.allowed) == (layout, allowed)


@pytest.mark.parametrize(
    ("shape", "layout", "channels"),
    [((1, 4, 64, 64), None, 4), ((1, 3, 64, 64), "nhwc", 64), ((1, 64, 64, 2), None, 64)],
)
def test_channels_other_than_one_or_three_are_refused(
    shape: Shape, layout: LayoutName | None, channels: int
) -> None:
    with pytest.raises(BadModel) as caught:
        ImageInput.of(Tensor("images", shape, "float32"), layout)
    assert f"has {channels} channels" in caught.value.what
    assert "1 channel (gray) or 3 (color)" in caught.value.allowed


def test_a_batch_of_several_images_is_refused() -> None:
    with pytest.raises(BadModel) as caught:
        ImageInput.of(Tensor("images", (8, 3, 64, 64), "float32"))
    assert "takes 8 images at once" in caught.value.what
    assert "batch size 1" in caught.value.hint
