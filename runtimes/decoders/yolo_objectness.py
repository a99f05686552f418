"""Raw heads of YOLOv5, YOLOv6 and YOLOv7."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from runtimes.arrays import Array
from runtimes.decoders.outputs import check_task, corners, take
from runtimes.errors import BadModel
from runtimes.instances import Instances
from runtimes.signature import Signature
from runtimes.step import Classes, Decoder
from runtimes.view import View


@dataclass(frozen=True, slots=True)
class YoloObjectness(Decoder):
    """Raw output of YOLOv5, 6 and 7: [1, candidates, 5 + classes]. Follow it with `nms`.

    The fifth value says how sure the model is that there is any object at all.
    """

    output: str | None = None
    """The output's name. Default: the only one with three axes."""

    def bind(self, signature: Signature, classes: Classes) -> "YoloObjectness":
        """See Decoder.bind."""
        tensor = signature.output(self.output, rank=(3,), role="[1, candidates, 5 + classes]")
        check_task(signature, tensor, "detect")
        rows, columns = tensor.shape[1], tensor.shape[2]
        if rows is not None and columns is not None and 4 < rows < columns:
            raise BadModel(
                f"the output {tensor} has candidates in columns; `yolo_objectness` decodes "
                "candidates in rows",
                hint="`yolo` is for [1, 4 + classes, candidates] (v8, 9, 11, 12)",
            )
        if columns is not None:
            counted = f"{tensor}: {columns} columns = 5 for box and objectness + {columns - 5}"
            classes.check(columns - 5, counted)
        return replace(self, output=tensor.name)

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """Take the best class of each candidate; its score is objectness x class score."""
        rows = take(outputs, self.output)
        if rows.ndim != 3 or rows.shape[0] != 1 or rows.shape[2] < 6:
            raise BadModel(
                f"`yolo_objectness` decodes [1, candidates, 5 + classes], got {list(rows.shape)}",
                where="output",
            )
        sure = rows[0, rows[0, :, 4] > threshold].astype(np.float32)
        scores = sure[:, 5:] * sure[:, 4:5]
        best = scores.max(axis=1, initial=0)
        # The limit has the precision of what it is compared with, as a threshold has elsewhere.
        kept = best > rows.dtype.type(threshold)
        return Instances.of(corners(sure[kept, :4]), best[kept], scores[kept].argmax(axis=1))
