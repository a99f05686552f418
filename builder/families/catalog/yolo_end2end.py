"""YOLO with suppression inside: YOLOv10, YOLO26, exports with `nms=True`, YOLOv7's End2End."""

from builder.families.family import Family
from builder.families.input_format import InputFormat, Resizing, Values
from runtimes.decoders.yolo_end2end import (
    YoloEnd2end,
    YoloEnd2endObb,
    YoloEnd2endPose,
    YoloEnd2endSegment,
)

YOLO_END2END = Family(
    name="YOLO with suppression inside (v10, 26, nms=True)",
    steps=(
        YoloEnd2end,
        YoloEnd2endSegment,
        YoloEnd2endPose,
        YoloEnd2endObb,
    ),
    input_format=InputFormat(
        Resizing("letterbox", "YOLO is trained on it"),
        Values("YOLO takes 0..1", exception="yours was exported with the division inside"),
    ),
    required=frozenset({"resizing", "values"}),
)
