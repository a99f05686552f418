import numpy as np
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
        ({"output": (1, CELLS, 10 + 32), "a": (1, 9)}, 10, {}),
        ({"output": (1, CELLS, 10 + 32), "a": (1, 9, 9)}, 10, {"output": "output"}),
        (heads(3, 80), 80, {"strides": [8, 16, 32], "center": "middle"}),
        (heads(3, 32), 32, {"strides": [8, 16, 32], "center": "middle"}),
        ({"a": (1, 9), **heads(3, 2)}, 2, {"strides": [8, 16, 32], "center": "middle"}),
    ],
    ids=["one", "one and a table", "one and rows", "strides", "as many classes as bins", "more"],
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
        {**heads(3, 80), "cls_a": (1, 64, 81), "cls_b": (1, 16, 81), "cls_c": (1, 4, 81)},
        {**heads(3, 80), "more": (1, 64, 32)},
    ],
)
def test_other_outputs_are_not(outputs: dict[str, Shape]) -> None:
    assert matches(NANODET, evidence(outputs)) == []


def test_further_rows_are_left_out_by_name() -> None:
    outputs = dict(reversed({**heads(3, 80), "more": (1, 64, 81)}.items()))
    (match,) = matches(NANODET, evidence(outputs))
    fields = dict(match.postprocess[0].fields)
    assert fields["scores"] == ["cls_4", "cls_16", "cls_64"]
    assert fields["bins"] == ["dis_4", "dis_16", "dis_64"]


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("transpose_{}.tmp_0", "transpose_{}.tmp_1"), [("PicoDet", "EVIDENCE")]),
        (("s{}", "b{}"), [("NanoDet", "SHAPE"), ("PicoDet", "SHAPE")]),
    ],
)
def test_paddles_names_tell_picodet_from_nanodet_plus(
    names: tuple[str, str], found: list[tuple[str, str]]
) -> None:
    scores, bins = names
    outputs: dict[str, Shape] = {scores.format(n): (1, n, 10) for n in (64, 16, 4, 1)}
    outputs |= {bins.format(n): (1, n, 32) for n in (64, 16, 4, 1)}
    every = matches(NANODET, evidence(outputs))
    assert [(match.name, match.strength.name) for match in every] == found
    fields = dict(every[-1].postprocess[0].fields)
    assert fields == {"center": "middle", "multi_label": True}


@pytest.mark.parametrize(("score", "found"), [(0.5, ["EVIDENCE"]), (2.0, [])])
def test_scores_outside_of_0_to_1_are_not_nanodets(score: float, found: list[str]) -> None:
    blank = {f"cls_{n}": np.full((1, n, 80), score, np.float32) for n in (64, 16, 4)}
    every = matches(NANODET, evidence(heads(3, 80), blank=blank))
    assert [match.strength.name for match in every] == found
