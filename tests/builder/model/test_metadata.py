import pytest

from builder.model.metadata import image_size, parse_literal


@pytest.mark.parametrize(
    ("text", "value"), [("[640, 480]", [640, 480]), ("{0: 'a'}", {0: "a"}), ("'x'", "x")]
)
def test_literals_are_read(text: str, value: object) -> None:
    assert parse_literal(text) == value


@pytest.mark.parametrize(
    "text", ["", "x", "id()", "{[]: 1}", "[" * 5000, "(" * 5000, "1" * 1_000_001, "\x00"]
)
def test_other_text_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_literal(text)


def test_the_size_is_height_and_width() -> None:
    assert image_size({"imgsz": "[480, 640]"}) == (480, 640)


@pytest.mark.parametrize(
    "text",
    [
        "640",
        "[640]",
        "[640, 640, 3]",
        "[0, 640]",
        "[640, -1]",
        "[640, 16385]",
        "[640.0, 640]",
        "[True, True]",
        "['640', '640']",
        "{640: 640}",
        "[[], []]",
        "id()",
        "",
    ],
)
def test_an_invalid_size_is_none(text: str) -> None:
    assert image_size({"imgsz": text}) is None


def test_a_missing_size_is_none() -> None:
    assert image_size({}) is None
