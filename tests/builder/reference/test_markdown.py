from dataclasses import dataclass

import pytest

from builder.reference.markdown import (
    anchor,
    contents,
    key_table,
    keys_of,
    one_line,
    step_list,
    step_section,
    summary,
)


@dataclass
class Cut:
    """Cut an edge off.

    A second paragraph.

    Example:
        - cut: 3
    """

    pixels: int
    """How many pixels | rows."""
    sides: tuple[str, ...] = ()
    """Which sides."""
    exact: bool = False
    """Whether to round."""


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Keys of a detector", "keys-of-a-detector"),
        ("`yolo_obb`", "yolo_obb"),
        ("Second models: `then`", "second-models-then"),
        ("`variants.cpu` and `variants.gpu`", "variantscpu-and-variantsgpu"),
    ],
)
def test_anchors_are_those_of_github(title: str, expected: str) -> None:
    assert anchor(title) == expected


def test_a_table_shows_defaults_as_yaml() -> None:
    assert key_table(keys_of(Cut)) == (
        "| key | default | description |\n"
        "|---|---|---|\n"
        "| `pixels` | required | How many pixels \\| rows. |\n"
        "| `sides` | `[]` | Which sides. |\n"
        "| `exact` | `false` | Whether to round. |\n"
    )
    assert key_table({}) == ""


def test_a_section_has_description_example_and_keys() -> None:
    section = step_section("cut", Cut)
    assert section.startswith("### `cut`\n\nCut an edge off.\n\nA second paragraph.\n\n")
    assert "\n```yaml\n- cut: 3\n```\n\n| key |" in section


def test_lists_link_to_sections() -> None:
    assert "| [`cut`](other.md#cut) | Cut an edge off. |\n" in step_list({"cut": Cut}, "other.md")
    assert list(contents(["Two words"])) == ["- [Two words](#two-words)"]
    assert summary(Cut) == "Cut an edge off."


def test_a_cell_is_one_line() -> None:
    assert one_line(" a\n  b | c ") == "a b \\| c"
