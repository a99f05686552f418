import numpy as np
import pytest

from builder.evaluation import average_precision
from builder.evaluation.average_precision import Detections
from builder.evaluation.matching import match


def detections(scores: list[float], right: list[bool], truths: int) -> Detections:
    """One image per detection; `right` says whether it lies on an annotation."""
    found = Detections(1)
    for score, hit in zip(scores, right, strict=True):
        found.add(
            0,
            np.array([score]),
            match(
                np.array([[1.0 if hit else 0.0]]),
                np.array([2000.0]),
                np.array([2000.0]),
                np.array([not hit]),
                np.array([False]),
            ),
        )
    found.truths[:] += truths - sum(right)
    return found


@pytest.mark.parametrize("rows", [1, 2, 100])
def test_precision_by_hand(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(average_precision, "_ROWS", rows)
    # In descending order: right, wrong, right, wrong, wrong; 4 annotations.
    scores = [0.2, 0.9, 0.5, 0.4, 0.7]
    right = [False, True, True, False, False]
    found = detections(scores, right, 4).precision(0)
    curve = found.curves[0, 0]
    assert found.recall[0, 0] == 0.5
    # Up to a recall of 1/4 the precision is 1, up to 1/2 it is 2/3, and then 0.
    assert curve[:26].tolist() == pytest.approx([1.0] * 26)
    assert curve[26:51].tolist() == pytest.approx([2 / 3] * 25)
    assert curve[51:].tolist() == [0.0] * 50


def test_equal_scores_count_in_the_order_in_which_they_were_added() -> None:
    first = detections([0.5, 0.5], [True, False], 1).precision(0).curves[0, 0]
    last = detections([0.5, 0.5], [False, True], 1).precision(0).curves[0, 0]
    assert first.tolist() == pytest.approx([1.0] * 101)
    assert last.tolist() == pytest.approx([0.5] * 101)


def test_without_annotations_nothing_is_defined() -> None:
    found = detections([0.5], [False], 0).precision(0)
    assert np.isnan(found.curves).all()
    assert np.isnan(found.recall).all()


def test_without_detections_the_precision_is_0() -> None:
    found = detections([], [], 3).precision(0)
    assert found.curves[0].max() == 0
    assert found.recall[0].max() == 0
