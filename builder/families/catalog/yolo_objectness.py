"""YOLOv5, 6 and 7: raw candidates in rows, with objectness."""

from builder.families.family import Family
from builder.families.input_format import InputFormat, Resizing, Values
from runtimes.decoders.yolo_objectness import YoloObjectness

YOLO_OBJECTNESS = Family(
    name="YOLOv5, 6, 7",
    steps=(YoloObjectness,),
    input_format=InputFormat(
        Resizing("letterbox", "YOLO is trained on it"),
        Values("YOLO takes 0..1", exception="yours was exported with the division inside"),
    ),
    required=frozenset({"resizing", "values"}),
    candidates_overlap=True,
)
