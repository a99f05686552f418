"""SAM 2: an encoder of images and a decoder that takes prompts and finer features."""

from collections.abc import Iterator

from builder.families.catalog.sam import (
    SAM_ENCODER_SPEED,
    reasons,
    takes_features,
    takes_prompts,
)
from builder.families.common_steps import REFINED_MASK
from builder.families.evidence import Evidence
from builder.families.family import Family
from builder.families.input_format import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    InputFormat,
    Resizing,
    Values,
)
from builder.families.match import Match, step
from builder.families.preprocessing import normalize, resize, unless_in_graph
from builder.families.prompts import PROMPT_SETTINGS
from builder.families.sureness import Strength
from runtimes.segmenters.sam2 import Sam2


def recognize_pair(encoder: Evidence, decoder: Evidence) -> Iterator[Match]:
    """Recognize an image's encoder beside a decoder that takes features of several sizes."""
    if not takes_prompts(encoder, decoder) or not takes_features(decoder):
        return
    assert encoder.image is not None
    yield SAM2.match(
        encoder,
        Strength.STRUCTURE,
        reasons(decoder),
        (step(Sam2, "embedding and finer features; points and boxes"), *REFINED_MASK),
        preprocess=(
            resize(encoder, _RESIZING),
            *unless_in_graph(encoder, encoder.image.name, normalize(encoder, _VALUES)),
        ),
        settings=PROMPT_SETTINGS,
    )


_RESIZING = Resizing("resize", "SAM 2 is trained on stretched images", side=1024, antialias=True)
_VALUES = Values(
    "SAM 2's mean and std are ImageNet's",
    mean=IMAGENET_MEAN,
    std=IMAGENET_STD,
    exception="the exported model normalizes its input",
)

SAM2 = Family(
    name="SAM 2",
    steps=(Sam2,),
    recognize_pair=recognize_pair,
    precedence=300,
    input_format=InputFormat(_RESIZING, _VALUES),
    required=frozenset({"resizing", "channels", "values"}),
    encoder_speed=SAM_ENCODER_SPEED,
)
