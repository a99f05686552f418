from pathlib import Path

import pytest

from builder.diagnostics.errors import CommandLineError, DatasetError
from builder.evaluation.label_map import LabelMap, label_map

SPEC = [{"name": "cat"}, {"name": "dog"}, {"name": "bird"}]
FILE = Path("set.json")


def mapped(dataset: list[str], *given: str) -> LabelMap:
    return label_map(dataset, SPEC, given, FILE)


def test_equal_names_belong_together_in_the_order_of_the_function() -> None:
    found = mapped(["dog", "fish", "cat"])
    assert found.names == ("cat", "dog")
    assert dict(found.of_dataset) == {"dog": "dog", "cat": "cat"}
    assert found.only_in_dataset == ("fish",)
    assert found.only_in_function == ("bird",)


def test_map_names_pairs_and_may_merge_labels() -> None:
    found = mapped(["kitten", "tomcat", "dog"], "kitten=cat", "tomcat=cat")
    assert dict(found.of_dataset) == {"kitten": "cat", "tomcat": "cat", "dog": "dog"}
    assert found.names == ("cat", "dog")


def test_duplicate_labels_of_a_dataset_are_noted() -> None:
    found = mapped(["cat", "dog", "cat", "fish", "fish", "bird"])
    assert found.names == ("cat", "dog", "bird")
    assert found.only_in_dataset == ("fish",)
    assert found.notes()[0] == "duplicate labels of the dataset, used as one: cat, fish"


def test_map_overrides_an_equal_name() -> None:
    found = mapped(["cat", "dog"], "cat=bird")
    assert dict(found.of_dataset) == {"cat": "bird", "dog": "dog"}
    assert found.only_in_function == ("cat",)


def test_labels_may_contain_the_separator() -> None:
    found = label_map(["a=b"], [{"name": "c=d"}], ["a=b=c=d"], FILE)
    assert dict(found.of_dataset) == {"a=b": "c=d"}


def test_notes_name_the_labels_left_out_and_suggest_a_pair() -> None:
    notes = mapped(["cat", "Dog"]).notes()
    assert notes[0].endswith("left out: Dog; did you mean --map Dog=dog?")
    assert "left out: dog, bird" in notes[1]
    assert mapped(["cat", "dog", "bird"]).notes() == ()


def test_nothing_in_common_is_an_error_with_both_lists() -> None:
    with pytest.raises(DatasetError) as caught:
        mapped(["fish"])
    (problem,) = caught.value.problems
    assert "fish" in problem.found
    assert "cat, dog, bird" in problem.allowed
    assert "--map fish=cat" in problem.hint


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("cat", "two labels"),
        ("cot=cat", "the dataset does not have"),
        ("cat=cot", "the function does not have"),
    ],
)
def test_an_invalid_pair_is_an_error(given: str, expected: str) -> None:
    with pytest.raises(CommandLineError, match=expected):
        mapped(["cat", "dog"], given)


def test_a_label_cannot_be_mapped_twice() -> None:
    with pytest.raises(CommandLineError, match="twice"):
        mapped(["kitten"], "kitten=cat", "kitten=dog")


def test_a_function_without_labels_is_compared_on_all_labels() -> None:
    found = label_map(["cat", "dog"], [], (), Path("made"))
    assert found.names == ("cat", "dog")
    assert found.of_dataset == {"cat": "cat", "dog": "dog"}
    assert found.notes() == ()
