"""Raw output of YOLOX."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.grids import cells, check_count, check_strides
from runtimes.decoders.yolo_objectness import check_columns, take_rows
from runtimes.instances import Instances
from runtimes.signature import Signature
from runtimes.step import Count, Decoder
from runtimes.view import View


@dataclass(frozen=True, slots=True)
class Yolox(Decoder):
    """Raw output of YOLOX: [1, candidates, 5 + classes]. Follow it with `nms`.

    A candidate is x, y, width, height, objectness and class scores. The center in pixels is
    (xy + cell) * stride, the size is exp(wh) * stride. Source: Ge et al., "YOLOX: Exceeding YOLO
    Series in 2021". For models exported with decoding in the graph, use `yolo_objectness`.

    Example:
        - yolox: output
    """

    output: str | None = None
    """Name of the output. Default: the only output with three axes."""
    strides: tuple[Count, ...] = (8, 16, 32)
    """Size of a cell of each grid in pixels of the input, in the order of the candidates."""

    def bind(self, signature: Signature, classes: Classes) -> "Yolox":
        """See Decoder.bind."""
        tensor = signature.output(self.output, rank=(3,), role="[1, candidates, 5 + classes]")
        check_strides(self.strides)
        check_columns(tensor, classes, self.name())
        return replace(self, output=tensor.name)

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder. The score is objectness times the highest class score."""
        rows = take_rows(outputs, self.output, self.name())
        height, width = view.input
        grids = [(height // stride, width // stride) for stride in self.strides]
        check_count(rows.shape[1], grids, self.strides, view)
        candidates = np.flatnonzero(rows[0, :, 4] > threshold)
        with np.errstate(invalid="ignore"):  # infinity times 0 is NaN, which exceeds no threshold
            scores = rows[0, candidates, 5:] * rows[0, candidates, 4:5]
        best = scores.max(axis=1)
        kept = best > threshold
        numbers = candidates[kept]
        places, level = cells(numbers, grids)
        stride = np.array(self.strides)[level, None]
        values = rows[0, numbers, :4].astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):  # Instances.of drops what overflows
            center, half = (values[:, :2] + places) * stride, np.exp(values[:, 2:]) * stride / 2
            boxes = np.concatenate([center - half, center + half], axis=1)
        return Instances.of(boxes, best[kept], scores[kept].argmax(axis=1))
