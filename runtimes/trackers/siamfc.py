"""SiamFC: where the template correlates best."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Annotated, Literal

import cv2
import numpy as np

from runtimes.arrays import Array, Size
from runtimes.decoders.outputs import probabilities, take
from runtimes.errors import BadModel, Fault
from runtimes.interfaces import Tracking
from runtimes.signature import Signature
from runtimes.step import Count, Fraction, Limits, Positive
from runtimes.trackers.crops import best_of, box_about, context_side, hann, view_of
from runtimes.trackers.inputs import bind_inputs
from runtimes.view import View


@dataclass(frozen=True, slots=True)
class Siamfc(Tracking):
    """SiamFC's response, [1, 1, h, w], often 17x17: a position alone. Scale is found by trying.

    Bertinetto et al., "Fully-Convolutional Siamese Networks for Object Tracking", 2016, with the
    details of got10k's siamfc-pytorch: the search crop is cut at three scales, responses are
    enlarged bicubically, those of other scales count a little less, and the best scale's is
    shifted to 0, made to sum to 1 and mixed with a Hann window. Of the new size `scale_rate` is
    taken on. The score is the enlarged response at the best place, after `activation`.

    Example:
        - siamfc: {activation: none, threshold: 0.4}
    """

    window: Fraction = 0.176
    """How much of the response is the window: 0 lets the object jump within the search crop."""
    scale_step: Annotated[float, Limits(above=1, most=2)] = 1.0375
    """The factor between two of the three scales."""
    scale_penalty: Fraction = 0.9745
    """What the responses of the two other scales are multiplied by."""
    scale_rate: Fraction = 0.59
    """How quickly the size follows: 1 takes it on at once."""
    context: Positive = 0.5
    """The margin around the template, per side, as a part of width + height."""
    stride: Count = 8
    """Pixels of the search crop from one cell of the response to the next."""
    enlarge: Annotated[int, Limits(least=1, most=32)] = 16
    """How many times finer the response is made before its highest place is looked for."""
    activation: Literal["sigmoid", "none"] = "sigmoid"
    """What makes a score of the response: `sigmoid` of a logit, or `none` where it is one."""
    output: str | None = None
    """The output's name. Default: the only one with four axes."""

    def bind(self, model: Signature, encoder: Signature | None) -> "Siamfc":
        """See Tracking.bind."""
        inputs = bind_inputs(self, model, encoder, (127, 255))
        tensor = model.output(self.output, rank=(4,), role="the response, [1, 1, h, w]")
        shape = tensor.shape
        if len(shape) != 4 or shape[0] not in (1, None) or shape[1] not in (1, None):
            raise BadModel(
                f"the output {tensor} does not hold one response for each place",
                where="output",
                found=tensor.name,
                allowed="[1, 1, height, width]",
                fault=Fault.OUTPUT_LAYOUT,
            )
        return replace(self, output=tensor.name, **inputs)

    def template_view(self, box: Array, image: Size) -> View:
        """See Tracking.template_view."""
        assert self.template_size is not None
        return view_of(box, context_side(box, self.context), self.template_size, image)

    def search_views(self, box: Array, image: Size) -> tuple[View, ...]:
        """See Tracking.search_views; the same place at three scales, the smallest first."""
        assert self.template_size is not None
        assert self.search_size is not None
        side = context_side(box, self.context) * self.search_size / self.template_size
        factors = (1 / self.scale_step, 1.0, self.scale_step)
        return tuple(view_of(box, side * factor, self.search_size, image) for factor in factors)

    def __call__(
        self, outputs: Sequence[Mapping[str, Array]], views: Sequence[View], box: Array
    ) -> tuple[Array, float]:
        """See Tracking."""
        responses = [self._response(found) for found in outputs]
        if len({response.shape for response in responses}) != 1:
            raise BadModel("the responses at the three scales differ in size", where="output")
        weights = (self.scale_penalty, 1.0, self.scale_penalty)
        peaks = [
            float(response.max()) * weight
            for response, weight in zip(responses, weights, strict=True)
        ]
        # Of equals the middle one: the size then stays as it is.
        number = max((1, 0, 2), key=lambda at: peaks[at] if isfinite(peaks[at]) else -np.inf)
        response, view = responses[number], views[number]
        height, width = response.shape
        with np.errstate(invalid="ignore"):
            shifted = response - response.min()
            mixed = shifted / (shifted.sum() + 1e-16) * (1 - self.window)
        window = hann(height, width)
        row, column = best_of(mixed + window / window.sum() * self.window)
        step = self.stride / self.enlarge / view.geometry.scale_x
        x = (box[0] + box[2]) / 2 + (column - (width - 1) / 2) * step
        y = (box[1] + box[3]) / 2 + (row - (height - 1) / 2) * step
        factor = (1 / self.scale_step, 1.0, self.scale_step)[number]
        grown = 1 - self.scale_rate + self.scale_rate * factor
        new = box_about(x, y, (box[2] - box[0]) * grown, (box[3] - box[1]) * grown)
        score = probabilities(response[row : row + 1, column], self.activation, self.name())
        return new, float(score[0])

    def _response(self, outputs: Mapping[str, Array]) -> Array:
        """The response to one search crop, enlarged, (h, w) float32."""
        values = take(outputs, self.output)
        if values.ndim != 4 or values.shape[:2] != (1, 1) or not values.size:
            raise BadModel(
                f"`{self.name()}` decodes [1, 1, h, w], got {list(values.shape)}", where="output"
            )
        height, width = values.shape[2:]
        size = (width * self.enlarge, height * self.enlarge)
        plain = np.ascontiguousarray(values[0, 0], np.float32)
        return np.asarray(cv2.resize(plain, size, interpolation=cv2.INTER_CUBIC))
