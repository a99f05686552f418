"""SiamRPN, SiamRPN++ and NanoTrack: a class and a box for each cell of a correlation map."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import Annotated

import numpy as np

from runtimes.arrays import Array, Size
from runtimes.decoders.outputs import sigmoid, softmax, take
from runtimes.decoders.roles import Role, resolve
from runtimes.errors import BadModel
from runtimes.interfaces import Tracking
from runtimes.signature import Signature
from runtimes.step import Count, Fraction, Limits, Positive
from runtimes.trackers.crops import best_of, box_about, context_side, hann, view_of
from runtimes.trackers.inputs import bind_inputs
from runtimes.view import View

RATIOS = (0.33, 0.5, 1.0, 2.0, 3.0)
"""Height divided by width of the usual five anchors."""


@dataclass(frozen=True, slots=True)
class Siamrpn(Tracking):
    """Head of SiamRPN with A anchors, or of NanoTrack without: [1, 2A, h, w] and [1, 4A, h, w].

    The classes are logits of background and object, or one logit. The boxes are offsets of anchors
    (dx, dy, log dw, log dh), or without anchors the distances from the cell to left, top, right and
    bottom, in pixels of the search crop. Channel k * A + a is value k of anchor a.

    A cell's score is multiplied by exp(-penalty * (r * s - 1)) if its box differs in size or aspect
    ratio from the previous one, then combined with a Hann window. The size changes by a fraction
    `rate` * score * penalty factor. The defaults are OpenCV's for NanoTrack; pysot's SiamRPN++ has
    window 0.42, penalty 0.05 and rate 0.38. Sources: Li et al., "High Performance Visual Tracking
    with Siamese Region Proposal Network", 2018; pysot's siamrpn_tracker.py; DaSiamRPN; OpenCV's
    TrackerNano.

    Example:
        - siamrpn: {window: 0.42, penalty: 0.05, rate: 0.38}   # pysot's SiamRPN++
    """

    window: Fraction = 0.455
    """Weight of the Hann window in the response, which penalizes large movements; 0 disables it."""
    penalty: Annotated[float, Limits(least=0)] = 0.055
    """Penalty of a change of size or aspect ratio; 0 disables it."""
    rate: Fraction = 0.37
    """Rate at which the box adopts the new size; 1 adopts it immediately for a confidence of 1."""
    context: Positive = 0.5
    """Margin on each side of the template as a fraction of width + height."""
    stride: Count | None = None
    """Distance of two cells, in pixels of the search crop. Default: 8 with anchors, 16 without."""
    ratios: tuple[Positive, ...] | None = None
    """Height divided by width of each anchor; an empty list for models without anchors. Default:
    derived from the outputs: no anchors, or the usual 0.33, 0.5, 1, 2, 3."""
    scales: tuple[Positive, ...] = (8.0,)
    """Sizes of the anchors, as multiples of the stride."""
    classes: str | None = None
    """Name of the output. Default: the only output [1, 2A, h, w]."""
    boxes: str | None = None
    """Name of the output. Default: the only output [1, 4A, h, w]."""

    def bind(self, model: Signature, encoder: Signature | None) -> "Siamrpn":
        """See Tracking.bind."""
        inputs = bind_inputs(self, model, encoder, (127, 255))
        counts = (1, len(RATIOS)) if self.ratios is None else (self._count,)
        maps: list[tuple[int | None, ...]] = [(1, 2 * count, None, None) for count in counts]
        if 1 in counts:
            maps.append((1, 1, None, None))
        holds = "the map of classes, [1, 2A, h, w]"
        words = ("cls", "class", "score", "output1")
        class_role = Role("classes", holds, words, tuple(maps))
        holds, words = "the map of boxes, [1, 4A, h, w]", ("loc", "reg", "box", "output2")
        box_role = Role("boxes", holds, words, tuple((1, 4 * it, None, None) for it in counts))
        hint = "set `ratios` and `scales` to those of the model's anchors"
        parts = [(class_role, self.classes), (box_role, self.boxes)]
        classes, boxes = resolve(model, parts, hint)
        assert classes is not None
        assert boxes is not None
        ratios = self.ratios
        if ratios is None:
            ratios = () if boxes.shape[1] in (4, None) else RATIOS
        stride = self.stride or (8 if ratios else 16)
        return replace(
            self, ratios=ratios, stride=stride, classes=classes.name, boxes=boxes.name, **inputs
        )

    @property
    def _count(self) -> int:
        """The number of anchors per cell, or 1 for models without anchors."""
        return len(self.ratios) * len(self.scales) if self.ratios else 1

    def template_view(self, box: Array, image: Size) -> View:
        """See Tracking.template_view."""
        assert self.template_size is not None
        return view_of(box, context_side(box, self.context), self.template_size, image)

    def search_views(self, box: Array, image: Size) -> tuple[View, ...]:
        """See Tracking.search_views. The scale is that of the template."""
        assert self.template_size is not None
        assert self.search_size is not None
        side = context_side(box, self.context) * self.search_size / self.template_size
        return (view_of(box, side, self.search_size, image),)

    def __call__(
        self, outputs: Sequence[Mapping[str, Array]], views: Sequence[View], box: Array
    ) -> tuple[Array, float]:
        """See Tracking."""
        ((found,), (view,)) = (outputs, views)
        scores = self._scores(take(found, self.classes))
        new = self._boxes(take(found, self.boxes), scores.shape)
        scale = view.geometry.scale_x
        width, height = (box[2] - box[0]) * scale, (box[3] - box[1]) * scale
        with np.errstate(all="ignore"):  # best_of ignores values that are not finite
            size = _change(_padded(new[2], new[3]) / _padded(width, height))
            aspect = _change((width / height) / (new[2] / new[3]))
            damping = np.exp(-self.penalty * (size * aspect - 1))
            response = scores * damping * (1 - self.window)
            response += hann(*scores.shape[1:]) * self.window
        at = best_of(response)
        rate = min(float(damping[at] * scores[at]) * self.rate, 1.0)
        x, y, wide, high = (float(values[at]) for values in new)
        middle = view.input[0] / 2
        wide, high = width + rate * (wide - width), height + rate * (high - height)
        in_crop = box_about(middle + x, middle + y, wide, high)
        return view.geometry.inverse.boxes(in_crop[None])[0], float(scores[at])

    def _scores(self, values: Array) -> Array:
        """Return the confidence of each box, (A, h, w), 0..1."""
        count = self._count
        if values.ndim == 4 and values.size and values.shape[:2] == (1, 2 * count):
            pairs = values[0].reshape(2, count, *values.shape[2:])
            return np.asarray(softmax(pairs, axis=0)[1])
        if values.ndim == 4 and values.size and values.shape[:2] == (1, 1) and count == 1:
            return sigmoid(values[0])
        raise BadModel(
            f"`{self.name()}` decodes [1, {2 * count}, h, w] as classes, got {list(values.shape)}",
            where="classes",
        )

    def _boxes(self, values: Array, cells: tuple[int, ...]) -> Array:
        """Return the boxes, (4, A, h, w): center relative to the crop's, and size, in pixels."""
        count, height, width = cells
        if values.shape != (1, 4 * count, height, width):
            raise BadModel(
                f"`{self.name()}` decodes [1, {4 * count}, {height}, {width}] as boxes, got "
                f"{list(values.shape)}",
                where="boxes",
            )
        assert self.stride is not None
        parts = values[0].reshape(4, count, height, width).astype(np.float64)
        x = ((np.arange(width) - width // 2) * self.stride)[None, None, :]
        y = ((np.arange(height) - height // 2) * self.stride)[None, :, None]
        if not self.ratios:
            left, top, right, bottom = parts
            return np.stack(
                [x + (right - left) / 2, y + (bottom - top) / 2, left + right, top + bottom]
            )
        sides = np.array(self._anchors())[:, :, None, None]
        wide, high = sides[:, 0], sides[:, 1]
        with np.errstate(over="ignore"):
            return np.stack(
                [
                    parts[0] * wide + x,
                    parts[1] * high + y,
                    np.exp(parts[2]) * wide,
                    np.exp(parts[3]) * high,
                ]
            )

    def _anchors(self) -> list[tuple[float, float]]:
        """Return width and height of each anchor, in pixels of the search crop.

        As in pysot, the sides are rounded down to integers before they are multiplied by the scale.
        """
        assert self.ratios is not None
        assert self.stride is not None
        found = []
        for ratio in self.ratios:
            width = int(sqrt(self.stride * self.stride / ratio))
            height = int(width * ratio)
            found += [(width * scale, height * scale) for scale in self.scales]
        return found


def _padded(width: Array, height: Array) -> Array:
    """Return the size of boxes with context, for the penalty."""
    margin = (width + height) / 2
    return np.sqrt((width + margin) * (height + margin))


def _change(ratio: Array) -> Array:
    """Return a ratio or its inverse, whichever is 1 or more."""
    return np.maximum(ratio, 1 / ratio)
