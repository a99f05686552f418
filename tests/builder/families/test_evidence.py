import numpy as np
import pytest

from builder.families.evidence import Pattern, fits, is_integer
from runtimes.signature import Tensor
from tests.builder.families.made import Shape, evidence


@pytest.mark.parametrize(
    ("shape", "pattern", "fit"),
    [
        ((1, 3, 8), (1, None, 8), True),
        ((1, 3, 8), (1, None, 9), False),
        ((1, 3), (1, None, None), False),
        ((None, 3, None), (1, None, 8), True),
        ((1, 4, 4), (1, "h", "h"), True),
        ((1, 4, 5), (1, "h", "h"), False),
        ((1, 4, None), (1, "h", "h"), True),
    ],
)
def test_shapes_fit_patterns(shape: Shape, pattern: Pattern, fit: bool) -> None:
    assert fits(Tensor("x", shape, "float32"), pattern) is fit
    assert fits(Tensor("x", shape, "float32"), (99,), pattern) is fit


def test_the_only_input_that_can_be_an_image_is_the_image() -> None:
    assert evidence({"y": (1, 2)}).image is not None
    assert evidence({"y": (1, 2)}, {"x": (1, 3, 8, 8), "z": (1, 3, 4, 4)}).image is None
    assert evidence({"y": (1, 2)}, {"x": (1, 40)}).image is None
    deployed = {"images": (1, 3, 64, 64), "orig_target_sizes": (1, 2)}
    image = evidence({"y": (1, 2)}, deployed).image
    assert image is not None
    assert image.name == "images"


def test_an_open_input_has_the_size_that_the_metadata_name() -> None:
    inputs = {"x": (1, 3, None, None)}
    assert evidence({"y": (1, 2)}, inputs).size is None
    found = evidence({"y": (1, 2)}, inputs, metadata={"imgsz": "[32, 64]"})
    assert found.size == (32, 64)
    assert found.cell_count((8, 16)) == 4 * 8 + 2 * 4
    assert evidence({"y": (1, 2)}, inputs).cell_count((8,)) is None


def test_cells_at_the_border_count() -> None:
    assert evidence({"y": (1, 2)}, {"x": (1, 3, 65, 64)}).cell_count((64,)) == 2


def test_tensors_are_found_by_rank_and_by_name() -> None:
    found = evidence({"dets": (1, 9, 5), "pred_boxes": (1, 9, 4), "n": (1,)})
    assert [it.name for it in found.outputs_of_rank(1, 3)] == ["dets", "pred_boxes", "n"]
    assert [it.name for it in found.outputs_of_rank(1)] == ["n"]
    # The first word that any name contains decides.
    by_name = found.output_named("box", "dets")
    assert by_name is not None
    assert by_name.name == "pred_boxes"
    assert found.output_named("mask") is None
    assert found.input_named("image") is not None


@pytest.mark.parametrize(
    ("values", "fraction"),
    [([0.0, 1.0], True), ([-0.5, 0.5], False), ([0.2, 3.0], False), ([], None)],
)
def test_fractions_are_known_from_a_run(values: list[float], fraction: bool | None) -> None:
    blank = {"y": np.array(values, np.float32)}
    found = evidence({"y": (2,)}, blank=blank)
    assert found.is_fraction(found.outputs[0]) is fraction


def test_without_a_run_fractions_are_unknown() -> None:
    found = evidence({"y": (2,)})
    assert found.is_fraction(found.outputs[0]) is None


@pytest.mark.parametrize(
    ("dtype", "integer"), [("int64", True), ("uint8", True), ("float16", False)]
)
def test_integers_are_signed_or_not(dtype: str, integer: bool) -> None:
    assert is_integer(Tensor("x", (1,), dtype)) is integer
