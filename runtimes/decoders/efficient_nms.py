"""The four outputs of TensorRT's EfficientNMS plug-in, which other exporters also use."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.outputs import take
from runtimes.decoders.roles import Role, above, names, resolve, rows
from runtimes.errors import BadModel
from runtimes.instances import Instances
from runtimes.signature import Signature
from runtimes.step import Decoder
from runtimes.view import View

_COUNT = Role("num_dets", "the number of detections [1, 1]", ("num",), ((1, 1), (1,)), "int")
_BOXES = Role("det_boxes", "boxes [1, N, 4]", ("box",), ((1, None, 4),))
_SCORES = Role("det_scores", "scores [1, N]", ("score",), ((1, None),))
_CLASSES = Role("det_classes", "classes [1, N]", ("class", "label"), ((1, None),), "int")


@dataclass(frozen=True, slots=True)
class EfficientNms(Decoder):
    """Final boxes of models with TensorRT's EfficientNMS plug-in. Needs no `nms`.

    num_dets [1, 1], det_boxes [1, N, 4] of x1, y1, x2, y2 in pixels of the model's input,
    det_scores [1, N], det_classes [1, N]. Format: TensorRT's efficientNMSPlugin; the rows after
    the first num_dets are undefined.

    Example:
        - efficient_nms
    """

    num_dets: str | None = None
    """Name of the output with the number of detections. Default: recognized by its name or
    shape."""
    det_boxes: str | None = None
    """Name of the output with the boxes. Default: recognized by its name or shape."""
    det_scores: str | None = None
    """Name of the output with the scores. Default: recognized by its name or type."""
    det_classes: str | None = None
    """Name of the output with the classes. Default: recognized by its name or type."""

    def bind(self, signature: Signature, classes: Classes) -> "EfficientNms":
        """See Decoder.bind."""
        count, boxes, scores, numbers = names(resolve(signature, self._parts()))
        return replace(
            self, num_dets=count, det_boxes=boxes, det_scores=scores, det_classes=numbers
        )

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder."""
        boxes, scores, classes = rows(outputs, self._parts()[1:], self.name())
        number = take(outputs, self.num_dets)
        if number.size != 1 or not 0 <= number.item() <= len(boxes):
            found = number.item() if number.size == 1 else list(number.shape)
            raise BadModel(
                f"`{self.name()}` decodes one number of detections, got {found}",
                where=_COUNT.key,
                allowed=f"0 to {len(boxes)}",
            )
        used = int(number.item())
        kept = above(scores[:used], classes[:used], threshold)
        return Instances.of(boxes[kept], scores[kept], classes[kept], rows=kept)

    def _parts(self) -> list[tuple[Role, str | None]]:
        return [
            (_COUNT, self.num_dets),
            (_BOXES, self.det_boxes),
            (_SCORES, self.det_scores),
            (_CLASSES, self.det_classes),
        ]
