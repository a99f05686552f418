"""YOLOX: raw candidates in cells."""

from builder.families.family import Family
from builder.families.input_format import Channels, InputFormat, Resizing, Values
from runtimes.decoders.yolox import Yolox

YOLOX = Family(
    name="YOLOX",
    steps=(Yolox,),
    input_format=InputFormat(
        Resizing("letterbox", "YOLOX pads right and bottom", align="top_left"),
        Values(scale=1, exception="it is older than 0.1.1"),
        Channels("bgr", "YOLOX reads through OpenCV, and takes 0..255"),
    ),
    required=frozenset({"resizing", "channels", "values"}),
    candidates_overlap=True,
)
