from typing import Any

import numpy as np
import pytest

from builder.plan.difference import Difference, measured
from runtimes.arrays import Array

LIMITS = {"lost": 0.1, "box": 2, "score": 0.1, "area": 0.02, "vector": 0.1}


def instances(*rows: tuple[float, float, float, float, int, float]) -> dict[str, Array]:
    """What a detector's `examine` returns for rows of x1, y1, x2, y2, class, score."""
    array = np.array(rows, float).reshape(-1, 6)
    return {
        "image": np.array([100, 200]),
        "boxes": array[:, :4],
        "classes": array[:, 4].astype(int),
        "scores": array[:, 5],
    }


def compared(one: Any, other: Any, threshold: float = 0.25) -> Difference:
    return measured([one], [other], LIMITS, threshold)


CAR, DOG = (10, 10, 50, 50, 0, 0.9), (60, 20, 90, 80, 1, 0.6)


def test_equal_results_do_not_differ() -> None:
    found = compared(instances(CAR, DOG), instances(DOG, CAR))
    assert found == Difference(1, 2, {"box": 0, "lost": 0, "score": 0})


def test_the_largest_movement_of_a_side_counts() -> None:
    moved = (10, 10.5, 48.75, 50, 0, 0.875)
    found = compared(instances(CAR), instances(moved))
    assert found.values == {"box": 1.2, "lost": 0, "score": 0.025}


def test_nineteen_of_twenty_objects_count() -> None:
    one = [instances(CAR)] * 20
    other = [instances((10, 10, 50, 51, 0, 0.9))] * 19 + [instances((10, 10, 50, 70, 0, 0.9))]
    assert measured(one, other, LIMITS, 0.25).values["box"] == 1


def test_an_object_of_either_side_alone_is_lost() -> None:
    assert compared(instances(CAR, DOG), instances(CAR)).values["lost"] == 0.5
    assert compared(instances(CAR), instances(CAR, DOG)).values["lost"] == 0.5
    other_class = (*CAR[:4], 2, CAR[5])
    assert compared(instances(CAR), instances(other_class)).values["lost"] == 1
    assert compared(instances(CAR), instances()).values == {"lost": 1}


def test_overlapping_candidates_are_one_object() -> None:
    candidates = [(10, 10, 50, 50 + number, 0, 0.9 - number / 100) for number in range(5)]
    found = compared(instances(*candidates), instances(*candidates))
    assert found.objects == 1


def test_the_counterpart_is_the_candidate_that_differs_least() -> None:
    near_but_low, same_score = (10, 10, 50, 50.5, 0, 0.3), (10, 10, 50, 51, 0, 0.9)
    found = compared(instances(CAR), instances(near_but_low, same_score))
    assert (found.values["box"], found.values["score"]) == (1, 0)


def test_objects_below_the_threshold_do_not_count() -> None:
    assert compared(instances(CAR, DOG), instances(CAR, DOG), threshold=0.7).objects == 1
    assert compared(instances((*CAR[:5], 0.04)), instances(), threshold=0.0).objects == 0


def test_parts_of_a_map_differ_by_their_share_of_the_image() -> None:
    one, other = instances(CAR, DOG), instances(CAR)
    one["areas"], other["areas"] = np.array([2000, 500]), np.array([1900])
    found = compared(one, other)
    # 100 and 500 of 20000 pixels.
    assert found.objects == 2
    assert found.values == {"area": 0.025}


def test_vectors_differ_by_their_length() -> None:
    one, other = np.array([[3.0, 4], [0, 2]]), np.array([[3.0, 4], [0, 2.1]])
    assert compared({"vectors": one}, {"vectors": other}).values == {"vector": 0.05}


def test_the_object_of_an_interactor_or_a_tracker() -> None:
    one = {
        "image": np.array([100, 200]),
        "scores": np.array([0.5, 0.8]),
        "areas": np.array([100, 400]),
        "boxes": np.array([[10.0, 10, 20, 20]]),
    }
    other = {**one, "scores": np.array([0.75]), "boxes": np.array([[10.0, 13, 20, 20]])}
    assert compared(one, other).values == {"area": 0, "box": 3, "score": 0.05}


def test_sizes_have_two_digits() -> None:
    found = compared(instances(CAR), instances((10, 10, 50, 50.12345, 0, 0.9)))
    assert found.values["box"] == 0.12


def test_outputs_that_are_not_finite_are_kept() -> None:
    found = measured([instances()], [instances()], LIMITS, 0.25, ["b", "a"])
    assert found.not_finite == ("a", "b")
    assert found.objects == 0


@pytest.mark.parametrize("threshold", [0.0, 0.25])
def test_scores_that_are_not_numbers_find_nothing(threshold: float) -> None:
    broken = instances((*CAR[:5], float("nan")))
    assert compared(instances(CAR), broken, threshold).values["score"] != 0
