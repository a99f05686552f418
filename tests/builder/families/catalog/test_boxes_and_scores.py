import numpy as np
import pytest

from builder.families.catalog.boxes_and_scores import BOXES_AND_SCORES
from builder.families.evidence import Evidence
from runtimes.arrays import Array
from tests.builder.families.made import Shape, evidence, matches

BIG: dict[str, Shape] = {"images": (1, 3, 640, 640)}


def values(count: int, classes: int, *, box: str = "corners", softmax: int | None = None) -> Array:
    """(count, 4 + classes) boxes in pixels and scores; of a softmax, one column is likeliest."""
    rng = np.random.default_rng(0)
    first, sides = rng.uniform(0, 500, (count, 2)), rng.uniform(5, 130, (count, 2))
    scores = rng.uniform(0, 0.1, (count, classes))
    if softmax is not None:
        scores[:, softmax] = 5
        scores /= scores.sum(axis=1, keepdims=True)
    other = first + sides if box == "corners" else sides
    middle = first if box == "corners" else first + sides / 2
    return np.concatenate([middle, other, scores], axis=1).astype(np.float32)


def model(
    count: int, classes: int, found: Array | None, names: tuple[str, str] = ("boxes", "scores")
) -> Evidence:
    one, other = names
    outputs: dict[str, Shape] = {one: (1, count, 4), other: (1, count, classes)}
    blank = {} if found is None else {one: found[None, :, :4], other: found[None, :, 4:]}
    return evidence(outputs, BIG, blank=blank)


@pytest.mark.parametrize(
    ("found", "names", "strength", "fields"),
    [
        (values(8400, 3), ("a", "b"), "EVIDENCE", {}),
        (values(8400, 3, box="center"), ("a", "b"), "EVIDENCE", {"box": "center"}),
        (values(8400, 3) / np.float32(640), ("a", "b"), "EVIDENCE", {"unit": "fraction"}),
        (values(8400, 3, softmax=0), ("a", "b"), "EVIDENCE", {"background": "first"}),
        (values(8400, 3, softmax=2), ("a", "b"), "EVIDENCE", {"background": "last"}),
        (values(8400, 3, softmax=1), ("a", "b"), "EVIDENCE", {}),
        (None, ("boxes", "scores"), "EVIDENCE", {}),
        (None, ("a", "b"), "SHAPE", {}),
    ],
)
def test_values_and_names_are_the_evidence(
    found: Array | None, names: tuple[str, str], strength: str, fields: dict[str, str]
) -> None:
    (match,) = matches(BOXES_AND_SCORES, model(8400, 3, found, names))
    assert match.strength.name == strength
    assert dict(match.postprocess[0].fields) == fields
    assert match.postprocess[0].guessed is (found is None)
    assert match.classes is not None
    assert match.classes.count == 3 - ("background" in fields)


@pytest.mark.parametrize(
    ("outputs", "inputs", "name"),
    [
        ({"a": (1, 8400, 80), "b": (1, 8400, 4)}, BIG, "YOLO-NAS, DAMO-YOLO"),
        ({"boxes": (1, 22743, 1, 4), "confs": (1, 22743, 80)}, {"i": (1, 3, 608, 608)}, "YOLOv4"),
        ({"b": (1, 8400, 4), "s": (1, 80, 8400)}, {**BIG, "scale_factor": (1, 2)}, "PP-YOLOE"),
        ({"b.tmp_0": (1, 8400, 4), "s.tmp_0": (1, 8400, 80)}, BIG, "PP-YOLOE"),
        ({"b": (1, 4420, 4), "s": (1, 4420, 2)}, {"i": (1, 3, 240, 320)}, "UltraFace"),
        ({"b": (1, 17640, 4), "s": (1, 17640, 2)}, {"i": (1, 3, 480, 640)}, "UltraFace"),
    ],
)
def test_the_origin_decides_on_the_input(
    outputs: dict[str, Shape], inputs: dict[str, Shape], name: str
) -> None:
    (match,) = matches(BOXES_AND_SCORES, evidence(outputs, inputs))
    assert name in match.name
    assert match.preprocess[0].name == ("letterbox" if "NAS" in name else "resize")


@pytest.mark.parametrize(
    "outputs",
    [
        {"boxes": (1, 300, 4), "scores": (1, 300, 80)},
        {"loc": (1, 8400, 4), "conf": (1, 8400, 2), "landms": (1, 8400, 10)},
        {"boxes": (1, 8400, 4), "scores": (1, 8399, 80)},
        {"boxes": (1, 8400, 4)},
        {"a": (1, 8400, 4), "b": (1, 8400, 4)},
        {"boxes": (8400, 4), "scores": (8400, 80)},
    ],
)
def test_other_outputs_are_not_recognized(outputs: dict[str, Shape]) -> None:
    assert matches(BOXES_AND_SCORES, evidence(outputs, BIG)) == []


def test_offsets_are_not_recognized() -> None:
    wrong = np.random.default_rng(0).normal(0, 1, (8400, 7)).astype(np.float32)
    assert matches(BOXES_AND_SCORES, model(8400, 3, wrong)) == []


@pytest.mark.parametrize(
    ("background", "fields"),
    [
        (None, {"activation": "sigmoid"}),
        (0, {"activation": "softmax", "background": "first"}),
        (2, {"activation": "softmax", "background": "last"}),
    ],
)
def test_logits_are_a_guess(background: int | None, fields: dict[str, str]) -> None:
    found = values(8400, 3)
    found[:, 4:] -= 6
    if background is not None:
        found[:, 4 + background] += 9
    (match,) = matches(BOXES_AND_SCORES, model(8400, 3, found))
    assert match.strength.name == "SHAPE"
    assert dict(match.postprocess[0].fields) == fields
    assert match.postprocess[0].guessed
