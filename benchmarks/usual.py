"""A detector's handler as the functions in CVAT's repository are written, for comparison.

It decodes with PIL, copies the image at each step, loops over the candidates, computes each mask
on the whole frame, and serializes lists with json. Model, preprocessing and thresholds are those of
the example manifests, so the replies can be compared with those of a built function.
"""

import base64
import io
import json
from collections.abc import Callable, Mapping
from time import thread_time
from typing import Any

import cv2
import numpy as np
from PIL import Image

from runtimes.arrays import Array

Run = Callable[[Mapping[str, Array]], dict[str, Array]]


class UsualHandler:
    """The handler of a YOLOv8 model with boxes, or with masks.

    Attributes:
        spent: processor time of the last request in `image decode` and `inference`, milliseconds.
    """

    def __init__(
        self, run: Run, labels: list[str], side: int, threshold: float, iou: float
    ) -> None:
        """Set the model and its parameters.

        Args:
            run: inputs by name -> outputs by name.
            labels: the name of each class.
            side: of the model's input.
            threshold: the minimum confidence.
            iou: the IoU from which two boxes of a class are duplicates.
        """
        self._run = run
        self._labels = labels
        self._side = side
        self._threshold = threshold
        self._iou = iou
        self.spent: dict[str, float] = {}

    def __call__(self, request: Mapping[str, Any]) -> str:
        """Answer a request with the reply's JSON."""
        start = thread_time()
        data = io.BytesIO(base64.b64decode(request["image"]))
        image = np.array(Image.open(data).convert("RGB"))
        decoded = thread_time()
        tensor, scale, left, top = self._preprocess(image)
        ready = thread_time()
        outputs = self._run({"images": tensor})
        inferred = thread_time()
        self.spent = {
            "image decode": (decoded - start) * 1000,
            "inference": (inferred - ready) * 1000,
        }
        rows = self._suppressed(self._decoded(outputs["output0"][0]))
        results = []
        for box, score, number, weights in rows:
            x1, y1, x2, y2 = (box - [left, top, left, top]) / scale
            corners = [
                max(0.0, x1),
                max(0.0, y1),
                min(float(image.shape[1]), x2),
                min(float(image.shape[0]), y2),
            ]
            item: dict[str, Any] = {"confidence": str(score), "label": self._labels[number]}
            if len(weights):
                mask = self._mask(weights, outputs["output1"][0], image.shape[:2], left, top)
                item |= self._as_mask(mask, corners)
            else:
                item |= {"type": "rectangle", "points": corners}
            results.append(item)
        return json.dumps(results)

    def _preprocess(self, image: Array) -> tuple[Array, float, int, int]:
        """Return the model's input, the scale, and the padding on the left and at the top."""
        height, width = image.shape[:2]
        scale = min(self._side / height, self._side / width)
        new = round(width * scale), round(height * scale)
        resized = cv2.resize(image.copy(), new, interpolation=cv2.INTER_LINEAR)
        left, top = (self._side - new[0]) // 2, (self._side - new[1]) // 2
        right, bottom = self._side - new[0] - left, self._side - new[1] - top
        border = cv2.BORDER_CONSTANT
        padded = cv2.copyMakeBorder(
            resized, top, bottom, left, right, border, value=(114, 114, 114)
        )
        tensor = np.ascontiguousarray(padded.transpose(2, 0, 1)).astype(np.float32) / 255.0
        return tensor[None], scale, left, top

    def _decoded(self, output: Array) -> list[tuple[Array, float, int, Array]]:
        """Return box, confidence, class and mask coefficients of the candidates, row by row."""
        count = len(self._labels)
        found = []
        for row in output.transpose():
            scores = row[4 : 4 + count]
            number = int(np.argmax(scores))
            if scores[number] >= self._threshold:
                x, y, w, h = row[:4]
                box = np.array([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
                found.append((box, float(scores[number]), number, row[4 + count :]))
        return found

    def _suppressed(
        self, rows: list[tuple[Array, float, int, Array]]
    ) -> list[tuple[Array, float, int, Array]]:
        """Return the candidates without duplicates: a greedy loop over the boxes."""
        rows = sorted(rows, key=lambda row: -row[1])
        kept: list[tuple[Array, float, int, Array]] = []
        for row in rows:
            if all(row[2] != other[2] or iou_of(row[0], other[0]) <= self._iou for other in kept):
                kept.append(row)
        return kept

    def _mask(
        self, weights: Array, prototypes: Array, size: tuple[int, ...], left: int, top: int
    ) -> Array:
        """Return a mask of the whole frame, (H, W) uint8: sigmoid and two resizes."""
        channels, height, width = prototypes.shape
        logits = (weights @ prototypes.reshape(channels, -1)).reshape(height, width)
        values = 1 / (1 + np.exp(-logits))
        values = cv2.resize(values, (self._side, self._side), interpolation=cv2.INTER_LINEAR)
        values = values[top : self._side - top, left : self._side - left]
        values = cv2.resize(values, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
        return (values > 0.5).astype(np.uint8)

    def _as_mask(self, mask: Array, corners: list[float]) -> dict[str, Any]:
        """Return a mask within a box as CVAT's functions send it: pixels, and a polygon."""
        x1, y1, x2, y2 = (int(value) for value in corners)
        frame = np.zeros_like(mask)
        frame[y1 : y2 + 1, x1 : x2 + 1] = mask[y1 : y2 + 1, x1 : x2 + 1]
        contours, _ = cv2.findContours(frame, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        polygon: list[int] = []
        if contours:
            polygon = max(contours, key=cv2.contourArea).reshape(-1).tolist()
        x2, y2 = min(x2, mask.shape[1] - 1), min(y2, mask.shape[0] - 1)
        pixels = frame[y1 : y2 + 1, x1 : x2 + 1].flatten().tolist()
        return {"type": "mask", "points": polygon, "mask": [*pixels, x1, y1, x2, y2]}


def iou_of(one: Array, other: Array) -> float:
    """Return the IoU of two boxes, x1 y1 x2 y2."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    inner = width * height
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return float(inner / (sum(areas) - inner))
