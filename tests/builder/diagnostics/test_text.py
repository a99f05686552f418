import pytest

from builder.diagnostics.text import (
    closest,
    did_you_mean,
    has_controls,
    printable,
    without_password,
)

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


PRECISIONS = ["float32", "tf32", "fp16", "int8"]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("FP16", "fp16"),
        ("float16", "fp16"),
        ("half", "fp16"),
        ("fp32", "float32"),
        ("Float23", "float32"),
        ("TF32", "tf32"),
    ],
)
def test_another_spelling_or_name_of_a_precision_is_recognized(word: str, meant: str) -> None:
    assert closest(word, PRECISIONS) == meant


def test_another_precision_is_not_suggested_where_the_meant_one_is_not_allowed() -> None:
    assert closest("float16", ["float32", "int8"]) is None


def test_a_word_that_differs_in_case_only_is_preferred_to_a_similar_one() -> None:
    assert closest("exists", ["exist", "Exists"]) == "Exists"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:secret@example.com/a", "https://***@example.com/a"),
        ("https://user:sec@ret@example.com", "https://***@example.com"),
        ("https://token@example.com", "https://***@example.com"),
        ("see https://example.com/a@b", "see https://example.com/a@b"),
        ("python:3.11-slim@sha256:0123", "python:3.11-slim@sha256:0123"),
    ],
)
def test_passwords_in_urls_are_not_shown(text: str, shown: str) -> None:
    assert without_password(text) == shown
