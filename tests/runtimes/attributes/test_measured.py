from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from runtimes.arrays import Array
from runtimes.attributes.measured import ChoiceAttribute, NumberAttribute
from runtimes.errors import BadModel
from runtimes.instances import Instances
from runtimes.signature import Signature, Tensor

WORDS = ("red", "green", "blue")
COLOUR = ChoiceAttribute("color", WORDS, "out")
AGE = NumberAttribute("age", "out")
STEPS: list[ChoiceAttribute | NumberAttribute] = [COLOUR, AGE]


def from_rows(*rows: int) -> Instances:
    """One instance for each of the given rows of the model's outputs."""
    count = len(rows)
    boxes = np.tile([0.0, 0.0, 1.0, 1.0], (count, 1))
    numbers = np.array(rows, np.int64)
    return Instances(boxes, np.ones(count), np.zeros(count, np.int64), rows=numbers)


def said(
    step: ChoiceAttribute | NumberAttribute, output: Any, *rows: int, dtype: str = "float32"
) -> list[str]:
    """The attribute that a step sets for instances from `rows` of `output`."""
    found = step(from_rows(*rows), {"out": np.array(output, dtype), "other": np.zeros((9, 9))})
    texts: list[str] = found.attributes[step.attribute].tolist()
    return texts


def highest(values: list[float]) -> int:
    best = 0
    for place, value in enumerate(values):
        if value > values[best]:
            best = place
    return best


@given(
    arrays(np.float32, (4, 3), elements=st.floats(-100, 100, width=32)),
    st.lists(st.integers(0, 3)),
)
def test_the_value_is_that_of_the_highest_score_in_the_instances_row(
    output: Array, rows: list[int]
) -> None:
    expected = [WORDS[highest(output[row].tolist())] for row in rows]
    assert said(COLOUR, output, *rows) == expected


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64", "uint8"])
def test_outputs_may_be_of_any_numeric_type(dtype: str) -> None:
    output = [[7, 2, 1], [0, 2, 5], [1, 9, 3]]
    assert said(COLOUR, output, 0, 1, 2, dtype=dtype) == ["red", "blue", "green"]
    assert said(AGE, output, 0, 1, 2, dtype=dtype) == ["7", "0", "1"]


def test_a_half_precision_number_is_scaled_in_full_precision() -> None:
    # 60000 * 2 is more than float16 can hold.
    step = NumberAttribute("age", "out", scale=2, most=200_000)
    assert said(step, [[60000]], 0, dtype="float16") == ["120000"]


@pytest.mark.parametrize(
    ("settings", "value", "text"),
    [
        ({}, 2.4, "2"),
        ({}, 2.6, "3"),
        ({}, 0.0, "0"),
        ({"scale": 100}, 0.374, "37"),
        ({"scale": 100}, 0.376, "38"),
        ({"scale": -1, "offset": 10}, 4, "6"),
        ({"offset": 0.25}, 1.5, "2"),
        # Scaled first, moved then: 3 * 10 + 5, not (3 + 5) * 10.
        ({"scale": 10, "offset": 5}, 3, "35"),
        ({}, -3, "0"),
        ({}, 100.4, "100"),
        ({}, 101, "100"),
        ({"least": 5, "most": 7}, 4.9, "5"),
        ({"least": 5, "most": 7}, 6.1, "6"),
        ({"least": 5, "most": 7}, 7.4, "7"),
        ({"least": 5, "most": 7}, 9, "7"),
        # NaN becomes 0, clipped to the minimum.
        ({}, np.nan, "0"),
        ({"least": 5, "most": 7}, np.nan, "5"),
        ({"least": 5, "most": 7, "offset": 6}, np.nan, "5"),
        ({}, np.inf, "100"),
        ({"least": 5, "most": 7}, -np.inf, "5"),
        ({"scale": -1}, -np.inf, "100"),
    ],
)
def test_a_number_is_scaled_shifted_rounded_and_clipped(
    settings: dict[str, Any], value: float, text: str
) -> None:
    assert said(NumberAttribute("age", "out", **settings), [[value]], 0) == [text]


