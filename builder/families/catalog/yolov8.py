"""YOLOv8, 9, 11 and 12: raw candidates in columns."""

from builder.families.family import Family
from builder.families.input_format import InputFormat, Resizing, Values
from runtimes.decoders.yolo import Yolo, YoloObb, YoloPose, YoloSegment

YOLOV8 = Family(
    name="YOLOv8, 9, 11, 12",
    steps=(
        Yolo,
        YoloSegment,
        YoloPose,
        YoloObb,
    ),
    input_format=InputFormat(
        Resizing("letterbox", "YOLO is trained on it"),
        Values("YOLO takes 0..1", exception="yours was exported with the division inside"),
    ),
    required=frozenset({"resizing", "values"}),
    candidates_overlap=True,
)
