"""CenterNet with raw heads: a heatmap of centers, sizes and offsets."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from builder.families.common_steps import RECTANGLE
from builder.families.evidence import Evidence, fits
from builder.families.family import Family
from builder.families.input_format import Channels, InputFormat, Resizing, Values
from builder.families.match import ClassList, Match, step
from builder.families.sureness import Strength
from runtimes.decoders.centernet import Centernet
from runtimes.signature import Tensor

CENTERNET_INPUT = InputFormat(
    Resizing("letterbox", "CenterNet keeps the aspect ratio", side=512, fill=0),
    Values(
        "CenterNet's mean and std",
        mean=(0.408, 0.447, 0.47),
        std=(0.289, 0.274, 0.278),
        guessed=True,
    ),
    Channels("bgr", "CenterNet is trained on BGR", guessed=True),
)
"""What CenterNet takes."""
_STRIDES = (2, 4, 8)
_HEATMAP, _SIZES, _OFFSETS = ("hm", "heat"), ("wh", "size"), ("reg", "off")
"""Parts of the outputs' names."""


def recognize(evidence: Evidence) -> Iterator[Match]:
    """Recognize maps of one size by their names, or three maps by their channels."""
    maps = [it for it in evidence.outputs_of_rank(4) if _is_grid(evidence, it)]
    pairs = [it for it in maps if it.shape[1] == 2]
    heatmap = _named(maps, _HEATMAP)
    sizes, offsets = _named(pairs, _SIZES), _named(pairs, _OFFSETS)
    named = heatmap is not None and sizes is not None and sizes is not heatmap
    if not named:
        if len(evidence.outputs) != 3 or len(maps) != 3 or len(pairs) != 2:
            return
        (heatmap,) = (it for it in maps if it not in pairs)
        sizes, offsets = sorted(pairs, key=lambda it: -_extent(evidence, it))
    assert heatmap is not None
    assert sizes is not None
    if offsets in (sizes, heatmap):
        offsets = None
    if len({it.shape[2:] for it in (heatmap, sizes, offsets or sizes)}) > 1:
        return
    fields: dict[str, Any] = {}
    if not named or len(evidence.outputs) > 3:
        fields = {"heatmap": heatmap.name, "sizes": sizes.name}
        fields |= {"offsets": offsets.name} if offsets else {}
    if evidence.is_fraction(heatmap) is False or (
        not evidence.values(heatmap) and evidence.graph.last_op(heatmap.name) != "Sigmoid"
    ):
        fields["activation"] = "sigmoid"
    count = heatmap.shape[1]
    listing = ", ".join(str(it) for it in (heatmap, sizes, offsets) if it is not None)
    yield CENTERNET.match(
        evidence,
        Strength.EVIDENCE if named else Strength.SHAPE,
        (f"{listing}: heatmap, sizes{', offsets' if offsets else ''}",),
        (
            step(
                Centernet,
                "peaks of the heatmap, no `nms`",
                guessed=not named,
                **fields,
            ),
            RECTANGLE,
        ),
        classes=ClassList(count, f"{heatmap}: {count} classes"),
    )


def _is_grid(evidence: Evidence, tensor: Tensor) -> bool:
    """Whether a map has one cell for each 2, 4 or 8 pixels of the input."""
    if not fits(tensor, (1, None, None, None)) or evidence.size is None:
        return False
    height, width = evidence.size
    return any(tensor.shape[2:] == (-(-height // it), -(-width // it)) for it in _STRIDES)


def _named(tensors: list[Tensor], words: tuple[str, ...]) -> Tensor | None:
    """Return the only tensor with one of the words in its name, or None."""
    found = [it for it in tensors if any(word in it.name.lower() for word in words)]
    return found[0] if len(found) == 1 else None


def _extent(evidence: Evidence, tensor: Tensor) -> float:
    """Return the largest value of an output: sizes exceed offsets, which are within a cell."""
    return max((float(np.abs(it).max(initial=0)) for it in evidence.values(tensor)), default=0)


CENTERNET = Family(
    name="CenterNet with raw heatmap and sizes",
    steps=(Centernet,),
    recognize=recognize,
    precedence=59,
    input_format=CENTERNET_INPUT,
)
