"""Torchvision's detectors."""

from builder.families.family import Family
from runtimes.decoders.rcnn import Torchvision

TORCHVISION = Family(
    name="torchvision",
    steps=(Torchvision,),
)
