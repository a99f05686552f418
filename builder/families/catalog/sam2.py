"""SAM 2: an encoder of images and a decoder that takes prompts."""

from builder.families.catalog.sam import SAM_ENCODER_SPEED
from builder.families.family import Family
from builder.families.input_format import IMAGENET_MEAN, IMAGENET_STD, InputFormat, Resizing, Values
from runtimes.segmenters.sam2 import Sam2

SAM2 = Family(
    name="SAM 2",
    steps=(Sam2,),
    input_format=InputFormat(
        Resizing("resize", "SAM 2 stretches images", side=1024, antialias=True),
        Values(
            "SAM 2's mean and std are ImageNet's",
            mean=IMAGENET_MEAN,
            std=IMAGENET_STD,
            exception="yours was exported with that inside",
        ),
    ),
    required=frozenset({"resizing", "channels", "values"}),
    encoder_speed=SAM_ENCODER_SPEED,
)
