"""TransT."""

from builder.families.family import Family
from builder.families.input_format import IMAGENET_MEAN, IMAGENET_STD, InputFormat, Values
from runtimes.trackers.transt import Transt

TRANST = Family(
    name="TransT",
    steps=(Transt,),
    input_format=InputFormat(
        values=Values(
            "ImageNet's mean and std",
            mean=IMAGENET_MEAN,
            std=IMAGENET_STD,
            exception="yours was exported with that inside",
            guessed=True,
        ),
    ),
    required=frozenset({"values"}),
)
