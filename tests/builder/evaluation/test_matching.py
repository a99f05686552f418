import numpy as np

from builder.evaluation.matching import AREAS, IOUS, STATES, match, unpacked
from runtimes.arrays import Array


def matched(
    overlaps: list[list[float]], ignored: list[bool], crowd: list[bool], areas: list[float]
) -> tuple[Array, Array, list[int]]:
    """`matched` and `ignored` as (areas, thresholds, D), and the partners."""
    rows = np.array(overlaps)
    found = match(
        rows, np.full(len(rows), 2000.0), np.array(areas), np.array(ignored), np.array(crowd)
    )
    shape = (len(AREAS), len(IOUS), len(rows))
    return (
        unpacked(found.matched).reshape(shape),
        unpacked(found.ignored).reshape(shape),
        found.partners.tolist(),
    )


def test_there_is_a_bit_for_each_area_and_threshold() -> None:
    assert STATES == 40
    assert [f"{value:g}" for value in IOUS] == [
        "0.5",
        "0.55",
        "0.6",
        "0.65",
        "0.7",
        "0.75",
        "0.8",
        "0.85",
        "0.9",
        "0.95",
    ]


def test_an_annotation_has_one_partner_the_detection_with_the_higher_score() -> None:
    found, _, partners = matched([[0.62], [0.99]], [False], [False], [2000.0])
    assert partners == [0, -1]
    # From IoU 0.65 on, the first detection no longer matches, and the second one does.
    assert found[0, :, 0].tolist() == [True] * 3 + [False] * 7
    assert found[0, :, 1].tolist() == [False] * 3 + [True] * 7


def test_a_detection_takes_the_largest_overlap_and_of_equal_ones_the_last() -> None:
    _, _, partners = matched(
        [[0.6, 0.8, 0.8], [0.6, 0.9, 0.7]], [False] * 3, [False] * 3, [2e3] * 3
    )
    assert partners == [2, 1]


def test_ignored_annotations_are_taken_only_without_others() -> None:
    found, skipped, partners = matched(
        [[0.9, 0.6], [0.9, 0.6], [0.9, 0.6]], [True, False], [False, False], [2e3, 2e3]
    )
    assert partners == [1, 0, -1]
    assert skipped[0, 0].tolist() == [False, True, False]
    assert found[0, 0].tolist() == [True, True, False]


def test_a_crowd_excuses_any_number_of_detections() -> None:
    _, skipped, _ = matched([[0.9], [0.8], [0.3]], [True], [True], [9e9])
    assert skipped[0, 0].tolist() == [True, True, False]


def test_annotations_and_detections_of_other_sizes_are_ignored() -> None:
    # The annotation is large, the detections of 2000 pixels are medium.
    found, skipped, _ = matched([[0.9], [0.0]], [False], [False], [20_000.0])
    small, medium, large = 1, 2, 3
    assert found[:, 0, 0].tolist() == [True] * 4
    assert skipped[:, 0, 0].tolist() == [False, True, True, False]
    assert skipped[small, 0, 1]
    assert not skipped[medium, 0, 1]
    assert skipped[large, 0, 1]


def test_the_counting_annotations_of_each_area() -> None:
    found = match(
        np.zeros((0, 3)),
        np.zeros(0),
        np.array([1024.0, 50.0, 50.0]),
        np.array([False, False, True]),
        np.zeros(3, bool),
    )
    # Both ends of a range belong to it, so 32 * 32 pixels are small and medium.
    assert dict(zip(AREAS, found.truths.tolist(), strict=True)) == {
        "all": 2,
        "small": 2,
        "medium": 1,
        "large": 0,
    }
