"""Raw output of YOLOv5, YOLOv6 and YOLOv7."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.outputs import check_task, corners, take
from runtimes.errors import BadModel, Fault
from runtimes.instances import Instances
from runtimes.signature import Signature, Tensor
from runtimes.step import Decoder
from runtimes.view import View


def layout(extra: int = 0) -> str:
    """Return the shape of the output, for messages; see check_columns."""
    return f"[1, candidates, 5 + classes{f' + {extra}' if extra else ''}]"


def check_columns(
    tensor: Tensor, classes: Classes, step: str, extra: int = 0, what: str = ""
) -> None:
    """Compare the declared [1, candidates, 5 + classes + extra] with the labels.

    Args:
        tensor: the output.
        classes: of the labels.
        step: the step's name, for messages.
        extra: the number of values per candidate besides box, objectness and classes.
        what: the meaning of those values, for messages.

    Raises:
        BadModel: the output has another layout or another number of classes.
    """
    rows, columns = tensor.shape[1:] if len(tensor.shape) == 3 else (0, 0)
    if columns is not None and columns < 6 + extra:
        raise BadModel(
            f"the output {tensor} does not hold candidates of `{step}`",
            where="output",
            allowed=layout(extra),
            fault=Fault.OUTPUT_LAYOUT,
        )
    if rows is not None and columns is not None and 4 < rows < columns:
        raise BadModel(
            f"the output {tensor} has candidates in columns; `{step}` decodes candidates in rows",
            where="output",
            allowed=layout(extra),
            hint="`yolo` is for [1, 4 + classes, candidates] (v8, 9, 11, 12)",
            fault=Fault.OUTPUT_LAYOUT,
        )
    if columns is not None:
        count = columns - 5 - extra
        beside = f" + {extra} {what}" if extra else ""
        counted = f"{tensor}: {columns} columns = 5 for box and objectness{beside} + {count}"
        classes.check(count, counted)


def take_rows(outputs: Mapping[str, Array], name: str | None, step: str, extra: int = 0) -> Array:
    """Return the output, (1, candidates, 5 + classes + extra).

    Raises:
        BadModel: it is missing or has another shape.
    """
    rows = take(outputs, name)
    if rows.ndim != 3 or rows.shape[0] != 1 or rows.shape[2] < 6 + extra:
        raise BadModel(
            f"`{step}` decodes {layout(extra)}, got {list(rows.shape)}",
            where="output",
        )
    return rows


def scored(rows: Array, classes: slice, threshold: float) -> tuple[Array, Array, Array]:
    """Return the candidates whose objectness times highest class score exceeds the threshold.

    Args:
        rows: (1, N, C) of box, objectness and further values.
        classes: the columns of the class scores.
        threshold: 0..1.

    Returns:
        (M, C) float32 rows, (M,) scores, (M,) class IDs.
    """
    candidates = rows[0, rows[0, :, 4] > threshold].astype(np.float32)
    scores = candidates[:, classes] * candidates[:, 4:5]
    best = scores.max(axis=1, initial=0)
    # The threshold is rounded to the precision of the scores, as a threshold has elsewhere.
    kept = best > rows.dtype.type(threshold)
    return candidates[kept], best[kept], scores[kept].argmax(axis=1)


@dataclass(frozen=True, slots=True)
class YoloObjectness(Decoder):
    """Raw output of YOLOv5, 6 and 7: [1, candidates, 5 + classes]. Follow it with `nms`.

    The fifth value is the objectness. The score of a class is objectness times class score.

    Example:
        - yolo_objectness: output0
    """

    output: str | None = None
    """Name of the output. Default: the only output with three axes."""

    def bind(self, signature: Signature, classes: Classes) -> "YoloObjectness":
        """See Decoder.bind."""
        tensor = signature.output(self.output, rank=(3,), role="[1, candidates, 5 + classes]")
        check_task(signature, tensor, "detect")
        check_columns(tensor, classes, self.name())
        return replace(self, output=tensor.name)

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder. The score is objectness times the highest class score."""
        rows = take_rows(outputs, self.output, self.name())
        found, scores, numbers = scored(rows, slice(5, None), threshold)
        return Instances.of(corners(found[:, :4]), scores, numbers)
