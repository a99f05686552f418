"""Salient objects or people: one value for each pixel."""

from builder.families.family import Family
from runtimes.decoders.saliency import Saliency

SALIENCY = Family(
    name="salient objects or people (u2net, ISNet, selfie)",
    steps=(Saliency,),
)
