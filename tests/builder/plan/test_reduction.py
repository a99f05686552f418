from pathlib import Path

from builder.plan.difference import Difference
from builder.plan.reduction import NOTHING_COMPARED, PRECISION_LOSS, Reduction

FILE = Path("boxes.yaml")
LIMITS = {"lost": 0.05, "box": 1.0, "score": 0.02, "area": 0.01, "vector": 0.02}


def reduction(objects: int = 12, not_finite: tuple[str, ...] = (), **values: float) -> Reduction:
    difference = Difference(3, objects, values, not_finite)
    return Reduction(
        "gpu", "fp16", ("model-gpu.onnx",), LIMITS, b"", lambda: difference, difference=difference
    )


def test_differences_up_to_the_limit_are_accepted() -> None:
    given = reduction(box=1.0, score=0.02, lost=0.05)
    assert given.problem(FILE) is None
    assert given.doubt(FILE) is None


def test_a_larger_difference_is_refused() -> None:
    problem = reduction(box=1.5, score=0.02, lost=0).problem(FILE)
    assert problem is not None
    assert problem.rule is PRECISION_LOSS
    assert problem.place == "variants.gpu.precision"
    assert problem.found == (
        "12 objects in 3 images; sides of boxes within 1.5 pixels of the model's input, scores "
        "within 0.02 for 95 % of them"
    )
    assert problem.allowed == "box 1"
    assert "max_difference: {box: 1.5}" in problem.hint


def test_values_that_are_not_finite_are_refused_with_any_limit() -> None:
    problem = reduction(not_finite=("output0",), box=0).problem(FILE)
    assert problem is not None
    assert problem.rule is PRECISION_LOSS
    assert problem.found == "in output0"
    assert "tf32" in problem.hint


def test_a_measurement_without_objects_is_a_warning() -> None:
    given = reduction(objects=0)
    assert given.problem(FILE) is None
    doubt = given.doubt(FILE)
    assert doubt is not None
    assert (doubt.rule, doubt.severity) == (NOTHING_COMPARED, "warning")


def test_the_note_says_what_is_loaded_and_what_changes() -> None:
    note = reduction(box=0.25, score=0.001, lost=0.02).note
    assert "The GPU variant loads `model-gpu.onnx`, in half precision" in note
    assert "on drawn pictures: 12 objects in 3 images; 2 % of them" in note
    assert "sides of boxes within 0.25 pixels" in note
