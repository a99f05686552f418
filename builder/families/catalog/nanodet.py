"""NanoDet and NanoDet-Plus: raw candidates with bins for each side."""

from builder.families.family import Family
from runtimes.decoders.nanodet import Nanodet

NANODET = Family(
    name="NanoDet",
    steps=(Nanodet,),
    candidates_overlap=True,
)
