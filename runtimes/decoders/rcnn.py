"""Final instances with masks or keypoints: torchvision, Detectron2, MMDeploy, Mask R-CNN."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from runtimes.arrays import Array, Size
from runtimes.classes import Classes
from runtimes.decoders.outputs import sigmoid
from runtimes.decoders.roles import Role, above, names, resolve, rows, to_pixels
from runtimes.decoders.ssd import seven
from runtimes.errors import BadModel, Fault
from runtimes.instances import Instances
from runtimes.masks import BoxMasks, FrameMasks
from runtimes.signature import Signature, listed
from runtimes.step import Capability, Decoder
from runtimes.view import View

_MASK_LEVEL = 0.5
"""Probability above which a pixel belongs to a mask, in all of these models."""

_BOXES = Role("boxes", "boxes [N, 4]", ("boxes",), ((None, 4),))
_LABELS = Role("labels", "labels [N]", ("labels", "classes"), ((None,),), "int")
_SCORES = Role("scores", "scores [N]", ("scores",), ((None,),))
_MASKS = Role(
    "masks", "masks [N, 1, height, width]", ("masks",), ((None, 1, None, None),), optional=True
)
_KEYPOINTS = Role(
    "keypoints", "keypoints [N, K, 3]", ("keypoints",), ((None, None, 3),), optional=True
)
_KEYPOINT_LOGITS = Role(
    "keypoints_scores", "logits of keypoints [N, K]", (), ((None, None),), optional=True
)

_DETS = Role("dets", "rows [1, N, 5] of x1, y1, x2, y2, score", ("dets",), ((1, None, 5),))
_DET_LABELS = Role("labels", "labels [1, N]", ("labels",), ((1, None),), "int", optional=True)
_DET_MASKS = Role(
    "masks", "masks [1, N, height, width]", ("masks",), ((1, None, None, None),), optional=True
)
_DET_KEYPOINTS = Role(
    "keypoints", "keypoints [1, N, K, 3]", ("keypoints",), ((1, None, None, 3),), optional=True
)

_TABLE = Role(
    "detections",
    "rows [N, 7] of image, class, score, x1, y1, x2, y2",
    ("reshape_do_2d", "detection"),
    ((None, 7), (1, 1, None, 7)),
)
_CLASS_MASKS = Role(
    "masks", "masks [N, classes, height, width]", ("masks",), ((None, None, None, None),)
)


def _masks_of(
    masks: Array, kept: Array, boxes: Array, size: Size, step: str
) -> FrameMasks | BoxMasks:
    """Return masks that cover the model's whole input, or that are to be pasted into their boxes.

    Small square masks are those of the head, mostly 28x28. They are stretched over their boxes and
    fade out beyond their borders: torchvision's paste_masks_in_image and Detectron2's
    paste_masks_in_image both interpolate towards a ring of zeros around the mask.

    Args:
        masks: (M, height, width) probabilities.
        kept: (N,) the indexes of the instances' masks.
        boxes: (N, 4) x1 y1 x2 y2 in pixels of the input.
        size: of the input.
        step: the step's name, for the message.

    Raises:
        BadModel: the masks have neither the size of the input nor that of a head.
    """
    height, width = masks.shape[1:]
    if (height, width) == size or not len(kept):
        return FrameMasks.over(masks, _MASK_LEVEL, size, kept)
    if height != width or 2 * height >= min(size):
        raise BadModel(
            f"`{step}` decodes masks of the input's size {size[0]}x{size[1]}, or small square ones "
            f"of each box, such as 28x28; got {height}x{width}",
            where="masks",
            hint="export the model with masks pasted into the image (MMDeploy: "
            "export_postprocess_mask)",
        )
    boxes = boxes.astype(np.float64)
    ring = (boxes[:, 2:] - boxes[:, :2]) / height
    wider = np.concatenate([boxes[:, :2] - ring, boxes[:, 2:] + ring], axis=1)
    padded = np.pad(masks[kept].astype(np.float32), ((0, 0), (1, 1), (1, 1)))
    return BoxMasks(padded, _MASK_LEVEL, wider)


def _without_image_size(signature: Signature) -> Signature:
    """Return a signature without Detectron2's output of the image's height and width, int [2]."""
    outputs = tuple(
        it for it in signature.outputs if not (it.shape == (2,) and it.dtype.startswith("int"))
    )
    return replace(signature, outputs=outputs)


@dataclass(frozen=True, slots=True)
class Torchvision(Decoder):
    """torchvision's and Detectron2's R-CNN, RetinaNet and FCOS, torchvision's SSD. Needs no `nms`.

    boxes [N, 4] of x1, y1, x2, y2 in pixels of the model's input, labels [N], scores [N],
    optionally masks [N, 1, height, width] of probabilities, and keypoints [N, K, 3] of x, y,
    visibility. Masks cover the input, or are small, such as 28x28, and are stretched over their
    boxes. The model takes one image without a batch axis, [3, height, width]; torchvision's models
    resize it in the graph.

    Example:
        - torchvision: {boxes: boxes, labels: labels, scores: scores, masks: masks}
    """

    boxes: str | None = None
    """Name of the output with the boxes. Default: recognized by its name or shape."""
    labels: str | None = None
    """Name of the output with the classes. Default: recognized by its name or type."""
    scores: str | None = None
    """Name of the output with the scores. Default: recognized by its name or type."""
    masks: str | None = None
    """Name of the output with the masks, if the model has one. Default: recognized by its shape."""
    keypoints: str | None = None
    """Name of the output with the keypoints, if the model has one. Default: recognized by its
    shape."""
    keypoints_scores: str | None = None
    """Name of the output [N, K] with the logits of the keypoints, which are converted to their
    confidence. Default: the third value of `keypoints`, which torchvision always sets to 1."""
    background: bool = True
    """Whether the model's class 0 is the background. If so, class 1 is the label with class ID 0.
    `false` for Detectron2."""

    provides: ClassVar[frozenset[Capability]] = frozenset({"masks", "keypoints"})

    def bind(self, signature: Signature, classes: Classes) -> "Torchvision":
        """See Decoder.bind."""
        signature = _without_image_size(signature)
        boxes, labels, scores, masks, keypoints = names(resolve(signature, self._parts()))
        if self.keypoints_scores is not None:
            resolve(signature, [(_KEYPOINT_LOGITS, self.keypoints_scores)])
        return replace(
            self, boxes=boxes, labels=labels, scores=scores, masks=masks, keypoints=keypoints
        )

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder."""
        parts = [*self._parts(), (_KEYPOINT_LOGITS, self.keypoints_scores)]
        found = _present(outputs, parts, self.name())
        first = int(self.background)
        kept = above(found["scores"], found["labels"], threshold, first)
        masks = keypoints = None
        if "masks" in found:
            boxes = found["boxes"][kept]
            masks = _masks_of(found["masks"][:, 0], kept, boxes, view.input, self.name())
        if "keypoints" in found:
            keypoints = found["keypoints"][kept].astype(np.float64)
            if "keypoints_scores" in found:
                keypoints[..., 2] = sigmoid(found["keypoints_scores"][kept])
        return Instances.of(
            found["boxes"][kept],
            found["scores"][kept],
            found["labels"][kept].astype(np.int64) - first,
            keypoints=keypoints,
            masks=masks,
            rows=kept,
        )

    def _parts(self) -> list[tuple[Role, str | None]]:
        return [
            (_BOXES, self.boxes),
            (_LABELS, self.labels),
            (_SCORES, self.scores),
            (_MASKS, self.masks),
            (_KEYPOINTS, self.keypoints),
        ]


