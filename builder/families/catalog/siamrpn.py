"""SiamRPN and NanoTrack."""

from builder.families.family import Family
from runtimes.trackers.siamrpn import Siamrpn

SIAMRPN = Family(
    name="SiamRPN, NanoTrack",
    steps=(Siamrpn,),
)
