"""SiamFC: correlation with the template at three scales."""

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
    """SiamFC: a response map, [1, 1, h, w], usually 17x17, at three scales of the search crop.

    The responses are enlarged bicubically, and those of the two other scales are multiplied by
    `scale_penalty`. The response of the best scale is shifted to a minimum of 0, normalized to a
    sum of 1 and combined with a Hann window. The confidence is the enlarged response at the
    maximum, after `activation`. Sources: Bertinetto et al., "Fully-Convolutional Siamese Networks
    for Object Tracking", 2016; got10k's siamfc-pytorch.

    Example:
        - siamfc: {activation: none, threshold: 0.4}
    """

    window: Fraction = 0.176
    """Weight of the Hann window in the response, which penalizes large movements; 0 disables it."""
    scale_step: Annotated[float, Limits(above=1, most=2)] = 1.0375
    """Ratio of two successive scales."""
    scale_penalty: Fraction = 0.9745
    """Factor of the responses of the two other scales."""
    scale_rate: Fraction = 0.59
    """Rate at which the box adopts the new scale; 1 adopts it immediately."""
    context: Positive = 0.5
    """Margin on each side of the template as a fraction of width + height."""
    stride: Count = 8
    """Distance of two cells of the response, in pixels of the search crop."""
    enlarge: Annotated[int, Limits(least=1, most=32)] = 16
    """Factor by which the response is enlarged before its maximum is searched."""
    activation: Literal["sigmoid", "none"] = "sigmoid"
    """Activation that converts the response to a confidence: `sigmoid` for logits, `none` if it is
    in the graph."""
    output: str | None = None
    """Name of the output. Default: the only output with four axes."""

    def bind(self, model: Signature, encoder: Signature | None) -> "Siamfc":
        """See Tracking.bind."""
        inputs = bind_inputs(self, model, encoder, (127, 255))
        tensor = model.output(self.output, rank=(4,), role="the response, [1, 1, h, w]")
        shape = tensor.shape
        if len(shape) != 4 or shape[0] not in (1, None) or shape[1] not in (1, None):
            raise BadModel(
                f"the output {tensor} is not a response map",
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
        """See Tracking.search_views. The same position at three scales, smallest first."""
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
        # Of equal responses, prefer the middle scale, which keeps the size.
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
        """Return the enlarged response of one search crop, (h, w) float32."""
        values = take(outputs, self.output)
        if values.ndim != 4 or values.shape[:2] != (1, 1) or not values.size:
            raise BadModel(
                f"`{self.name()}` decodes [1, 1, h, w], got {list(values.shape)}", where="output"
            )
        height, width = values.shape[2:]
        size = (width * self.enlarge, height * self.enlarge)
        plain = np.ascontiguousarray(values[0, 0], np.float32)
        return np.asarray(cv2.resize(plain, size, interpolation=cv2.INTER_CUBIC))
