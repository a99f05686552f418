"""OSTrack and other trackers with its head, such as OpenCV's VitTrack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from runtimes.arrays import Array, Size
from runtimes.decoders.outputs import take
from runtimes.decoders.roles import Role, resolve
from runtimes.errors import BadModel
from runtimes.interfaces import Tracking
from runtimes.signature import Signature
from runtimes.step import Fraction, Positive
from runtimes.trackers.crops import area_side, best_of, box_about, hann, view_of
from runtimes.trackers.inputs import bind_inputs
from runtimes.view import View

_MAP, _PAIR = (1, 1, None, None), (1, 2, None, None)
_SCORES = Role("scores", "the map of scores, [1, 1, h, w]", ("score", "output1"), (_MAP,))
_SIZES = Role("sizes", "the map of sizes, [1, 2, h, w]", ("size", "output2"), (_PAIR,))
_OFFSETS = Role("offsets", "the map of offsets, [1, 2, h, w]", ("offset", "output3"), (_PAIR,))


@dataclass(frozen=True, slots=True)
class Ostrack(Tracking):
    """Head of OSTrack and OpenCV's VitTrack: maps of scores, sizes and offsets, usually 16x16.

    The scores are after the sigmoid and are weighted by a Hann window. At the best cell, the center
    is (cell + offset) / cells and the size is that of the map, both as fractions of the search
    crop. The confidence is the weighted score, as in OpenCV, whose threshold is 0.2. Sources: Ye et
    al., "Joint Feature Learning and Relation Modeling for Tracking", 2022; the authors'
    lib/test/tracker/ostrack.py; OpenCV's TrackerVit.

    Example:
        - ostrack: {scores: output1, sizes: output2, offsets: output3}
    """

    window: Fraction = 1.0
    """Weight of the Hann window in the response, which penalizes large movements; 0 disables it."""
    template_factor: Positive = 2.0
    """Side of the template crop divided by the square root of the object's area."""
    search_factor: Positive = 4.0
    """Side of the search crop divided by the square root of the object's area: 4 for crops of 256
    pixels, 5 for OSTrack-384."""
    scores: str | None = None
    """Name of the output. Default: the only output [1, 1, h, w]."""
    sizes: str | None = None
    """Name of the output. Default: recognized by its name."""
    offsets: str | None = None
    """Name of the output. Default: recognized by its name."""
    fill: Literal["mean", "black"] = field(default="black", kw_only=True)
    """Fill color of crops beyond the image's border: the image's mean color, or black."""

    def bind(self, model: Signature, encoder: Signature | None) -> "Ostrack":
        """See Tracking.bind."""
        inputs = bind_inputs(self, model, encoder, (128, 256))
        parts = [(_SCORES, self.scores), (_SIZES, self.sizes), (_OFFSETS, self.offsets)]
        names = [tensor.name for tensor in resolve(model, parts) if tensor is not None]
        scores, sizes, offsets = names
        return replace(self, scores=scores, sizes=sizes, offsets=offsets, **inputs)

    def template_view(self, box: Array, image: Size) -> View:
        """See Tracking.template_view."""
        assert self.template_size is not None
        return view_of(box, area_side(box, self.template_factor), self.template_size, image)

    def search_views(self, box: Array, image: Size) -> tuple[View, ...]:
        """See Tracking.search_views."""
        assert self.search_size is not None
        return (view_of(box, area_side(box, self.search_factor), self.search_size, image),)

    def __call__(
        self, outputs: Sequence[Mapping[str, Array]], views: Sequence[View], box: Array
    ) -> tuple[Array, float]:
        """See Tracking."""
        ((found,), (view,)) = (outputs, views)
        scores = take(found, self.scores)
        sizes, offsets = take(found, self.sizes), take(found, self.offsets)
        height, width = scores.shape[-2:] if scores.ndim == 4 and scores.size else (0, 0)
        if scores.shape != (1, 1, height, width) or not (
            sizes.shape == offsets.shape == (1, 2, height, width)
        ):
            raise BadModel(
                f"`{self.name()}` decodes [1, 1, h, w], [1, 2, h, w] and [1, 2, h, w], got "
                f"{list(scores.shape)}, {list(sizes.shape)} and {list(offsets.shape)}",
                where="scores",
            )
        weight = 1 - self.window + self.window * hann(height, width, open_ends=True)
        response = scores[0, 0] * weight
        row, column = best_of(response)
        (x, y), (wide, high) = offsets[0, :, row, column], sizes[0, :, row, column]
        # As fractions of the crop.
        new = box_about((column + x) / width, (row + y) / height, float(wide), float(high))
        (new,) = view.geometry.inverse.boxes(new.astype(np.float64)[None] * view.input[0])
        return new, float(response[row, column])
