"""TransT: a transformer instead of correlation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isqrt

import numpy as np

from runtimes.arrays import Array, Size
from runtimes.decoders.outputs import softmax, take
from runtimes.decoders.roles import Role, resolve
from runtimes.errors import BadModel, Fault
from runtimes.interfaces import Tracking
from runtimes.signature import Signature
from runtimes.step import Fraction, Positive
from runtimes.trackers.crops import best_of, box_about, context_side, hann, view_of
from runtimes.trackers.inputs import bind_inputs
from runtimes.view import View

_LOGITS = Role("logits", "logits, [1, cells, 2]", ("logit", "score", "cls"), ((1, None, 2),))
_BOXES = Role("boxes", "boxes, [1, cells, 4]", ("box", "coord", "reg"), ((1, None, 4),))


@dataclass(frozen=True, slots=True)
class Transt(Tracking):
    """Head of TransT: logits of object and background, and a box, for each cell of the search crop.

    The boxes are center x, center y, width, height as fractions of the search crop. The confidence
    is the softmax of the first logit; the best cell is selected after combining it with a Hann
    window. Sources: Chen et al., "Transformer Tracking", 2021; the authors'
    pytracking/tracker/transt.

    Example:
        - transt: {window: 0.3, threshold: 0.5}
    """

    window: Fraction = 0.49
    """Weight of the Hann window in the response, which penalizes large movements; 0 disables it."""
    template_context: Positive = 0.5
    """Margin on each side of the template as a fraction of width + height; with 0.5, the crop of a
    square object has twice its side."""
    search_context: Positive = 1.5
    """Margin on each side of the search crop as a fraction of width + height; with 1.5, the crop of
    a square object has four times its side."""
    logits: str | None = None
    """Name of the output. Default: the only output [1, cells, 2]."""
    boxes: str | None = None
    """Name of the output. Default: the only output [1, cells, 4]."""

    def bind(self, model: Signature, encoder: Signature | None) -> "Transt":
        """See Tracking.bind."""
        inputs = bind_inputs(self, model, encoder, (128, 256))
        logits, boxes = resolve(model, [(_LOGITS, self.logits), (_BOXES, self.boxes)])
        assert logits is not None
        assert boxes is not None
        cells = logits.shape[1]
        if cells is not None and isqrt(cells) ** 2 != cells:
            raise BadModel(
                f"the {cells} cells of the output {logits} are not a square",
                where="logits",
                found=f"{cells} cells",
                allowed="32 x 32 = 1024 cells for a search crop of 256",
                hint="check that the model is an export of TransT",
                fault=Fault.OUTPUT_LAYOUT,
            )
        return replace(self, logits=logits.name, boxes=boxes.name, **inputs)

    def template_view(self, box: Array, image: Size) -> View:
        """See Tracking.template_view."""
        assert self.template_size is not None
        side = context_side(box, self.template_context)
        return view_of(box, side, self.template_size, image)

    def search_views(self, box: Array, image: Size) -> tuple[View, ...]:
        """See Tracking.search_views."""
        assert self.search_size is not None
        return (view_of(box, context_side(box, self.search_context), self.search_size, image),)

    def __call__(
        self, outputs: Sequence[Mapping[str, Array]], views: Sequence[View], box: Array
    ) -> tuple[Array, float]:
        """See Tracking."""
        ((found,), (view,)) = (outputs, views)
        logits, boxes = take(found, self.logits), take(found, self.boxes)
        side = isqrt(logits.shape[1]) if logits.ndim == 3 else 0
        if not side or logits.shape != (1, side * side, 2) or boxes.shape != (1, side * side, 4):
            raise BadModel(
                f"`{self.name()}` decodes [1, cells, 2] and [1, cells, 4] over a square of cells, "
                f"got {list(logits.shape)} and {list(boxes.shape)}",
                where="logits",
            )
        scores = softmax(logits[0], axis=1)[:, 0]
        response = scores * (1 - self.window) + hann(side, side).ravel() * self.window
        (at,) = best_of(response)
        x, y, width, height = (boxes[0, at].astype(np.float64) * view.input[0]).tolist()
        (new,) = view.geometry.inverse.boxes(box_about(x, y, width, height)[None])
        return new, float(scores[at])
