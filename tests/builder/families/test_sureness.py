"""The levels of recognition."""

import pytest

from builder.families.sureness import LEVELS, Strength, sureness_of
from tests.paths import ROOT


@pytest.mark.parametrize(
    ("strength", "level"),
    [
        (Strength.METADATA, "certain"),
        (Strength.STRUCTURE, "sure"),
        (Strength.EVIDENCE, "likely"),
        (Strength.SHAPE, "unsure"),
    ],
)
def test_a_rival_makes_any_level_unsure(strength: Strength, level: str) -> None:
    assert sureness_of(strength, rivals=False) == level
    assert sureness_of(strength, rivals=True) == "unsure"


def test_the_page_has_the_definitions() -> None:
    page = (ROOT / "docs" / "recognition.md").read_text("utf-8")
    for level, meaning in LEVELS.items():
        assert f"| {level} | {meaning} |" in page
