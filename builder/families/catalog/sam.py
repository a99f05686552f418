"""SAM, MobileSAM and SAM-HQ: an encoder of images and a decoder that takes prompts."""

from builder.families.family import Family
from builder.families.input_format import InputFormat, Resizing, Values
from runtimes.segmenters.sam import Sam

SAM_ENCODER_SPEED = 67e6
"""Bytes of weights per second on two cores, of SAM's encoders, vision transformers of 4096 tokens:
ViT-B has 358 MB and 0.37 trillion multiply-adds, which OpenVINO took 5.3 s for."""

SAM = Family(
    name="SAM",
    steps=(Sam,),
    input_format=InputFormat(
        Resizing(
            "letterbox",
            "SAM pads right and bottom",
            side=1024,
            align="top_left",
            fill=(124, 116, 104),
            antialias=True,
        ),
        Values(
            "SAM's mean and std",
            scale=1,
            mean=(123.675, 116.28, 103.53),
            std=(58.395, 57.12, 57.375),
            exception="yours was exported with that inside",
        ),
    ),
    required=frozenset({"resizing", "channels", "values"}),
    encoder_speed=SAM_ENCODER_SPEED,
)
