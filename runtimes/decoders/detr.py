"""Transformers with a fixed number of queries: DETR, RT-DETR, D-FINE, DEIM, RF-DETR."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.outputs import corners, sigmoid, softmax
from runtimes.decoders.roles import Role, above, names, resolve, rows, to_pixels
from runtimes.errors import BadModel, Fault
from runtimes.instances import Instances
from runtimes.masks import FrameMasks
from runtimes.signature import Signature
from runtimes.step import Capability, Count, Decoder
from runtimes.view import View

# RF-DETR calls the boxes `dets` and the logits `labels`.
_LOGITS = Role("logits", "logits [1, queries, classes]", ("logit", "labels"), ((1, None, None),))
_BOXES = Role(
    "boxes",
    "boxes [1, queries, 4] of center x, center y, width, height",
    ("box", "dets"),
    ((1, None, 4),),
)
_MASKS = Role(
    "masks",
    "logits of masks [1, queries, height, width]",
    ("mask",),
    ((1, None, None, None),),
    optional=True,
)
_CONCAT = Role("output", "[1, queries, 4 + classes]", ("output",), ((1, None, None),))
_LABELS = Role("labels", "labels [1, queries]", ("label",), ((1, None),), "int")
_CORNERS = Role("boxes", "boxes [1, queries, 4] of x1, y1, x2, y2", ("box",), ((1, None, 4),))
_SCORES = Role("scores", "scores [1, queries]", ("score",), ((1, None),))


@dataclass(frozen=True, slots=True)
class Detr(Decoder):
    """DETR and Conditional DETR: logits and boxes. Needs no `nms`.

    The logits are [1, queries, classes + 1]; the scores are their softmax, and the last class means
    "no object". The boxes are [1, queries, 4] of center x, center y, width, height in 0..1 of the
    model's input. Source: Carion et al., "End-to-End Object Detection with Transformers", 2020.

    Example:
        - detr: {logits: logits, boxes: pred_boxes}
    """

    logits: str | None = None
    """Name of the output with the logits. Default: recognized by its name or shape."""
    boxes: str | None = None
    """Name of the output with the boxes. Default: recognized by its name or shape."""

    def bind(self, signature: Signature, classes: Classes) -> "Detr":
        """See Decoder.bind."""
        parts = [(_LOGITS, self.logits), (_BOXES, self.boxes)]
        logits, boxes = resolve(signature, parts, _OTHERS)
        assert logits is not None
        assert boxes is not None
        width = logits.shape[2]
        if width is not None:
            classes.check(width - 1, f"{logits}: {width} logits = 1 for no object + {width - 1}")
        return replace(self, logits=logits.name, boxes=boxes.name)

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder. Each query has its class with the highest score."""
        parts = [(_LOGITS, self.logits), (_BOXES, self.boxes)]
        logits, boxes = rows(outputs, parts, self.name())
        if logits.shape[1] < 2:
            raise BadModel(
                f"`{self.name()}` decodes logits of classes and of no object, got 1 per query",
                where=_LOGITS.key,
            )
        with np.errstate(invalid="ignore"):  # infinite logits give NaN, which exceeds no threshold
            scores = softmax(logits.astype(np.float32), axis=1)[:, :-1]
        best = scores.max(axis=1)
        kept = np.flatnonzero(best > threshold)
        found = to_pixels(corners(boxes[kept].astype(np.float64)), view.input)
        return Instances.of(found, best[kept], scores[kept].argmax(axis=1), rows=kept)


