import numpy as np
import pytest

from builder.families.catalog.classifier import CLASSIFIER
from tests.builder.families.made import decoders, evidence

NAMES = "{0: 'cat', 1: 'dog', 2: 'bird'}"


@pytest.mark.parametrize(
    ("scores", "strength"),
    [
        ([0.5, 0.25, 0.25], "METADATA"),
        ([7, -3, 1], "SHAPE"),
        ([0.9, 0.9, 0.9], "METADATA"),  # of several sigmoids
        ([0.5, 0.25, 0.125, 0.125], "SHAPE"),  # four scores, three names
    ],
)
def test_metadata_are_certain_only_if_the_scores_agree(scores: list[float], strength: str) -> None:
    found = evidence(
        {"output0": (1, len(scores))},
        metadata={"task": "classify", "names": NAMES},
        blank={"output0": np.array([scores], np.float32)},
    )
    assert decoders(CLASSIFIER, found) == [("classify", strength)]
