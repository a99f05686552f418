"""SAM, MobileSAM, SAM-HQ and EdgeSAM: an encoder of images and a decoder that takes prompts."""

from collections.abc import Iterator

from builder.families.common_steps import REFINED_MASK
from builder.families.evidence import Evidence
from builder.families.family import Family
from builder.families.input_format import InputFormat, Resizing, Values
from builder.families.match import DraftStep, Match, step
from builder.families.preprocessing import normalize, resize, unless_in_graph
from builder.families.prompts import POINT_SETTINGS, PROMPT_SETTINGS, takes
from builder.families.sureness import Strength
from runtimes.preprocess.resize import Letterbox
from runtimes.segmenters.sam import Sam

SAM_ENCODER_SPEED = 67e6
"""Bytes of weights per second on two cores, of SAM's encoders, vision transformers of 4096 tokens:
ViT-B has 358 MB and 0.37 trillion multiply-adds, which OpenVINO took 5.3 s for."""


def takes_prompts(encoder: Evidence, decoder: Evidence) -> bool:
    """Whether two models are an encoder of images and a decoder of SAM or SAM 2."""
    return (
        encoder.image is not None
        and (takes(decoder, "point_coords", "point_labels") or is_transformers(decoder))
        and decoder.input_named("embed") is not None
    )


def is_transformers(decoder: Evidence) -> bool:
    """Whether a decoder has the inputs of SAM's export with Hugging Face's optimum."""
    words = ("input_points", "input_labels", "image_positional_embeddings")
    return takes(decoder, *words)


def takes_features(decoder: Evidence) -> bool:
    """Whether a decoder takes finer features beside the embedding, as SAM 2's does."""
    return takes(decoder, "high_res")


def reasons(decoder: Evidence) -> tuple[str, ...]:
    """Return the inputs by which a decoder is recognized."""
    return (f"the decoder takes {', '.join(it.name for it in decoder.signature.inputs)}",)


def recognize_pair(encoder: Evidence, decoder: Evidence) -> Iterator[Match]:
    """Recognize an image's encoder beside a decoder that takes an embedding and points."""
    if not takes_prompts(encoder, decoder) or takes_features(decoder):
        return
    why = "an embedding; points and boxes"
    if is_transformers(decoder):
        why = "an embedding; points, and no boxes"
    yield SAM.match(
        encoder,
        Strength.STRUCTURE,
        reasons(decoder),
        (step(Sam, why), *REFINED_MASK),
        preprocess=_preprocess(encoder),
        name="SAM (Hugging Face)" if is_transformers(decoder) else "SAM (MobileSAM, SAM-HQ)",
        settings=POINT_SETTINGS if is_transformers(decoder) else PROMPT_SETTINGS,
    )


def _preprocess(encoder: Evidence) -> tuple[DraftStep, ...]:
    """Return the steps for an encoder; those that take (H, W, 3) pad and normalize themselves."""
    image = encoder.image
    assert image is not None
    if not image.batched:
        why = f"{image.name} has no batch axis: the encoder pads and normalizes images"
        return (step(Letterbox, why, size=1024, align="top_left", stride=1, antialias=True),)
    return (
        resize(encoder, _RESIZING),
        *unless_in_graph(encoder, image.name, normalize(encoder, _VALUES)),
    )


_RESIZING = Resizing(
    "letterbox",
    "SAM pads right and bottom",
    side=1024,
    align="top_left",
    fill=(124, 116, 104),
    antialias=True,
)
_VALUES = Values(
    "SAM's mean and std",
    scale=1,
    mean=(123.675, 116.28, 103.53),
    std=(58.395, 57.12, 57.375),
    exception="the exported model normalizes its input",
)

SAM = Family(
    name="SAM",
    steps=(Sam,),
    recognize_pair=recognize_pair,
    precedence=290,
    input_format=InputFormat(_RESIZING, _VALUES),
    required=frozenset({"resizing", "channels", "values"}),
    encoder_speed=SAM_ENCODER_SPEED,
)
