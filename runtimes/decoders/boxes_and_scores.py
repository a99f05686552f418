"""Raw boxes and class scores in two outputs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.box_formats import BoxFormat, BoxUnit, to_corners
from runtimes.decoders.outputs import probabilities, scored, softmax, take
from runtimes.decoders.roles import Role, resolve
from runtimes.errors import BadModel, Fault
from runtimes.instances import Instances
from runtimes.signature import Signature, Tensor
from runtimes.step import Decoder
from runtimes.view import View

_BOXES = Role(
    "boxes",
    "boxes [1, candidates, 4]",
    ("box", "loc"),
    ((1, None, 4), (1, None, 1, 4)),
)
_SCORES = Role(
    "scores",
    "scores [1, candidates, classes] or [1, classes, candidates]",
    ("score", "conf", "prob", "cls", "class"),
    ((1, None, None),),
)


@dataclass(frozen=True, slots=True)
class BoxesAndScores(Decoder):
    """Raw boxes and class scores of candidates, in two outputs. Follow it with `nms`.

    YOLO-NAS, DAMO-YOLO, PP-YOLOE, YOLOv4, UltraFace and SSD, exported without NMS. The boxes are
    [1, candidates, 4] or [1, candidates, 1, 4], the scores [1, candidates, classes] or, as in
    PaddleDetection, [1, classes, candidates]. The boxes must be decoded in the graph: offsets from
    anchors or priors cannot be read.

    Example:
        - boxes_and_scores: {unit: fraction, background: first}   # UltraFace
    """

    boxes: str | None = None
    """Name of the output with the boxes. Default: recognized by its name or shape."""
    scores: str | None = None
    """Name of the output with the scores. Default: recognized by its name or shape."""
    box: BoxFormat = "corners"
    """The four values of a box: `corners`, x1, y1, x2, y2; `yx_corners`, y1, x1, y2, x2; `center`,
    center x, center y, width, height."""
    unit: BoxUnit = "pixels"
    """Unit of the values: `pixels` of the model's input, or `fraction`, 0..1 of its width and
    height."""
    background: Literal["none", "first", "last"] = "none"
    """Place of the background among the scores of a candidate. The other scores are the classes,
    from class ID 0."""
    activation: Literal["none", "sigmoid", "softmax"] = "none"
    """What turns the scores into probabilities: `none` if they are in 0..1 already; `sigmoid` for
    independent classes; `softmax` for exclusive ones, together with the background."""
    multi_label: bool = False
    """Whether a candidate is found once for each class with a score above the threshold, as in
    PaddleDetection. Default: once, as the class with its highest score."""

    def bind(self, signature: Signature, classes: Classes) -> "BoxesAndScores":
        """See Decoder.bind."""
        parts = [(_BOXES, self.boxes), (_SCORES, self.scores)]
        boxes, scores = resolve(signature, parts)
        assert boxes is not None
        assert scores is not None
        columns = self._columns(boxes, scores)
        if columns is not None:
            count = columns - (self.background != "none")
            what = f"{scores}: {count} classes"
            classes.check(count, what if count == columns else f"{what} + background")
        return replace(self, boxes=boxes.name, scores=scores.name)

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder."""
        boxes, scores = self._rows(outputs)
        if self.activation == "softmax":
            scores = softmax(scores, axis=1)
        else:
            scores = probabilities(scores, self.activation, self.name())
        first = int(self.background == "first")
        last = scores.shape[1] - int(self.background == "last")
        kept, numbers = scored(scores[:, first:last], threshold, multi_label=self.multi_label)
        found = to_corners(boxes[kept], self.box, self.unit, view.input)
        return Instances.of(found, scores[kept, numbers + first], numbers, rows=kept)

    def _columns(self, boxes: Tensor, scores: Tensor) -> int | None:
        """Return the number of scores of a candidate; None if it is not declared.

        Raises:
            BadModel: there are not as many scores as boxes.
        """
        count, (rows, columns) = boxes.shape[1], scores.shape[1:]
        if count is None or rows is None or columns is None:
            return None
        if count not in (rows, columns):
            raise BadModel(
                f"the output {scores} does not hold scores of the {count} candidates of {boxes}",
                where=_SCORES.key,
                allowed=f"[1, {count}, classes] or [1, classes, {count}]",
                hint="name the outputs: `boxes: NAME`, `scores: NAME`",
                fault=Fault.OUTPUT_LAYOUT,
            )
        return columns if rows == count else rows

    def _rows(self, outputs: Mapping[str, Array]) -> tuple[Array, Array]:
        """Return boxes (N, 4) and scores (N, classes).

        Raises:
            BadModel: the outputs have other shapes.
        """
        boxes, scores = take(outputs, self.boxes), take(outputs, self.scores)
        for role, array in ((_BOXES, boxes), (_SCORES, scores)):
            if role.pattern(array.shape) is None:
                raise BadModel(
                    f"`{self.name()}` decodes {role.holds}, got {list(array.shape)}",
                    where=role.key,
                )
        boxes, scores = boxes.reshape(-1, 4), scores[0]
        if len(scores) != len(boxes):
            scores = scores.T
        if len(scores) != len(boxes) or scores.shape[1] <= (self.background != "none"):
            raise BadModel(
                f"`{self.name()}` needs scores of classes for each of {len(boxes)} boxes",
                where=_SCORES.key,
                found=str(list(outputs[str(self.scores)].shape)),
                allowed=f"[1, {len(boxes)}, classes] or [1, classes, {len(boxes)}]",
            )
        return boxes, np.asarray(scores)
