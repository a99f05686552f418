"""DETR: queries with a class for nothing."""

from builder.families.family import Family
from builder.families.input_format import IMAGENET_MEAN, IMAGENET_STD, InputFormat, Resizing, Values
from runtimes.decoders.detr import Detr

DETR = Family(
    name="DETR",
    steps=(Detr,),
    input_format=InputFormat(
        Resizing("resize", "as transformers resizes", side=800, antialias=True),
        Values("DETR's mean and std are ImageNet's", mean=IMAGENET_MEAN, std=IMAGENET_STD),
    ),
    required=frozenset({"resizing"}),
)
