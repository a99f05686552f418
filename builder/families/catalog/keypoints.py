"""Regression of keypoints: [1, 2 K], [1, 3 K], [1, K, 2] or [1, K, 3] for one face or hand."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from builder.families.common_steps import SKELETON
from builder.families.evidence import Evidence
from builder.families.family import Family
from builder.families.input_format import InputFormat, Resizing, Values
from builder.families.match import ClassList, Match, Setting, step
from builder.families.sureness import Strength
from runtimes.decoders.keypoints import Keypoints, length_of
from runtimes.signature import Tensor

_COUNTS = {
    5: "face",
    21: "hand",
    29: "face",
    35: "face",
    68: "face",
    98: "face",
    106: "face",
    468: "face",
    478: "face",
}
"""Number of keypoints -> what has them, in data sets and in MediaPipe."""
_WORDS = ("landmark", "keypoint", "kpt")
_MANY = 60
"""Keypoints of an output that is named after nothing."""
_UNIT_LIMIT = 2.0


def recognize(evidence: Evidence) -> Iterator[Match]:
    """Recognize an output with the coordinates of a known number of keypoints.

    MediaPipe's models also return scores, one value each, and the keypoints in meters.
    """
    if evidence.image is None or evidence.ultralytics.task:
        return
    long = [it for it in evidence.outputs if length_of(it) != 1]
    if not long or len({length_of(it) for it in long}) != 1:
        return
    tensor = long[0]
    if len(tensor.shape) not in (2, 3, 4) or not tensor.dtype.startswith("float"):
        return
    if evidence.graph.activation(tensor.name) == "softmax":
        return
    named = any(word in tensor.name.lower() for word in _WORDS)
    for count, each in _shapes(tensor):
        # Vectors of ten numbers are classes more often than five landmarks.
        if named or count >= _MANY:
            yield _match(evidence, tensor, count, each, named=named)


def _shapes(tensor: Tensor) -> list[tuple[int, int]]:
    """Return the numbers of keypoints, and of values of each, that an output may have."""
    length = length_of(tensor)
    if length is None or tensor.shape[0] not in (1, None):
        return []
    last = tensor.shape[-1]
    if len(tensor.shape) == 3 and tensor.shape[1] != 1:
        return [(length // last, last)] if last in (2, 3) and length // last in _COUNTS else []
    if max(it or 0 for it in tensor.shape) != length:
        return []  # a map
    return [
        (length // each, each)
        for each in (2, 3)
        if length % each == 0 and length // each in _COUNTS
    ]


def _match(evidence: Evidence, tensor: Tensor, count: int, each: int, *, named: bool) -> Match:
    """Return the match of so many keypoints.

    Args:
        evidence: of the model.
        tensor: its output.
        count: the number of keypoints.
        each: the number of values of each.
        named: whether the output is named after keypoints.
    """
    runs = [run.reshape(-1, each)[:, :2] for run in evidence.values(tensor)]
    unit, seen = "fraction", False
    if runs:
        least, most = (float(f(np.concatenate(runs))) for f in (np.min, np.max))
        unit = "pixels" if most > _UNIT_LIMIT else "signed" if least < -0.5 else "fraction"
        size = max(evidence.size or (0, 0))
        # Keypoints lie in the image or close to it, and a face is not one point.
        seen = {
            "pixels": -size / 2 < least and _UNIT_LIMIT < most < 1.5 * size,
            "signed": -1.5 < least < most < 1.5,
            "fraction": -0.5 < least < most < 1.5,
        }[unit]
    fields: dict[str, Any] = {"kpt_shape": [count, each], "unit": unit}
    if len(evidence.outputs) > 1:
        fields = {"output": tensor.name, **fields}
    what = _COUNTS[count]
    why = f"{tensor}: {count} keypoints of a {what}, {each} values each"
    if named:
        why += ", as its name says"
    return KEYPOINTS.match(
        evidence,
        Strength.EVIDENCE if named and seen else Strength.SHAPE,
        (why,),
        (
            step(Keypoints, "the unit of the values of a short run", guessed=True, **fields),
            SKELETON,
        ),
        classes=ClassList(1, f"guessed by the number of keypoints: a {what}", names=(what,)),
        keypoints=count,
        settings=(Setting("threshold", 0.5, "the score is 1 where the model has none"),),
    )


KEYPOINTS = Family(
    name="keypoints or landmarks by regression",
    steps=(Keypoints,),
    recognize=recognize,
    precedence=215,
    input_format=InputFormat(
        Resizing("resize", "usual for crops of faces and hands", side=224),
        Values("0..1, usual for landmark models", guessed=True),
    ),
)
