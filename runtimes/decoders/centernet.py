"""Raw heads of CenterNet: a heatmap of centers, sizes and offsets."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.outputs import probabilities, take
from runtimes.decoders.roles import Role, resolve
from runtimes.errors import BadModel
from runtimes.instances import Instances
from runtimes.signature import Signature
from runtimes.step import Count, Decoder
from runtimes.view import View

_HEATMAP = Role(
    "heatmap",
    "a heatmap [1, classes, height, width]",
    ("hm", "heat", "center"),
    ((1, None, None, None),),
)
_SIZES = Role("sizes", "sizes [1, 2, height, width]", ("wh", "size"), ((1, 2, None, None),))
_OFFSETS = Role(
    "offsets",
    "offsets [1, 2, height, width]",
    ("reg", "off"),
    ((1, 2, None, None),),
    optional=True,
)
_WINDOW = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class Centernet(Decoder):
    """Raw heads of CenterNet: a heatmap, sizes and offsets. Needs no `nms`.

    The heatmap [1, classes, h, w] has a peak at the center of each object: a cell that is at least
    as high as its eight neighbors. `sizes` [1, 2, h, w] has width and height in cells, `offsets`
    [1, 2, h, w] the distance of the center from the cell's corner in cells. A cell has as many
    pixels as the model's input has per cell, usually 4. Source: Zhou et al., "Objects as Points",
    2019. For models with decoding in the graph, use `yolo_end2end`.

    Example:
        - centernet: {activation: sigmoid}
    """

    heatmap: str | None = None
    """Name of the output with the heatmap. Default: recognized by its name or shape."""
    sizes: str | None = None
    """Name of the output with the sizes. Default: recognized by its name or shape."""
    offsets: str | None = None
    """Name of the output with the offsets, if the model has one. Default: recognized by its name or
    shape."""
    activation: Literal["none", "sigmoid"] = "none"
    """What turns the heatmap into probabilities: `none` if they are in 0..1 already, `sigmoid` for
    logits, as CenterNet's own code exports them."""
    top: Count = 100
    """Maximum number of peaks, those with the highest scores."""

    def bind(self, signature: Signature, classes: Classes) -> "Centernet":
        """See Decoder.bind."""
        parts = [(_SIZES, self.sizes), (_OFFSETS, self.offsets), (_HEATMAP, self.heatmap)]
        sizes, offsets, heatmap = resolve(signature, parts)
        assert sizes is not None
        assert heatmap is not None
        if heatmap.shape[1] is not None:
            classes.check(heatmap.shape[1], str(heatmap))
        return replace(
            self,
            heatmap=heatmap.name,
            sizes=sizes.name,
            offsets=None if offsets is None else offsets.name,
        )

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder. The score is the height of the peak."""
        heatmap = self._map(outputs, self.heatmap, _HEATMAP)
        cells = heatmap.shape[1:]
        sizes = self._map(outputs, self.sizes, _SIZES)
        offsets = np.zeros((2, *cells), np.float32)
        if self.offsets is not None:
            offsets = self._map(outputs, self.offsets, _OFFSETS)
        if sizes.shape[1:] != cells or offsets.shape[1:] != cells:
            raise BadModel(
                f"`{self.name()}` needs maps of one size",
                where=_SIZES.key,
                found=", ".join(str(list(it.shape[1:])) for it in (heatmap, sizes, offsets)),
            )
        scores = probabilities(heatmap, self.activation, self.name()).astype(np.float32)
        numbers, rows, columns = _peaks(scores, threshold)
        found = scores[numbers, rows, columns]
        best = np.argsort(-found, kind="stable")[: self.top]
        numbers, rows, columns = numbers[best], rows[best], columns[best]
        pixels = np.array([view.input[1] / cells[1], view.input[0] / cells[0]])
        shift = offsets[:, rows, columns].T.astype(np.float64)
        center = (np.stack([columns, rows], axis=1) + shift) * pixels
        half = sizes[:, rows, columns].T.astype(np.float64) * pixels / 2
        boxes = np.concatenate([center - half, center + half], axis=1)
        return Instances.of(boxes, found[best], numbers)

    def _map(self, outputs: Mapping[str, Array], name: str | None, role: Role) -> Array:
        """Return an output without its batch axis, (channels, h, w).

        Raises:
            BadModel: it has another shape.
        """
        found = take(outputs, name)
        if role.pattern(found.shape) is None:
            raise BadModel(
                f"`{self.name()}` decodes {role.holds}, got {list(found.shape)}", where=role.key
            )
        return np.asarray(found[0])


def _peaks(scores: Array, threshold: float) -> tuple[Array, Array, Array]:
    """Return class, row and column of each peak above the threshold.

    Args:
        scores: (classes, h, w) float32.
        threshold: 0..1.
    """
    found = [np.zeros((0, 3), np.int64)]
    for number, values in enumerate(scores):
        if (values > threshold).any():
            places = np.argwhere((values > threshold) & (values >= cv2.dilate(values, _WINDOW)))
            found.append(np.insert(places, 0, number, axis=1))
    numbers, rows, columns = np.concatenate(found).T
    return numbers, rows, columns
