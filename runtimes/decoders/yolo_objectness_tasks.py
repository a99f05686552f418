"""Raw output of YOLOv5 and YOLOv7 with masks or keypoints."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.outputs import check_task, corners, take
from runtimes.decoders.yolo import KeypointShape, as_keypoints, keypoint_shape
from runtimes.decoders.yolo_objectness import check_columns, layout, scored, take_rows
from runtimes.instances import Instances
from runtimes.masks import PrototypeMasks
from runtimes.signature import Signature
from runtimes.step import Capability, Decoder
from runtimes.view import View


@dataclass(frozen=True, slots=True)
class YoloObjectnessSegment(Decoder):
    """Raw output of YOLOv5-seg and YOLOv7-seg. Follow it with `nms`.

    Rows of box, objectness, classes and mask coefficients, [1, candidates, 5 + classes + 32], and
    mask prototypes, [1, 32, height / 4, width / 4]. A box is center x, center y, width, height in
    pixels of the model's input. The score of a class is objectness times class score. A pixel
    belongs to the mask if the sum of the prototypes times the coefficients is above 0. Source:
    github.com/ultralytics/yolov5, segment/predict.py.

    Example:
        - yolo_objectness_segment: {output: output0, prototypes: output1}
    """

    output: str | None = None
    """Name of the output with the boxes. Default: the only output with three axes."""
    prototypes: str | None = None
    """Name of the output with the prototypes. Default: the only output with four axes."""

    provides: ClassVar[frozenset[Capability]] = frozenset({"masks"})

    def bind(self, signature: Signature, classes: Classes) -> "YoloObjectnessSegment":
        """See Decoder.bind."""
        maps = signature.output(self.prototypes, rank=(4,), role="[1, 32, height, width]")
        extra = maps.shape[1]
        role = layout(extra or 32)
        tensor = signature.output(self.output, rank=(3,), role=role)
        check_task(signature, tensor, "segment")
        if extra is not None:
            check_columns(tensor, classes, self.name(), extra, "mask coefficients")
        return replace(self, output=tensor.name, prototypes=maps.name)

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder. The score is objectness times the highest class score."""
        maps = take(outputs, self.prototypes)[0]
        rows = take_rows(outputs, self.output, self.name(), len(maps))
        end = rows.shape[2] - len(maps)
        found, scores, numbers = scored(rows, slice(5, end), threshold)
        masks = PrototypeMasks.over(found[:, end:], maps, view.input)
        return Instances.of(corners(found[:, :4]), scores, numbers, masks=masks)


@dataclass(frozen=True, slots=True)
class YoloObjectnessPose(Decoder):
    """Raw output of YOLOv7-pose, YOLOv7-face and YOLOv5-face. Follow it with `nms`.

    Rows of box, objectness, classes and keypoints, [1, candidates, 5 + classes + keypoints *
    values]. Boxes (center x, center y, width, height) and keypoints are in pixels of the model's
    input; the sigmoid of all scores is in the graph. The score of a class is objectness times class
    score, or the objectness of models with one class that omit its score. Sources:
    github.com/WongKinYiu/yolov7, branch pose; github.com/deepcam-cn/yolov5-face, utils/general.py.

    Example:
        - yolo_objectness_pose: {form: v5_face, kpt_shape: [5, 2]}
    """

    output: str | None = None
    """Name of the output. Default: the only output with three axes."""
    kpt_shape: KeypointShape | None = None
    """Number of keypoints, and of values per keypoint: 2 (x, y) or 3 (x, y, confidence). Default:
    read from the model's metadata."""
    form: Literal["v7", "v5_face"] = "v7"
    """Order of the values. `v7`: the classes come before the keypoints. `v5_face`: the keypoints
    come before the classes."""

    provides: ClassVar[frozenset[Capability]] = frozenset({"keypoints"})

    @property
    def keypoint_count(self) -> int | None:
        """See Decoder.keypoint_count."""
        return self.kpt_shape[0] if self.kpt_shape else None

    def bind(self, signature: Signature, classes: Classes) -> "YoloObjectnessPose":
        """See Decoder.bind."""
        shape = keypoint_shape(self.kpt_shape, signature, None)
        extra = shape[0] * shape[1]
        tensor = signature.output(self.output, rank=(3,), role=layout(extra))
        check_task(signature, tensor, "pose")
        if len(tensor.shape) == 3 and tensor.shape[2] == 5 + extra:
            classes.check(1, f"{tensor}: box, objectness and {extra} values for keypoints")
        else:
            check_columns(tensor, classes, self.name(), extra, "for keypoints")
        return replace(self, output=tensor.name, kpt_shape=shape)

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder. The score is objectness times the highest class score."""
        shape = self.kpt_shape or (0, 0)
        extra = shape[0] * shape[1]
        rows = take(outputs, self.output)
        if rows.ndim == 3 and rows.shape[2] == 5 + extra:
            # A class with score 1 is added, so that the score is the objectness.
            rows = np.insert(rows, 5 if self.form == "v7" else 5 + extra, 1, axis=2)
        rows = take_rows({self.output or "": rows}, self.output or "", self.name(), extra)
        end = rows.shape[2] - extra
        classes, points = slice(5, end), slice(end, None)
        if self.form == "v5_face":
            classes, points = slice(5 + extra, None), slice(5, 5 + extra)
        found, scores, numbers = scored(rows, classes, threshold)
        keypoints = as_keypoints(found[:, points], shape)
        return Instances.of(corners(found[:, :4]), scores, numbers, keypoints=keypoints)
