"""DBNet: where text is, as a probability for each pixel."""

from builder.families.family import Family
from runtimes.decoders.dbnet import Dbnet

DBNET = Family(
    name="DBNet: text (PP-OCR)",
    steps=(Dbnet,),
)
