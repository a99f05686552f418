from dataclasses import is_dataclass

import pytest
import yaml

from builder.manifest.steps import LISTINGS, entry_model, known, long_form
from builder.reference.examples import EXAMPLES
from builder.reference.manifest_page import page

STEPS = [(listing, name) for listing in LISTINGS for name in sorted(known(listing))]


def test_every_step_has_an_example_and_nothing_else_has() -> None:
    assert sorted(EXAMPLES) == sorted({name for _, name in STEPS})


@pytest.mark.parametrize(("listing", "name"), STEPS)
def test_an_example_is_one_valid_entry_that_names_its_step(listing: str, name: str) -> None:
    (entry,) = yaml.safe_load(EXAMPLES[name])
    read = entry_model(listing).model_validate(long_form(listing, entry))
    assert read.model_fields_set == {name}
    step = getattr(read, name)
    assert type(step) is known(listing)[name]
    assert is_dataclass(step)


def test_the_page_shows_each_example_in_the_section_of_its_step() -> None:
    sections = dict(part.split("`\n", 1) for part in page().split("\n### `")[1:])
    assert sorted(sections) == sorted(EXAMPLES)
    for name, example in EXAMPLES.items():
        assert f"\n```yaml\n{example}\n```\n" in sections[name]
