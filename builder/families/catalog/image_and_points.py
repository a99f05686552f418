"""Interactors in one model that takes an image, points and labels, as EfficientSAM."""

from collections.abc import Iterator

from builder.families.evidence import Evidence, fits
from builder.families.family import Family
from builder.families.match import DraftStep, Match, step
from builder.families.preprocessing import unless_in_graph
from builder.families.prompts import PROMPT_SETTINGS, takes
from builder.families.sureness import Strength
from runtimes.preprocess.resize import Resize
from runtimes.preprocess.values import Normalize
from runtimes.refine.clean import FillHoles
from runtimes.segmenters.points import ImageAndPoints
from runtimes.signature import Tensor

_SIDE = 1024
"""Where the model takes images of any size."""


def recognize(evidence: Evidence) -> Iterator[Match]:
    """Recognize an image input beside inputs for points and labels."""
    inputs = evidence.signature.inputs
    images = [it for it in inputs if fits(it, (1, 3, None, None))]
    if len(images) != 1 or not takes(evidence, "point", "label") or len(evidence.outputs) > 3:
        return
    listing = ", ".join(tensor.name for tensor in inputs)
    yield IMAGE_AND_POINTS.match(
        evidence,
        Strength.STRUCTURE,
        (f"the model takes {listing}",),
        (
            step(ImageAndPoints, "image, points and labels"),
            step(FillHoles, "fills specks in the mask", area=100),
        ),
        preprocess=_preprocess(evidence, images[0]),
        settings=PROMPT_SETTINGS,
    )


def _preprocess(evidence: Evidence, image: Tensor) -> tuple[DraftStep, ...]:
    """Return the steps for the input that takes the image, which is not the only one."""
    height, width = image.shape[2] or _SIDE, image.shape[3] or _SIDE
    size = height if height == width else [height, width]
    usual = []
    if image.dtype.startswith("float"):
        usual = [step(Normalize, "0..1", guessed=True, scale=255)]
    return (
        step(Resize, "the image is stretched", guessed=True, size=size),
        *unless_in_graph(evidence, image.name, usual),
    )


IMAGE_AND_POINTS = Family(
    name="interactive segmentation in one model",
    steps=(ImageAndPoints,),
    recognize=recognize,
    precedence=280,
)
