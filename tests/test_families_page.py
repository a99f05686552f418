"""docs/families.md says what a run of the test models shows."""

from pathlib import Path

import pytest

from builder.families.registry import families
from tests import families_page


def test_every_family_and_step_has_its_row() -> None:
    rows = families_page.PAGE.read_text("utf-8").split("|---|\n")[1].splitlines()
    cells = [row.strip("| ").split(" | ") for row in rows]
    listed = [(name, steps.split("`")[1::2]) for name, steps, *_ in cells]
    assert listed == [
        (family.name, [step.name() for step in family.steps]) for family in families()
    ]


@pytest.mark.slow
def test_the_page_equals_a_run(tmp_path: Path) -> None:
    assert families_page.text(tmp_path) == families_page.PAGE.read_text("utf-8")