@given(
    st.lists(st.floats(-1000, 1000, width=32), min_size=1),
    st.integers(0, 50),
    st.integers(51, 200),
)
def test_each_number_is_the_nearest_allowed_one(values: list[float], least: int, most: int) -> None:
    step = NumberAttribute("age", "out", least=least, most=most)
    output = [[value] for value in values]
    for value, text in zip(values, said(step, output, *range(len(values))), strict=True):
        nearest = min(abs(value - number) for number in range(least, most + 1))
        assert least <= int(text) <= most
        assert abs(value - int(text)) == nearest


def test_only_the_first_value_of_a_row_is_the_number() -> None:
    assert said(AGE, [[11, 50], [12, 60]], 1, 0) == ["12", "11"]


COLOURS = [[9, 1, 2], [1, 9, 2], [1, 2, 9], [5, 4, 3]]
AGES = [[10], [20], [30], [40]]


@pytest.mark.parametrize(
    ("shape", "rows"),
    [
        ((4, -1), (0, 1, 2, 3)),
        ((4, -1), (3, 1)),
        ((4, -1), (2,)),
        ((4, -1), ()),
        ((1, 4, -1), (0, 1, 2, 3)),
        ((1, 4, -1), (3, 1)),
        ((1, 4, -1), ()),
        ((4, -1, 1, 1), (3, 1)),
        # A single instance, as in most images.
        ((1, 4, -1), (2,)),
        ((1, 4, -1), (0,)),
    ],
)
def test_rows_are_found_with_and_without_a_leading_axis_of_one(
    shape: tuple[int, ...], rows: tuple[int, ...]
) -> None:
    colors = ["red", "green", "blue", "red"]
    assert said(COLOUR, np.reshape(COLOURS, shape), *rows) == [colors[row] for row in rows]
    assert said(AGE, np.reshape(AGES, shape), *rows) == [str(AGES[row][0]) for row in rows]


@pytest.mark.parametrize("rows", [(0, 1, 2, 3), (3, 1), (2,), (0,), ()])
@pytest.mark.parametrize("shape", [(4,), (1, 4)])
def test_one_number_per_row_needs_no_axis(shape: tuple[int, ...], rows: tuple[int, ...]) -> None:
    assert said(AGE, np.reshape(AGES, shape), *rows) == [str(AGES[row][0]) for row in rows]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("shape", [(0, 3), (1, 0, 3), (0,)])
def test_no_instances_get_no_values(
    step: ChoiceAttribute | NumberAttribute, shape: tuple[int, ...]
) -> None:
    assert said(step, np.zeros(shape)) == []


@pytest.mark.parametrize("words", [("red", "green"), ("red", "green", "blue", "white")])
def test_another_number_of_values_than_scores_is_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(BadModel) as caught:
        said(ChoiceAttribute("color", words, "out"), COLOURS, 0, 1)
    assert caught.value.where == "values"
    assert caught.value.what == (
        f"the output 'out' has 3 scores per row, the attribute 'color' {len(words)} values"
    )


@pytest.mark.parametrize("step", STEPS)
def test_a_missing_output_is_named(
    step: ChoiceAttribute | NumberAttribute,
) -> None:
    with pytest.raises(BadModel) as caught:
        step(from_rows(0), {"one": np.zeros((1, 3)), "two": np.zeros((1, 3))})
    assert caught.value.where == "output"
    assert "'out'" in caught.value.what
    assert caught.value.found == "one, two"


