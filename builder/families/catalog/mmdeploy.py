"""Detectors that MMDeploy exports."""

from builder.families.family import Family
from runtimes.decoders.rcnn import Mmdeploy

MMDEPLOY = Family(
    name="MMDeploy (RTMDet and others)",
    steps=(Mmdeploy,),
)
