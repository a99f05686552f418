"""MoveNet, for one person or for six."""

from builder.families.family import Family
from runtimes.decoders.movenet import Movenet, MovenetMulti

MOVENET = Family(
    name="MoveNet",
    steps=(
        Movenet,
        MovenetMulti,
    ),
)
