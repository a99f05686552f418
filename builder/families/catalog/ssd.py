"""SSD with a DetectionOutput layer, as OpenVINO has it."""

from builder.families.family import Family
from builder.families.input_format import Channels, InputFormat, Resizing, Values
from runtimes.decoders.ssd import Ssd

SSD = Family(
    name="SSD with DetectionOutput",
    steps=(Ssd,),
    input_format=InputFormat(
        Resizing("resize", "SSD kinds stretch images", side=300),
        Values(scale=1),
        Channels("bgr", "OpenVINO's models take images as OpenCV reads them", guessed=True),
    ),
    required=frozenset({"resizing"}),
)
