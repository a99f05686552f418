"""RT-DETR, D-FINE, DEIM and RF-DETR: queries with a score for each class."""

from builder.families.family import Family
from builder.families.input_format import InputFormat, Resizing, Values
from runtimes.decoders.detr import Rtdetr, RtdetrConcat, RtdetrDeploy

RTDETR = Family(
    name="RT-DETR, D-FINE",
    steps=(
        Rtdetr,
        RtdetrDeploy,
        RtdetrConcat,
    ),
    input_format=InputFormat(
        Resizing("resize", "RT-DETR stretches images"), Values("RT-DETR takes 0..1")
    ),
    required=frozenset({"resizing"}),
)
