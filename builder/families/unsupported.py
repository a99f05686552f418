"""Layouts of outputs that are known, but that no decoder reads yet."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from builder.families.box_reading import read_boxes
from builder.families.catalog.boxes_and_scores import boxes_beside_scores
from builder.families.evidence import Evidence
from builder.families.other_tasks import is_text_recognition

_MANY = 1000
"""No output with final detections has more rows."""


@dataclass(frozen=True, slots=True)
class UnsupportedLayout:
    """A known layout that no decoder reads.

    Attributes:
        name: the models that have it, and the layout.
        hint: what to export instead, as an imperative.
    """

    name: str
    hint: str


def unsupported_layout(evidence: Evidence) -> UnsupportedLayout | None:
    """Return the known layout that the outputs of a model have, or None."""
    return next((found for look in _LOOKS for found in look(evidence)), None)


def _priors(evidence: Evidence) -> Iterator[UnsupportedLayout]:
    """Yield locations, confidences and landmarks for each prior: RetinaFace, YuNet, SCRFD."""
    columns = {it.shape[2] for it in evidence.outputs_of_rank(3)}
    columns |= {it.shape[1] for it in evidence.outputs_of_rank(2)}
    several = len(evidence.outputs) >= 3
    if several and {4, 10} <= columns:
        yield UnsupportedLayout(
            "a face detector with raw boxes and landmarks for other priors than those of the known "
            "RetinaFace, YuNet and SCRFD models",
            "write a manifest by hand with the decoder `retinaface` and the model's `strides` and "
            "`sizes`, or with `yunet` or `scrfd` and the model's `strides`",
        )


def _offsets(evidence: Evidence) -> Iterator[UnsupportedLayout]:
    """Yield scores beside values that are no boxes: offsets from anchors or priors."""
    found = boxes_beside_scores(evidence)
    if found is not None and read_boxes(evidence.values(found[0]), evidence.size) is None:
        yield UnsupportedLayout(
            f"raw scores, and {found[0].name} with offsets from anchors or priors instead of boxes",
            "export it with the boxes decoded in the graph, or with NMS in the graph",
        )


def _text_recognition(evidence: Evidence) -> Iterator[UnsupportedLayout]:
    """Yield scores of characters for each step along a line of text."""
    if len(evidence.outputs) == 1 and is_text_recognition(evidence, evidence.outputs[0]):
        yield UnsupportedLayout(
            "text recognition (CTC): a Softmax over characters for each step",
            "pass a text detector too, whose lines it reads: `cvatbuild init DETECTOR RECOGNIZER`",
        )


_LOOKS: tuple[Callable[[Evidence], Iterator[UnsupportedLayout]], ...] = (
    _priors,
    _offsets,
    _text_recognition,
)
