"""SiamFC."""

from builder.families.family import Family
from runtimes.trackers.siamfc import Siamfc

SIAMFC = Family(
    name="SiamFC",
    steps=(Siamfc,),
)
