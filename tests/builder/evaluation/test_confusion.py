import numpy as np

from builder.evaluation.confusion import ConfusionCounts


def counts(
    overlaps: list[list[float]], found: list[int], truth: list[int], ignored: list[bool]
) -> list[list[int]]:
    matrix = ConfusionCounts(["cat", "dog"], 0.25)
    shaped = np.array(overlaps, np.float64).reshape(len(found), len(truth))
    matrix.add(shaped, np.array(found, int), np.array(truth, int), np.array(ignored, bool))
    return [list(row) for row in matrix.result().counts]


def test_equal_labels_are_matched_before_larger_overlaps() -> None:
    # The dog overlaps the annotated cat more than the cat does.
    assert counts([[0.6], [0.9]], [0, 1], [0], [False]) == [[1, 0, 0], [0, 0, 0], [0, 1, 0]]


def test_of_unequal_labels_the_largest_overlap_is_matched_first() -> None:
    # One dog was found on two annotated cats.
    assert counts([[0.6, 0.9]], [1], [0, 0], [False] * 2) == [[0, 1, 1], [0, 0, 0], [0, 0, 0]]
    # Two dogs were found on a cat, and a third annotation, a dog, belongs to the second one.
    overlaps = [[0.6, 0.0], [0.9, 0.5]]
    assert counts(overlaps, [1, 1], [0, 1], [False] * 2) == [[0, 1, 0], [0, 1, 0], [0, 0, 0]]


def test_overlaps_below_a_half_are_no_pairs() -> None:
    assert counts([[0.49]], [0], [0], [False]) == [[0, 0, 1], [0, 0, 0], [1, 0, 0]]


def test_detections_on_ignored_annotations_do_not_count() -> None:
    assert counts([[0.9], [0.2]], [0, 1], [0], [True]) == [[0, 0, 0], [0, 0, 0], [0, 1, 0]]


def test_images_without_anything() -> None:
    assert counts([], [], [], []) == [[0, 0, 0]] * 3
    assert counts([], [], [1, 1], [False, False]) == [[0, 0, 0], [0, 0, 2], [0, 0, 0]]


def test_the_title_states_the_conditions() -> None:
    result = ConfusionCounts(["cat"], 0.25).result()
    assert result.title == "Confusion at confidence 0.25 and overlap 0.5"
    assert result.truth == result.found == ("cat", "nothing")
