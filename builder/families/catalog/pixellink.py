"""PixelLink: text as pixels and links between them."""

from builder.families.family import Family
from runtimes.decoders.pixellink import Pixellink

PIXELLINK = Family(
    name="PixelLink: text",
    steps=(Pixellink,),
)
