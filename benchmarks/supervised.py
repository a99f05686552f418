"""A detector's handler with the `supervision` package, for comparison.

Decoding is vectorized; `supervision` suppresses duplicates and turns masks into polygons.
"""

import base64
import json
from collections.abc import Callable, Mapping
from time import thread_time
from typing import Any

import cv2
import numpy as np

from runtimes.arrays import Array

Run = Callable[[Mapping[str, Array]], dict[str, Array]]


class SupervisedHandler:
    """The handler of a YOLOv8 model with boxes, or with masks; see benchmarks/usual.py.

    Attributes:
        spent: processor time of the last request in `image decode` and `inference`, milliseconds.
    """

    def __init__(
        self, run: Run, labels: list[str], side: int, threshold: float, iou: float
    ) -> None:
        """Set the model and its parameters; see UsualHandler."""
        self._run = run
        self._labels = labels
        self._side = side
        self._threshold = threshold
        self._iou = iou
        self.spent: dict[str, float] = {}

    def __call__(self, request: Mapping[str, Any]) -> str:
        """Answer a request with the reply's JSON."""
        import supervision

        start = thread_time()
        data = np.frombuffer(base64.b64decode(request["image"]), np.uint8)
        image = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
        decoded = thread_time()
        height, width = image.shape[:2]
        framed, ratio, (left, top) = self._letterbox(image)
        blob = cv2.dnn.blobFromImage(framed, 1 / 255, swapRB=True)
        ready = thread_time()
        outputs = self._run({"images": blob})
        self.spent = {
            "image decode": (decoded - start) * 1000,
            "inference": (thread_time() - ready) * 1000,
        }
        table = outputs["output0"][0].T
        count = len(self._labels)
        scores = table[:, 4 : 4 + count]
        table = table[scores.max(axis=1) >= self._threshold]
        scores = table[:, 4 : 4 + count]
        half = table[:, 2:4] / 2
        boxes = np.concatenate([table[:, :2] - half, table[:, :2] + half], axis=1)
        boxes = (boxes - [left, top, left, top]) / ratio
        found = supervision.Detections(
            xyxy=boxes.clip(0, [width, height, width, height]),
            confidence=scores.max(axis=1),
            class_id=scores.argmax(axis=1),
            data={"weights": table[:, 4 + count :]},
        ).with_nms(self._iou)
        weights = np.asarray(found.data["weights"])
        if weights.shape[1]:
            found.mask = self._masks(weights, outputs["output1"][0], found.xyxy, image, (left, top))
        return json.dumps([self._item(found, number) for number in range(len(found))])

    def _letterbox(self, image: Array) -> tuple[Array, float, tuple[int, int]]:
        """Return the resized and padded image, its scale, and the padding on the left and top."""
        height, width = image.shape[:2]
        ratio = min(self._side / height, self._side / width)
        resized = cv2.resize(image, (round(width * ratio), round(height * ratio)))
        left, top = (self._side - resized.shape[1]) // 2, (self._side - resized.shape[0]) // 2
        framed = np.full((self._side, self._side, 3), 114, np.uint8)
        framed[top : top + resized.shape[0], left : left + resized.shape[1]] = resized
        return framed, ratio, (left, top)

    def _masks(
        self, weights: Array, prototypes: Array, boxes: Array, image: Array, pad: tuple[int, int]
    ) -> Array:
        """Return the masks of the whole frame within their boxes, (N, H, W) bool."""
        height, width = image.shape[:2]
        logits = np.tensordot(weights, prototypes, axes=1)
        masks = np.zeros((len(weights), height, width), bool)
        left, top = pad
        for number, (values, box) in enumerate(zip(logits, boxes, strict=True)):
            whole = cv2.resize(values, (self._side, self._side))
            inner = whole[top : self._side - top, left : self._side - left]
            x1, y1, x2, y2 = box.astype(int)
            inside = cv2.resize(inner, (width, height))[y1 : y2 + 1, x1 : x2 + 1] > 0
            masks[number, y1 : y2 + 1, x1 : x2 + 1] = inside
        return masks

    def _item(self, found: Any, number: int) -> dict[str, Any]:
        """Return one annotation."""
        import supervision

        item: dict[str, Any] = {
            "confidence": str(float(found.confidence[number])),
            "label": self._labels[int(found.class_id[number])],
        }
        if found.mask is None:
            return {**item, "type": "rectangle", "points": found.xyxy[number].tolist()}
        mask = found.mask[number]
        polygons = supervision.mask_to_polygons(mask)
        largest = max(polygons, key=len).flatten().tolist() if polygons else []
        x1, y1, x2, y2 = (int(value) for value in found.xyxy[number])
        x2, y2 = min(x2, mask.shape[1] - 1), min(y2, mask.shape[0] - 1)
        pixels = mask[y1 : y2 + 1, x1 : x2 + 1].astype(int).flatten().tolist()
        return {**item, "type": "mask", "points": largest, "mask": [*pixels, x1, y1, x2, y2]}