@pytest.mark.parametrize("step", STEPS)
def test_an_output_with_too_few_rows_is_refused(step: ChoiceAttribute | NumberAttribute) -> None:
    with pytest.raises(BadModel) as caught:
        said(step, [[1, 2, 3], [1, 2, 3]], 0, 2)
    assert caught.value.where == "output"
    assert "only 2 rows" in caught.value.what


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("count", [0, 2])
def test_a_decoder_without_rows_is_refused(
    step: ChoiceAttribute | NumberAttribute, count: int
) -> None:
    boxes = np.zeros((count, 4))
    found = Instances(boxes, np.ones(count), np.zeros(count, np.int64))
    with pytest.raises(BadModel) as caught:
        step(found, {"out": np.zeros((count, 3))})
    assert caught.value.where == "output"
    assert "`then`" in caught.value.hint


@pytest.mark.parametrize("step", [ChoiceAttribute("a", WORDS), NumberAttribute("a")])
def test_a_single_output_needs_no_name(step: ChoiceAttribute | NumberAttribute) -> None:
    bound = step.bind(Signature((), (Tensor("scores", (1, 3), "float32"),)))
    assert bound.output == "scores"
    assert bound.declare() == step.declare()


SEVERAL = Signature((), (Tensor("age", (None, 1), "float32"), Tensor("hue", (1, 3), "float16")))


@pytest.mark.parametrize("name", ["age", "hue"])
def test_a_named_output_is_used(name: str) -> None:
    for step in (ChoiceAttribute("a", WORDS, name), NumberAttribute("a", name)):
        assert step.bind(SEVERAL) == step
        assert step.bind(SEVERAL).output == name


@pytest.mark.parametrize(
    ("name", "what", "found"),
    [
        (None, "the model has several outputs, and none is named", ""),
        ("size", "the model has no output called 'size'", "size"),
    ],
)
def test_an_unknown_output_is_refused_with_the_existing_ones(
    name: str | None, what: str, found: str
) -> None:
    for step in (ChoiceAttribute("a", WORDS, name), NumberAttribute("a", name)):
        with pytest.raises(BadModel) as caught:
            step.bind(SEVERAL)
        assert (caught.value.what, caught.value.found) == (what, found)
        assert caught.value.where == "output"
        assert caught.value.allowed == "age [?, 1] float32, hue [1, 3] float16"


@pytest.mark.parametrize("step", STEPS)
def test_a_wrong_name_is_refused_even_with_a_single_output(
    step: ChoiceAttribute | NumberAttribute,
) -> None:
    with pytest.raises(BadModel):
        step.bind(Signature((), (Tensor("scores", (1, 3), "float32"),)))


@pytest.mark.parametrize(("least", "most"), [(-1, 5), (5, 5), (6, 5), (-7, -6), (0, 0)])
def test_bounds_that_cvat_does_not_accept_are_refused(least: int, most: int) -> None:
    with pytest.raises(ValueError, match=f"least \\({least}\\) and most \\({most}\\)"):
        NumberAttribute("age", least=least, most=most)


@pytest.mark.parametrize(("least", "most"), [(0, 1), (5, 6), (18, 99)])
def test_bounds_are_declared_to_cvat(least: int, most: int) -> None:
    step = NumberAttribute("age", least=least, most=most)
    assert step.declare() == ("number", (str(least), str(most), "1"))


def test_values_are_declared_to_cvat() -> None:
    assert COLOUR.declare() == ("select", WORDS)


@pytest.mark.parametrize("step", STEPS)
def test_values_are_text_and_other_attributes_are_kept(
    step: ChoiceAttribute | NumberAttribute,
) -> None:
    before = from_rows(2, 0).with_attribute("old", np.array(["x", "y"]))
    after = step(before, {"out": np.array(COLOURS)})
    assert list(after.attributes) == ["old", step.attribute]
    assert after.attributes["old"].tolist() == ["x", "y"]
    assert {type(value) for value in after.attributes[step.attribute].tolist()} == {str}
    assert after.rows is not None
    assert after.rows.tolist() == [2, 0]
    assert list(before.attributes) == ["old"]
