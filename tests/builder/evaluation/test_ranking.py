import numpy as np
import pytest

from builder.evaluation.ranking import Ranking


def plain(scores: list[float], rights: list[bool], positives: int) -> float:
    """The area under the steps, by its definition: each confidence is a threshold."""
    area = reached = 0.0
    for threshold in sorted(set(scores), reverse=True):
        above = [right for score, right in zip(scores, rights, strict=True) if score >= threshold]
        recall, precision = sum(above) / positives, sum(above) / len(above)
        area += (recall - reached) * precision
        reached = recall
    return area


def test_by_hand() -> None:
    # Right, wrong, right of three: 1/3 * 1 + 1/3 * 2/3; the third one is never found.
    ranking = Ranking()
    for score, right in ((0.9, True), (0.5, True), (0.7, False)):
        ranking.add(0, score, right)
    assert ranking.average_precision(0, 3) == pytest.approx(1 / 3 + 2 / 9)
    assert ranking.average_precision(1, 3) == 0
    assert ranking.average_precision(0, 0) is None


@pytest.mark.parametrize("seed", range(10))
def test_random_rankings_with_ties(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 20, 100).astype(float).tolist()
    rights = (rng.random(100) < 0.3).tolist()
    ranking = Ranking()
    for score, right in zip(scores, rights, strict=True):
        ranking.add(1, score, right)
    positives = sum(rights) + 5
    assert ranking.average_precision(1, positives) == pytest.approx(
        plain(scores, rights, positives)
    )
