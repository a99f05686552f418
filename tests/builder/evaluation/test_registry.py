from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from builder.datasets.annotation import Annotation, LabeledImage, Rectangle, Tag
from builder.diagnostics.errors import BuiltError, CommandLineError, DatasetError
from builder.evaluation import registry
from builder.evaluation.label_map import label_map
from builder.evaluation.measure import Measure, Task
from builder.manifest.function_type import FunctionType
from tests.builder.evaluation.made import MadeDataset, picture

BOX = Rectangle(0, 0, 9, 9)


class Named:
    """A kind of measure that fits images with a shape."""

    def __init__(self, name: str, shape: type, function_type: FunctionType = "detector") -> None:
        self.NAME, self.TYPE, self._shape = name, function_type, shape
        self.LABELS = frozenset({"tag"}) if shape is Tag else frozenset({"rectangle"})
        self.NEEDS = f"{name} of the dataset"

    def compares(self, annotation: Annotation) -> bool:
        return isinstance(annotation.shape, self._shape)

    def fits(self, task: Task, first: Sequence[LabeledImage]) -> bool:
        return any(isinstance(it.shape, self._shape) for image in first for it in image.annotations)

    def start(self, task: Task) -> Measure:
        raise NotImplementedError


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Named("tags", Tag), Named("boxes", Rectangle), Named("reid", Rectangle, "reid")
    monkeypatch.setattr(registry, "kinds", lambda: made)


def task(*images: LabeledImage) -> Task:
    dataset, spec = MadeDataset(images), [{"name": "cat", "type": "rectangle"}]
    return Task(spec, {}, None, dataset, label_map(dataset.labels, spec, (), Path("made")))


def test_the_first_measure_that_fits_the_annotations_is_used(tmp_path: Path) -> None:
    boxes, tags = picture(tmp_path, 1, ("cat", BOX)), picture(tmp_path, 2, ("cat", Tag()))
    assert registry.kind_of("detector", task(boxes), None).NAME == "boxes"
    assert registry.kind_of("detector", task(boxes, tags), None).NAME == "tags"
    assert registry.kind_of("detector", task(boxes, tags), "boxes").NAME == "boxes"


def test_measures_of_other_function_types_do_not_count(tmp_path: Path) -> None:
    one = task(picture(tmp_path, 1, ("cat", BOX)))
    assert registry.kind_of("reid", one, None).NAME == "reid"
    with pytest.raises(CommandLineError, match="no such measure") as caught:
        registry.kind_of("detector", one, "boxen")
    assert caught.value.problems[0].hint == "did you mean 'boxes'?"
    with pytest.raises(BuiltError, match="type tracker cannot be evaluated"):
        registry.kind_of("tracker", one, None)


def test_a_dataset_without_annotations_of_a_common_label_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no annotation"):
        registry.kind_of("detector", task(picture(tmp_path, 1, ("dog", BOX))), None)


def test_annotations_that_no_measure_fits_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = task(picture(tmp_path, 1, ("cat", BOX)))
    monkeypatch.setattr(registry, "kinds", lambda: (Named("tags", Tag),))
    with pytest.raises(DatasetError, match="cannot be compared") as caught:
        registry.kind_of("detector", one, None)
    (problem,) = caught.value.problems
    assert (
        problem.found == "annotations of type rectangle; labels of the function of type rectangle"
    )
    assert problem.allowed == "tags needs tags of the dataset, and labels of type tag"
    assert problem.hint == ""


def test_a_named_measure_without_anything_to_compare_is_an_error(tmp_path: Path) -> None:
    boxes, tags = picture(tmp_path, 1, ("cat", BOX)), picture(tmp_path, 2, ("cat", Tag()))
    with pytest.raises(DatasetError, match="cannot be compared") as caught:
        # The function's label is not a tag.
        registry.kind_of("detector", task(boxes, tags), "tags")
    (problem,) = caught.value.problems
    assert problem.found.startswith("annotations of type rectangle, tag; labels")
    assert problem.allowed == "tags needs tags of the dataset, and labels of type tag"
    assert problem.hint == "measures that fit: --measure boxes"
    with pytest.raises(DatasetError, match="cannot be compared"):
        registry.kind_of("detector", task(tags), "boxes")


def test_annotations_after_many_others_are_found_for_a_named_measure(tmp_path: Path) -> None:
    tag, box = picture(tmp_path, 1, ("cat", Tag())), picture(tmp_path, 2, ("cat", BOX))
    assert registry.kind_of("detector", task(*[tag] * 150, box), "boxes").NAME == "boxes"


def test_types_of_labels_are_not_named_for_functions_without_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "kinds", lambda: (Named("clicks", Tag, "interactor"),))
    boxed = replace(task(picture(tmp_path, 1, ("cat", BOX))), labels=())
    with pytest.raises(DatasetError, match="cannot be compared") as caught:
        registry.kind_of("interactor", boxed, None)
    assert caught.value.problems[0].found == "annotations of type rectangle"
