import pytest

from builder.families.catalog.nanodet import NANODET
from tests.builder.families.made import Shape, evidence, matches

CELLS = 64 + 16 + 4 + 1
"""Of strides 8, 16, 32 and 64 over an image of 64 x 64."""


def heads(strides: int, classes: int, scores: str = "cls", bins: str = "dis") -> dict[str, Shape]:
    """Two outputs for each stride."""
    cells = (64, 16, 4, 1)[:strides]
    found: dict[str, Shape] = {f"{scores}_{n}": (1, n, classes) for n in cells}
    return {**found, **{f"{bins}_{n}": (1, n, 32) for n in cells}}


@pytest.mark.parametrize(
    ("outputs", "count", "fields"),
    [
        ({"output": (1, CELLS, 10 + 32)}, 10, {}),
        (heads(4, 80), 80, {}),
        (heads(3, 80), 80, {"strides": [8, 16, 32], "center": "middle"}),
        (heads(4, 32), 32, {}),
    ],
    ids=["one output", "four strides", "three strides", "as many classes as bins"],
)
def test_scores_and_bins_are_recognized(
    outputs: dict[str, Shape], count: int, fields: dict[str, object]
) -> None:
    (match,) = matches(NANODET, evidence(outputs))
    assert match.classes is not None
    assert match.classes.count == count
    assert dict(match.postprocess[0].fields) == fields


@pytest.mark.parametrize(
    "outputs",
    [
        {"output": (1, CELLS, 32)},
        {"output": (1, CELLS - 1, 112)},
        heads(2, 80),
        heads(4, 32, scores="a", bins="b"),
        {**heads(3, 80), "cls_64": (1, 64, 81)},
        {**heads(3, 80), "more": (1, 2)},
    ],
)
def test_other_outputs_are_not(outputs: dict[str, Shape]) -> None:
    assert matches(NANODET, evidence(outputs)) == []
