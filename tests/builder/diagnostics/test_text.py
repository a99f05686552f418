import pytest

from builder.diagnostics.text import closest, did_you_mean, has_controls, printable

STEPS = ["letterbox", "normalize", "nms"]


@pytest.mark.parametrize(
    ("word", "meant"), [("leterbox", "letterbox"), ("normalize", "normalize"), ("nms", "nms")]
)
def test_a_misspelled_word_is_closest_to_what_was_meant(word: str, meant: str) -> None:
    assert closest(word, STEPS) == meant
    assert did_you_mean(word, STEPS) == f"did you mean '{meant}'?"


@pytest.mark.parametrize("word", ["", "yolo", "something else"])
def test_there_is_no_suggestion_for_a_word_unlike_all_others(word: str) -> None:
    assert closest(word, STEPS) is None
    assert did_you_mean(word, STEPS) == ""


def test_bytes_that_are_not_utf_8_are_escaped() -> None:
    text = printable("Fuß\udcff")
    assert text == "Fuß\\udcff"
    text.encode("utf-8")


@pytest.mark.parametrize(
    "text", ["a\nb", "\x1b[31m", "\x7f", "\u2028", "\u202e", "\ud800", "\ue000"]
)
def test_control_characters_are_found(text: str) -> None:
    assert has_controls(text)


@pytest.mark.parametrize("text", ["", "my model", "Fuß", "日本", "e\u0301"])
def test_printable_characters_are_no_controls(text: str) -> None:
    assert not has_controls(text)
