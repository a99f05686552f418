"""RTMPose: bins along x and y for each keypoint."""

from builder.families.family import Family
from runtimes.decoders.heatmap import Simcc

RTMPOSE = Family(
    name="RTMPose (SimCC)",
    steps=(Simcc,),
)
