"""SSD with a DetectionOutput layer, as OpenVINO has it: rows [1, 1, N, 7]."""

from collections.abc import Iterator

import numpy as np

from builder.families.common_steps import RECTANGLE
from builder.families.evidence import Evidence, are_fractions, fits
from builder.families.family import Family
from builder.families.input_format import Channels, InputFormat, Resizing, Values
from builder.families.match import ClassList, Match, step
from builder.families.sureness import Strength
from runtimes.decoders.ssd import Ssd
from runtimes.signature import Tensor

OPENCV_INPUT = InputFormat(
    Resizing("resize", "SSD models are trained on stretched images", side=300),
    Values(scale=1),
    Channels("bgr", "OpenVINO's models take BGR", guessed=True),
)
"""What OpenVINO's models, and TensorFlow's that it converted, take."""


def recognize(evidence: Evidence) -> Iterator[Match]:
    """Recognize rows of image, class, score and corners."""
    if len(evidence.outputs) != 1 or not fits(evidence.outputs[0], (1, 1, None, 7)):
        return
    (tensor,) = evidence.outputs
    if tensor.shape[3] is None:
        return
    decoder = step(Ssd, f"{tensor}: class 0 is assumed to be the background", guessed=True)
    classes = ClassList(None)
    layer = _detection_output(evidence, tensor)
    if layer is not None:
        background, count = layer
        why = f"DetectionOutput takes scores of {count} classes"
        classes = ClassList(count, why)
        if background == 0:
            classes = ClassList(count - 1, f"{why}, the first of them the background")
            decoder = step(Ssd, f"{tensor}: class 0 is DetectionOutput's background")
        elif background < 0:
            decoder = step(Ssd, "DetectionOutput has no background class", background=False)
    why = f"{tensor}: image, class, score, corners"
    strength = Strength.SHAPE
    if layer is not None:
        strength, why = Strength.STRUCTURE, f"{why}, of a DetectionOutput"
    elif "detection_out" in tensor.name.lower():
        strength, why = Strength.EVIDENCE, f"{why}; the name of DetectionOutput"
    elif _are_detections(evidence, tensor):
        strength, why = Strength.EVIDENCE, f"{why}; scores and corners in 0..1"
    yield SSD.match(
        evidence,
        strength,
        (why,),
        (decoder, RECTANGLE),
        classes=classes,
    )


def _are_detections(evidence: Evidence, tensor: Tensor) -> bool:
    """Whether a run finds rows of an image, a class, and five numbers in 0..1."""
    runs = [it.reshape(-1, 7) for it in evidence.values(tensor) if it.shape[-1] == 7]
    rows = np.concatenate(runs) if runs else np.zeros((0, 7))
    rows = rows[(rows[:, 0] >= 0) & (rows[:, 1:] != 0).any(1)]
    whole = rows[:, :2] == np.round(rows[:, :2])
    return len(rows) > 0 and bool(whole.all()) and are_fractions([rows[:, 2:]]) is True


def _detection_output(evidence: Evidence, tensor: Tensor) -> tuple[int, int] | None:
    """Return the ID of the background and the number of classes of OpenVINO's DetectionOutput.

    Its inputs are box_logits, class_preds [images, priors * classes] and proposals
    [images, 1 or 2, priors * 4], with one more number for each prior where they are in pixels
    (OpenVINO's operation specification, DetectionOutput-8).
    """
    graph = evidence.graph
    node = graph.producer(graph.base(tensor.name))
    if node is None or node.op != "DetectionOutput" or len(node.inputs) < 3:
        return None
    scores, proposals = (graph.shapes.get(name, ()) for name in node.inputs[1:3])
    numbers = 4 if node.attributes.get("normalized", "false") in ("true", "1") else 5
    if len(scores) != 2 or len(proposals) != 3 or not scores[1] or not proposals[2]:
        return None
    classes, left = divmod(scores[1] * numbers, proposals[2])
    background = node.attributes.get("background_label_id", "0")
    if left or classes < 2 or not background.removeprefix("-").isdecimal():
        return None
    return int(background), classes


SSD = Family(
    name="SSD with DetectionOutput",
    steps=(Ssd,),
    recognize=recognize,
    precedence=90,
    input_format=OPENCV_INPUT,
    required=frozenset({"resizing"}),
)
