"""Detectors that end in TensorRT's EfficientNMS plug-in."""

from builder.families.family import Family
from runtimes.decoders.efficient_nms import EfficientNms

EFFICIENT_NMS = Family(
    name="YOLO with EfficientNMS",
    steps=(EfficientNms,),
)
