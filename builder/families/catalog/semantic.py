"""Semantic segmentation: a class for each pixel."""

from builder.families.family import Family
from runtimes.decoders.semantic import Semantic

SEMANTIC = Family(
    name="semantic segmentation",
    steps=(Semantic,),
)
