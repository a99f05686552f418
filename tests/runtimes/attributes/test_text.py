from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.arrays import Array
from runtimes.attributes.text import TextAttribute
from runtimes.errors import BadModel
from runtimes.instances import Instances
from runtimes.signature import Signature, Tensor

ABC = ("a", "b", "c")


def signature(characters: int | None, metadata: dict[str, str] | None = None) -> Signature:
    output = Tensor("probabilities", (None, None, characters), "float32")
    return Signature((), (output,), metadata or {})


def line(*steps: int, count: int = 4, probability: float = 0.9) -> Array:
    """The output for a line with the given best characters; 0 is the blank."""
    rest = (1 - probability) / (count - 1)
    values = np.full((1, len(steps), count), rest, np.float32)
    for place, number in enumerate(steps):
        values[0, place, number] = probability
    return values


def read(step: TextAttribute, values: Array) -> str:
    boxes = np.array([[0.0, 0.0, 1.0, 1.0]])
    one = Instances(boxes, np.ones(1), np.zeros(1, np.int64), rows=np.zeros(1, np.int64))
    bound = step.bind(signature(values.shape[2]))
    (text,) = bound(one, {"probabilities": values}).attributes["text"].tolist()
    return str(text)


def collapsed(steps: Sequence[int]) -> str:
    """CTC's rule: join what repeats, then drop the blanks."""
    text, before = "", 0
    for number in steps:
        if number not in (0, before):
            text += ABC[number - 1]
        before = number
    return text


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        ((1, 2, 3), "abc"),
        ((1, 1, 2, 2, 2), "ab"),
        ((0, 1, 0, 1, 0), "aa"),
        ((1, 0, 0, 2), "ab"),
        ((0, 0), ""),
        ((3,), "c"),
    ],
)
def test_repeated_characters_are_joined_and_blanks_dropped(
    steps: tuple[int, ...], text: str
) -> None:
    assert read(TextAttribute("text", ABC), line(*steps)) == text


@given(st.lists(st.integers(0, 3), min_size=1, max_size=20))
def test_a_line_is_read_as_by_a_plain_loop(steps: list[int]) -> None:
    assert read(TextAttribute("text", ABC), line(*steps)) == collapsed(steps)


def test_the_score_is_the_mean_of_the_first_step_of_each_character() -> None:
    values = line(1, 1, 0, 2)
    values[0, :, :] = [
        [0.1, 0.9, 0, 0],
        [0.3, 0.5, 0.1, 0.1],  # repeats the first character
        [1, 0, 0, 0],
        [0.2, 0.1, 0.4, 0.3],
    ]
    # (0.9 + 0.4) / 2
    assert read(TextAttribute("text", ABC, least_score=0.64), values) == "ab"
    assert read(TextAttribute("text", ABC, least_score=0.66), values) == ""


def test_a_text_with_exactly_the_minimum_score_is_kept() -> None:
    values = line(1, 2, probability=0.5)
    assert read(TextAttribute("text", ABC, least_score=0.5), values) == "ab"


def test_one_character_more_in_the_output_is_the_space() -> None:
    assert read(TextAttribute("text", ABC), line(1, 4, 2, count=5)) == "a b"


def test_characters_are_read_from_the_metadata() -> None:
    metadata = {"character": "a\n'\n \nö"}
    bound = TextAttribute("text").bind(signature(5, metadata))
    assert bound.characters == ("a", "'", " ", "ö")
    assert bound.output == "probabilities"


@pytest.mark.parametrize("count", [3, 6])
def test_a_list_for_another_model_is_refused(count: int) -> None:
    with pytest.raises(BadModel, match="3 characters") as caught:
        TextAttribute("text", ABC).bind(signature(count))
    assert caught.value.where == "characters"


def test_a_model_without_a_list_needs_one() -> None:
    with pytest.raises(BadModel, match="no list of characters") as caught:
        TextAttribute("text").bind(signature(4))
    assert "characters: FILE" in caught.value.hint


def test_logits_are_refused() -> None:
    values = line(1, 2) * 10
    with pytest.raises(BadModel, match="not probabilities"):
        read(TextAttribute("text", ABC), values)


@pytest.mark.parametrize("shape", [(4,), (1, 4), (1, 4, 5, 6), (26, 1, 4)])
def test_outputs_of_another_layout_are_refused(shape: tuple[int, ...]) -> None:
    tensor = Tensor("out", shape, "float32")
    with pytest.raises(BadModel, match="one line"):
        TextAttribute("text", ABC).bind(Signature((), (tensor,), {}))


def test_an_output_of_another_size_at_run_time_is_refused() -> None:
    bound = TextAttribute("text", ABC).bind(signature(None))
    one = Instances(np.zeros((1, 4)), np.ones(1), np.zeros(1, np.int64), rows=np.zeros(1, int))
    with pytest.raises(BadModel, match=r"\[lines, steps, 4\], got \[1, 2, 6\]"):
        bound(one, {"probabilities": line(1, 2, count=6)})


def test_the_attribute_is_declared_as_text() -> None:
    assert TextAttribute("text", ABC).declare() == ("text", ())
