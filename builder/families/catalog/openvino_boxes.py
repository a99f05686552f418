"""OpenVINO's detectors that give boxes and labels."""

from builder.families.family import Family
from builder.families.input_format import Channels, InputFormat, Resizing, Values
from runtimes.decoders.ssd import OpenvinoBoxes

OPENVINO_BOXES = Family(
    name="OpenVINO boxes and labels",
    steps=(OpenvinoBoxes,),
    input_format=InputFormat(
        Resizing("resize", "SSD kinds stretch images", side=300),
        Values(scale=1),
        Channels("bgr", "OpenVINO's models take images as OpenCV reads them", guessed=True),
    ),
    required=frozenset({"resizing"}),
)