@dataclass(frozen=True, slots=True)
class Mmdeploy(Decoder):
    """MMDeploy's detectors, such as RTMDet: dets [1, N, 5], labels [1, N]. Needs no `nms`.

    A row of dets is x1, y1, x2, y2 in pixels of the model's input, and score. Instance
    segmentation models have masks [1, N, height, width] that cover the input, or small ones such as
    28x28 that are stretched over their boxes. RTMO has keypoints [1, N, K, 3]
    of x, y and confidence instead of labels: all its instances are of class 0.

    Example:
        - mmdeploy: {dets: dets, labels: labels, masks: masks}
    """

    dets: str | None = None
    """Name of the output with boxes and scores. Default: recognized by its name or shape."""
    labels: str | None = None
    """Name of the output with the classes; RTMO has none. Default: recognized by its name or
    shape."""
    masks: str | None = None
    """Name of the output with the masks, if the model has one. Default: recognized by its shape."""
    keypoints: str | None = None
    """Name of the output with the keypoints, if the model has one. Default: recognized by its
    shape."""

    provides: ClassVar[frozenset[Capability]] = frozenset({"masks", "keypoints"})

    def bind(self, signature: Signature, classes: Classes) -> "Mmdeploy":
        """See Decoder.bind."""
        found = resolve(signature, self._parts())
        dets, labels, masks, keypoints = names(found)
        if labels is None and keypoints is None:
            raise BadModel(
                f"no output holds {_DET_LABELS.holds}",
                where=_DET_LABELS.key,
                found=listed(signature.outputs),
                allowed=f"{_DET_LABELS.holds}, or {_DET_KEYPOINTS.holds} of RTMO",
                fault=Fault.OUTPUT_MISSING,
            )
        return replace(self, dets=dets, labels=labels, masks=masks, keypoints=keypoints)

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder."""
        found = _present(outputs, self._parts(), self.name())
        dets = found["dets"]
        labels = found.get("labels", np.zeros(len(dets), np.int64))
        kept = above(dets[:, 4], labels, threshold)
        masks = keypoints = None
        if "masks" in found:
            masks = _masks_of(found["masks"], kept, dets[kept, :4], view.input, self.name())
        if "keypoints" in found:
            keypoints = found["keypoints"][kept]
        return Instances.of(
            dets[kept, :4],
            dets[kept, 4],
            labels[kept],
            keypoints=keypoints,
            masks=masks,
            rows=kept,
        )

    def _parts(self) -> list[tuple[Role, str | None]]:
        return [
            (_DETS, self.dets),
            (_DET_LABELS, self.labels),
            (_DET_MASKS, self.masks),
            (_DET_KEYPOINTS, self.keypoints),
        ]


@dataclass(frozen=True, slots=True)
class MaskRcnnOpenvino(Decoder):
    """TensorFlow's Mask R-CNN, converted to OpenVINO. Needs no `nms`.

    The rows of `reshape_do_2d`, [N, 7], are those of `ssd`: image, class, score, x1, y1, x2, y2,
    with the corners in 0..1 of the model's input, up to the first row with image -1. `masks`, [N,
    classes, 33, 33], holds one small mask per class; that of the row's class is stretched over its
    box.

    Example:
        - mask_rcnn_openvino: {detections: reshape_do_2d, masks: masks}
    """

    detections: str | None = None
    """Name of the output with the rows. Default: the only output with seven values per row."""
    masks: str | None = None
    """Name of the output with the masks. Default: recognized by its name or shape."""
    background: bool = True
    """Whether the model's class 0 is the background. It has no mask. If so, class 1 has the first
    mask and is the label with class ID 0."""

    provides: ClassVar[frozenset[Capability]] = frozenset({"masks"})

    def bind(self, signature: Signature, classes: Classes) -> "MaskRcnnOpenvino":
        """See Decoder.bind."""
        detections, masks = resolve(signature, self._parts())
        assert detections is not None
        assert masks is not None
        if masks.shape[1] is not None:
            classes.check(masks.shape[1], f"{masks}: {masks.shape[1]} masks for each row")
        return replace(self, detections=detections.name, masks=masks.name)

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder."""
        table, masks = rows(outputs, self._parts(), self.name())
        boxes, scores, classes = seven(table)
        first = int(self.background)
        kept = above(scores, classes, threshold, first)
        numbers = classes[kept].astype(np.int64) - first
        if len(kept) and numbers.max() >= masks.shape[1]:
            raise BadModel(
                f"`{self.name()}` found class {numbers.max() + first}, but the model has masks for "
                f"only {masks.shape[1]} classes",
                where="background",
                found=str(self.background).lower(),
                allowed=f"classes {first} to {masks.shape[1] - 1 + first}",
            )
        found = to_pixels(boxes[kept], view.input)
        own = BoxMasks(masks[kept, numbers].astype(np.float32), _MASK_LEVEL, found)
        return Instances.of(found, scores[kept], numbers, masks=own, rows=kept)

    def _parts(self) -> list[tuple[Role, str | None]]:
        return [(_TABLE, self.detections), (_CLASS_MASKS, self.masks)]


def _present(
    outputs: Mapping[str, Array], parts: list[tuple[Role, str | None]], step: str
) -> dict[str, Array]:
    """Return the rows of all outputs by role, without optional outputs that the model lacks.

    Raises:
        BadModel: see roles.rows.
    """
    given = [(role, name) for role, name in parts if name is not None or not role.optional]
    keys = (role.key for role, _ in given)
    return dict(zip(keys, rows(outputs, given, step), strict=True))
