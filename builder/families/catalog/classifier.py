"""Classifiers: scores of classes for the whole image."""

from builder.families.family import Family
from runtimes.decoders.classify import Classify

CLASSIFIER = Family(
    name="classifier",
    steps=(Classify,),
)
