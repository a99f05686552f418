"""RetinaFace and BlazeFace, by their numbers of priors and columns."""

import numpy as np
import pytest

from builder.families.catalog.face_priors import BLAZEFACE, RETINAFACE
from tests.builder.families.made import Shape, decoders, evidence, matches

CELLS = (64, 16, 4, 1)
"""Cells of strides 8, 16, 32 and 64 over an image of 64 x 64."""


def retinaface(count: int, names: tuple[str, ...] = ("loc", "conf", "landms")) -> dict[str, Shape]:
    return {name: (1, count, it) for name, it in zip(names, (4, 2, 10), strict=True)}


@pytest.mark.parametrize(
    ("each", "fields"),
    [
        ((2, 2, 2), {}),
        (
            (3, 2, 2, 3),
            {
                "strides": [8, 16, 32, 64],
                "sizes": [[10, 16, 24], [32, 48], [64, 96], [128, 192, 256]],
            },
        ),
    ],
)
def test_the_number_of_priors_tells_their_sizes(
    each: tuple[int, ...], fields: dict[str, object]
) -> None:
    count = sum(one * cells for one, cells in zip(each, CELLS, strict=False))
    (match,) = matches(RETINAFACE, evidence(retinaface(count)))
    assert match.postprocess[0].fields == fields


def test_names_or_probabilities_are_evidence_and_logits_get_a_softmax() -> None:
    unnamed = retinaface(168, ("a", "b", "c"))
    assert decoders(RETINAFACE, evidence(retinaface(168))) == [("retinaface", "EVIDENCE")]
    assert decoders(RETINAFACE, evidence(unnamed)) == [("retinaface", "SHAPE")]
    halves = np.full((1, 168, 2), 0.5, np.float32)
    found = evidence(unnamed, blank={"b": halves})
    assert decoders(RETINAFACE, found) == [("retinaface", "EVIDENCE")]
    (match,) = matches(RETINAFACE, evidence(unnamed, blank={"b": halves * 9}))
    assert match.postprocess[0].fields == {"activation": "softmax"}
    assert match.strength.name == "SHAPE"


def test_another_number_of_priors_is_no_retinaface() -> None:
    assert matches(RETINAFACE, evidence(retinaface(170))) == []


@pytest.mark.parametrize(
    ("side", "count", "columns", "label", "fields"),
    [
        (128, 896, 16, "face", {}),
        (256, 896, 16, "face", {"strides": [16, 32], "anchors": [2, 6]}),
        (192, 2304, 16, "face", {"strides": [4], "anchors": [1]}),
        (192, 2016, 18, "palm", {}),
        (224, 2254, 12, "person", {"strides": [8, 16, 32], "anchors": [2, 2, 6]}),
    ],
)
def test_mediapipes_detectors_are_told_by_candidates_and_columns(
    side: int, count: int, columns: int, label: str, fields: dict[str, object]
) -> None:
    outputs: dict[str, Shape] = {"regressors": (1, count, columns), "classificators": (1, count, 1)}
    (match,) = matches(BLAZEFACE, evidence(outputs, {"input": (1, side, side, 3)}))
    assert match.postprocess[0].fields == fields
    assert match.strength.name == "EVIDENCE"
    assert match.classes is not None
    assert match.classes.names == (label,)
    assert match.keypoints == (columns - 4) // 2
    scale = 255 if label == "palm" else 127.5
    assert match.preprocess[1].fields.get("scale", 255) == scale


def test_unnamed_outputs_are_only_shapes() -> None:
    outputs: dict[str, Shape] = {"a": (1, 896, 16), "b": (1, 896, 1)}
    image: dict[str, Shape] = {"input": (1, 128, 128, 3)}
    assert decoders(BLAZEFACE, evidence(outputs, image)) == [("blazeface", "SHAPE")]
    assert decoders(BLAZEFACE, evidence(outputs, {"input": (1, 64, 64, 3)})) == []
