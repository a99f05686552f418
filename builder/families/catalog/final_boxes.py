"""Final boxes, scores and classes: TensorFlow's object detection API, Azure Custom Vision."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from builder.families.class_count import of_labels
from builder.families.common_steps import POLYGON, RECTANGLE
from builder.families.evidence import Evidence, fits
from builder.families.family import Family
from builder.families.input_format import Channels, InputFormat, Resizing, Values
from builder.families.match import ClassList, Match, step
from builder.families.sureness import Strength
from runtimes.decoders.final_boxes import FinalBoxes

_TENSORFLOW = ("detection_boxes", "detection_scores", "detection_classes")
_AZURE = ("detected_boxes", "detected_scores", "detected_classes")
_BOXES, _LISTS = ((1, None, 4), (None, 4)), ((1, None), (None,))
_TENSORFLOW_INPUT = InputFormat(
    Resizing("resize", "SSD models of TensorFlow are trained on stretched images", side=300),
    Values("0..255; the graph normalizes", 1),
)


def recognize(evidence: Evidence) -> Iterator[Match]:
    """Recognize the names that each exporter gives its outputs."""
    yield from _tensorflow(evidence)
    yield from _azure(evidence)


def is_named(evidence: Evidence) -> bool:
    """Whether the outputs have the names of TensorFlow's or Azure's exporter."""
    return evidence.names_outputs(*_TENSORFLOW) or evidence.names_outputs(*_AZURE)


def _tensorflow(evidence: Evidence) -> Iterator[Match]:
    """Yield the match of TensorFlow's names."""
    boxes = _named(evidence, _TENSORFLOW)
    if boxes is None:
        return
    image = evidence.image
    fixed = image is not None and (image.height or image.width)
    input_format = _TENSORFLOW_INPUT if fixed else replace(_TENSORFLOW_INPUT, resizing=None)
    masks = any(
        it.name.startswith("detection_masks") and fits(it, (1, None, None, None))
        for it in evidence.outputs
    )
    # `detection_boxes:0` is part of `raw_detection_boxes:0`, too.
    fields: dict[str, Any] = dict(zip(("boxes", "scores", "classes"), boxes, strict=True))
    if boxes == _TENSORFLOW:
        fields = {}
    yield FINAL_BOXES.match(
        evidence,
        Strength.EVIDENCE,
        (f"{', '.join(_TENSORFLOW)}: names of TensorFlow's object detection API",),
        (
            step(
                FinalBoxes,
                "y1, x1, y2, x2 in 0..1; classes from 1",
                **fields,
                box="yx_corners",
                unit="fraction",
                background=True,
            ),
            POLYGON if masks else RECTANGLE,
        ),
        name="TensorFlow object detection",
        input_format=input_format,
        classes=of_labels(evidence.graph, boxes[2]) or ClassList(None),
    )


def _azure(evidence: Evidence) -> Iterator[Match]:
    """Yield the match of Azure Custom Vision's names and metadata.

    Source: the sample program in Custom Vision's ONNX export.
    """
    boxes = _named(evidence, _AZURE)
    if boxes is None:
        return
    metadata = evidence.signature.metadata
    wide = metadata.get("Image.NominalPixelRange") == "NominalRange_0_255"
    bgr = metadata.get("Image.BitmapPixelFormat") == "Bgr8"
    why = "metadata Image.NominalPixelRange" if wide else "0..1 unless the metadata say 0..255"
    yield FINAL_BOXES.match(
        evidence,
        Strength.EVIDENCE,
        (f"{', '.join(_AZURE)}: names of Azure Custom Vision",),
        (step(FinalBoxes, "corners in 0..1; classes from 0", unit="fraction"), RECTANGLE),
        name="Azure Custom Vision",
        input_format=InputFormat(
            Resizing("resize", "Custom Vision's program stretches images", side=320),
            Values(why, 1 if wide else 255),
            Channels("bgr", "metadata Image.BitmapPixelFormat: Bgr8") if bgr else None,
        ),
        classes=of_labels(evidence.graph, boxes[2]) or ClassList(None),
    )


def _named(evidence: Evidence, names: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the outputs that start with these names, as boxes, scores and classes."""
    found = []
    for name in names:
        tensors = [it for it in evidence.outputs if it.name.lower().startswith(name)]
        patterns = _BOXES if name == names[0] else _LISTS
        fitting = [it for it in tensors if fits(it, *patterns)]
        if len(fitting) != 1:
            return None
        found.append(fitting[0].name)
    return tuple(found)


FINAL_BOXES = Family(
    name="final boxes (TensorFlow, Azure Custom Vision)",
    steps=(FinalBoxes,),
    recognize=recognize,
    precedence=114,
    input_format=_TENSORFLOW_INPUT,
)
