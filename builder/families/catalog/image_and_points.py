"""Interactors in one model that takes an image and points."""

from builder.families.family import Family
from runtimes.segmenters.points import ImageAndPoints

IMAGE_AND_POINTS = Family(
    name="segmentation of what is clicked, in one model",
    steps=(ImageAndPoints,),
)