@dataclass(frozen=True, slots=True)
class Rtdetr(Decoder):
    """RT-DETR, D-FINE and RF-DETR: logits and boxes. Needs no `nms`.

    The logits are [1, queries, classes]; the scores are their sigmoid. The highest scores of all
    queries and classes are selected, so one query can be found as two classes. The boxes are
    [1, queries, 4] of center x, center y, width, height in 0..1 of the model's input. RF-DETR's
    segmentation models have masks [1, queries, h, w] that cover the input; a pixel whose
    interpolated logit is above 0 belongs to the mask. Sources: post_process_object_detection of
    transformers' RTDetrImageProcessor; PostProcess of github.com/roboflow/rf-detr.

    Example:
        - rtdetr: {queries: 300}
    """

    logits: str | None = None
    """Name of the output with the logits. Default: recognized by its name or shape."""
    boxes: str | None = None
    """Name of the output with the boxes. Default: recognized by its name or shape."""
    queries: Count | None = None
    """Maximum number of scores to select from all queries and classes. Default: the number of
    queries."""
    masks: str | None = None
    """Name of the output with the masks, if the model has one. Default: the output with four axes
    and `mask` in its name."""

    provides: ClassVar[frozenset[Capability]] = frozenset({"masks"})

    def bind(self, signature: Signature, classes: Classes) -> "Rtdetr":
        """See Decoder.bind."""
        logits, boxes, masks = resolve(signature, self._parts(), _OTHERS)
        assert logits is not None
        assert boxes is not None
        if logits.shape[2] is not None:
            classes.check(logits.shape[2], str(logits))
        if masks is not None and self.masks is None and "mask" not in masks.name.lower():
            masks = None  # such as features of the encoder
        return replace(
            self, logits=logits.name, boxes=boxes.name, masks=masks.name if masks else None
        )

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder."""
        parts = self._parts() if self.masks is not None else self._parts()[:2]
        logits, boxes, *masks = rows(outputs, parts, self.name())
        if logits.shape[1] < 1:
            raise BadModel(
                f"`{self.name()}` decodes {_LOGITS.holds}, got no classes", where=_LOGITS.key
            )
        scores = sigmoid(logits).ravel()
        kept = np.flatnonzero(scores > threshold)
        most = self.queries or len(boxes)
        if len(kept) > most:
            kept = kept[np.argsort(-scores[kept], kind="stable")[:most]]
        query, number = np.divmod(kept, logits.shape[1])
        found = to_pixels(corners(boxes[query].astype(np.float64)), view.input)
        own = FrameMasks.over(masks[0], 0, view.input, query) if masks else None
        return Instances.of(found, scores[kept], number, masks=own, rows=query)

    def _parts(self) -> list[tuple[Role, str | None]]:
        return [(_LOGITS, self.logits), (_BOXES, self.boxes), (_MASKS, self.masks)]


@dataclass(frozen=True, slots=True)
class RtdetrConcat(Decoder):
    """RT-DETR exported by Ultralytics: [1, queries, 4 + classes]. Needs no `nms`.

    A query is center x, center y, width, height in 0..1 of the model's input, then the scores after
    the sigmoid. Preprocess with `resize`, not `letterbox`.

    Example:
        - rtdetr_concat
    """

    output: str | None = None
    """Name of the output. Default: the only output with three axes."""

    def bind(self, signature: Signature, classes: Classes) -> "RtdetrConcat":
        """See Decoder.bind."""
        (tensor,) = resolve(signature, [(_CONCAT, self.output)])
        assert tensor is not None
        queries, columns = tensor.shape[1:]
        # A raw YOLO head has these axes swapped, and thousands of candidates.
        if queries is not None and columns is not None and columns > _MOST_COLUMNS:
            raise BadModel(
                f"the output {tensor} has {columns} values for each of {queries} queries",
                where=_CONCAT.key,
                allowed=_CONCAT.holds,
                hint="`yolo` is for [1, 4 + classes, candidates]",
                fault=Fault.OUTPUT_LAYOUT,
            )
        if columns is not None:
            counted = f"{tensor}: {columns} columns = 4 for the box + {columns - 4}"
            classes.check(columns - 4, counted)
        return replace(self, output=tensor.name)

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder. Each query has its class with the highest score."""
        (table,) = rows(outputs, [(_CONCAT, self.output)], self.name())
        if table.shape[1] < 5:
            raise BadModel(
                f"`{self.name()}` decodes {_CONCAT.holds}, got [1, {len(table)}, {table.shape[1]}]",
                where=_CONCAT.key,
            )
        scores = table[:, 4:]
        best = scores.max(axis=1)
        kept = np.flatnonzero(best > threshold)
        found = to_pixels(corners(table[kept, :4].astype(np.float64)), view.input)
        return Instances.of(found, best[kept], scores[kept].argmax(axis=1), rows=kept)


_MOST_COLUMNS = 2000
"""Maximum number of columns; a raw YOLO head has more candidates (8400 at 640 x 640)."""


@dataclass(frozen=True, slots=True)
class RtdetrDeploy(Decoder):
    """RT-DETR, D-FINE and DEIM exported by their authors' deployment scripts. Needs no `nms`.

    labels [1, queries], boxes [1, queries, 4] of x1, y1, x2, y2, scores [1, queries]. The model
    scales the boxes to the size in its second input, `orig_target_sizes` [1, 2]. The function feeds
    width and height of the model's input, so the boxes are in pixels of the input.

    Example:
        - rtdetr_deploy: {labels: labels, boxes: boxes, scores: scores}
    """

    labels: str | None = None
    """Name of the output with the classes. Default: recognized by its name or type."""
    boxes: str | None = None
    """Name of the output with the boxes. Default: recognized by its name or shape."""
    scores: str | None = None
    """Name of the output with the scores. Default: recognized by its name or type."""

    def bind(self, signature: Signature, classes: Classes) -> "RtdetrDeploy":
        """See Decoder.bind."""
        labels, boxes, scores = names(resolve(signature, self._parts(), _OTHERS))
        return replace(self, labels=labels, boxes=boxes, scores=scores)

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder."""
        labels, boxes, scores = rows(outputs, self._parts(), self.name())
        kept = above(scores, labels, threshold)
        return Instances.of(boxes[kept], scores[kept], labels[kept], rows=kept)

    def _parts(self) -> list[tuple[Role, str | None]]:
        return [(_LABELS, self.labels), (_CORNERS, self.boxes), (_SCORES, self.scores)]


_OTHERS = (
    "use `detr` or `rtdetr` for logits and boxes, `rtdetr_concat` for one output [1, queries, "
    "4 + classes], `rtdetr_deploy` for labels, boxes and scores"
)
