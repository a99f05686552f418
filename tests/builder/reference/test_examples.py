from dataclasses import is_dataclass

import pytest
import yaml

from builder.manifest.steps import LISTINGS, entry_model, known_steps, long_form
from builder.reference.examples import description, example
from builder.reference.json_schema import text
from builder.reference.manifest_pages import pages

STEPS = [(listing, name) for listing in LISTINGS for name in sorted(known_steps(listing))]


def test_every_step_has_an_example() -> None:
    assert [name for listing, name in STEPS if not example(known_steps(listing)[name])] == []


def test_a_step_without_an_example_is_refused() -> None:
    class Silent:
        """A step.

        A paragraph.
        """

    with pytest.raises(ValueError, match="docstring of Silent does not end with `Example:`"):
        example(Silent)
    assert description(Silent) == "A step.\n\nA paragraph."


def test_the_example_is_dedented_and_the_description_ends_before_it() -> None:
    class Cut:
        """A step.

        A paragraph.

        Example:
            - cut:   # what it is for
                sides:
                  - [1, 2]
        """

    assert description(Cut) == "A step.\n\nA paragraph."
    assert example(Cut) == "- cut:   # what it is for\n    sides:\n      - [1, 2]"


@pytest.mark.parametrize(("listing", "name"), STEPS)
def test_an_example_is_one_valid_entry_that_names_its_step(listing: str, name: str) -> None:
    (entry,) = yaml.safe_load(example(known_steps(listing)[name]))
    read = entry_model(listing).model_validate(long_form(listing, entry))
    assert read.model_fields_set == {name}
    step = getattr(read, name)
    assert type(step) is known_steps(listing)[name]
    assert is_dataclass(step)


def test_the_pages_show_each_example_in_the_section_of_its_step() -> None:
    text = "\n".join(pages().values())
    sections = dict(part.split("`\n", 1) for part in text.split("\n### `")[1:])
    assert sorted(sections) == sorted({name for _, name in STEPS})
    for listing, name in STEPS:
        assert f"\n```yaml\n{example(known_steps(listing)[name])}\n```\n" in sections[name]


def test_the_schema_shows_no_examples() -> None:
    assert "Example:" not in text()
