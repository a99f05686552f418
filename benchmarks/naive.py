"""A second implementation of the example models' pipelines, for benchmarks/accuracy.py.

It is written for reading, with numpy, OpenCV and ONNX Runtime, and shares no code with `runtimes`.
All coordinates are pixels of the image unless a comment says that they are of the model's input.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime

Array = Any

SIDE = 320
"""Width and height of the models' input."""

IOU = 0.45
"""IoU above which the less confident of two boxes of one class is dropped."""

MOST = 300
"""Most boxes per image."""


class Letterbox:
    """How an image is fitted into the input: scaled by one gain, centered on gray 114."""

    def __init__(self, width: int, height: int) -> None:
        """Compute the size in the input and the padding, both rounded to whole pixels."""
        gain = min(SIDE / width, SIDE / height)
        self.image = width, height
        self.size = round(width * gain), round(height * gain)
        self.left, self.top = (round((SIDE - size) / 2 - 0.1) for size in self.size)

    def tensor(self, image: Array) -> Array:
        """Return the input [3, 320, 320], RGB 0 to 1."""
        canvas = np.full((SIDE, SIDE, 3), 114, np.uint8)
        width, height = self.size
        scaled = cv2.resize(image, self.size, interpolation=cv2.INTER_LINEAR)
        canvas[self.top : self.top + height, self.left : self.left + width] = scaled
        return canvas[..., ::-1].transpose(2, 0, 1).astype(np.float32) / 255

    def x(self, values: Array) -> Array:
        """Map columns of the input to the image."""
        return (values - self.left) * self.image[0] / self.size[0]

    def y(self, values: Array) -> Array:
        """Map rows of the input to the image."""
        return (values - self.top) * self.image[1] / self.size[1]

    def boxes(self, boxes: Array) -> Array:
        """Map boxes (N, 4), x1 y1 x2 y2, and clip them to the image."""
        x1, y1, x2, y2 = boxes.T
        mapped = np.stack([self.x(x1), self.y(y1), self.x(x2), self.y(y2)], axis=1)
        return mapped.clip(0, (*self.image, *self.image))

    def sampled(self, plane: Array) -> Array:
        """Interpolate a plane over the input, (h, w), at the centers of the image's pixels."""
        width, height = self.image
        stride = SIDE / plane.shape[1]
        columns = (np.arange(width) + 0.5) * self.size[0] / width + self.left
        rows = (np.arange(height) + 0.5) * self.size[1] / height + self.top
        grid = np.meshgrid(columns / stride - 0.5, rows / stride - 0.5)
        x, y = (it.astype(np.float32) for it in grid)
        return cv2.remap(
            plane.astype(np.float32), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )


@dataclass(frozen=True)
class Candidates:
    """The candidates of a raw YOLO head above a confidence, in pixels of the input.

    Attributes:
        boxes: (N, 4) center x, center y, width, height.
        scores, classes: (N,) of the best class.
        extra: (N, E) the columns after the classes.
    """

    boxes: Array
    scores: Array
    classes: Array
    extra: Array

    @classmethod
    def of(cls, output: Array, classes: int, lowest: float) -> "Candidates":
        """Read [1, 4 + classes + E, N]; each candidate has its best class only."""
        rows = output[0].T.astype(np.float64)
        scores = rows[:, 4 : 4 + classes]
        best = scores.argmax(axis=1)
        kept = np.flatnonzero(scores.max(axis=1) > lowest)
        kept = kept[np.argsort(-scores.max(axis=1)[kept], kind="stable")]
        return cls(rows[kept, :4], scores.max(axis=1)[kept], best[kept], rows[kept, 4 + classes :])

    def corners(self) -> Array:
        """Return the boxes as x1 y1 x2 y2."""
        half = self.boxes[:, 2:] / 2
        return np.concatenate([self.boxes[:, :2] - half, self.boxes[:, :2] + half], axis=1)

    def suppressed(self, overlap: Callable[[int, Array], Array]) -> list[int]:
        """Return the candidates that are kept.

        Args:
            overlap: the IoU of a candidate with others, by their numbers.
        """
        kept: list[int] = []
        for number in range(len(self.scores)):
            same = np.array([it for it in kept if self.classes[it] == self.classes[number]], int)
            if not len(same) or overlap(number, same).max() <= IOU:
                kept.append(number)
            if len(kept) == MOST:
                break
        return kept


def box_iou(boxes: Array) -> Callable[[int, Array], Array]:
    """Return the IoU of boxes, x1 y1 x2 y2, by their numbers."""

    def iou(number: int, others: Array) -> Array:
        one, rest = boxes[number], boxes[others]
        low, high = np.maximum(one[:2], rest[:, :2]), np.minimum(one[2:], rest[:, 2:])
        shared = (high - low).clip(0).prod(axis=1)
        areas = (one[2:] - one[:2]).prod() + (rest[:, 2:] - rest[:, :2]).prod(axis=1)
        return shared / np.maximum(areas - shared, 1e-9)

    return iou


def gaussian_iou(boxes: Array, angles: Array) -> Callable[[int, Array], Array]:
    """Return the overlap of oriented boxes as Gaussians, by their numbers.

    It is 1 minus the Hellinger distance. Source: Llerena et al., Gaussian Bounding Boxes and
    Probabilistic Intersection-over-Union for Object Detection (2021).
    """
    turns = np.stack(
        [[np.cos(angles), -np.sin(angles)], [np.sin(angles), np.cos(angles)]]
    ).transpose(2, 0, 1)
    spread = turns @ (np.eye(2) * boxes[:, None, 2:] ** 2 / 12) @ turns.transpose(0, 2, 1)

    def iou(number: int, others: Array) -> Array:
        values = []
        for other in others.tolist():
            mean = (spread[number] + spread[other]) / 2
            away = boxes[number, :2] - boxes[other, :2]
            sizes = np.linalg.det(spread[number]) * np.linalg.det(spread[other])
            distance = away @ np.linalg.inv(mean) @ away / 8
            distance += np.log(np.linalg.det(mean) / np.sqrt(sizes)) / 2
            values.append(1 - np.sqrt(1 - np.exp(-max(distance, 0))))
        return np.array(values)

    return iou


class Reference:
    """One of the example models in ONNX Runtime; a call returns items as functions reply them."""

    def __init__(self, model: Path, task: str, labels: list[str], lowest: float) -> None:
        """Load a model.

        Args:
            model: the file.
            task: a method of this class.
            labels: names of the classes.
            lowest: confidence from which detections are returned.
        """
        self._session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
        self._decode: Callable[[list[Array], Letterbox], list[Mapping[str, Any]]]
        self._decode = getattr(self, task)
        self._labels = labels
        self._lowest = lowest

    def __call__(self, image: Array) -> list[Mapping[str, Any]]:
        """Return the items of an image, (H, W, 3) uint8 BGR."""
        box = Letterbox(image.shape[1], image.shape[0])
        (given,) = self._session.get_inputs()
        tensor = box.tensor(image)
        values = tensor if len(given.shape) == 3 else tensor[None]
        return self._decode(self._session.run(None, {given.name: values}), box)

    def detect(self, outputs: list[Array], box: Letterbox) -> list[Mapping[str, Any]]:
        """Boxes."""
        found = Candidates.of(outputs[0], len(self._labels), self._lowest)
        corners = found.corners()
        boxes = box.boxes(corners)
        return [
            self._item(found, number, type="rectangle", points=boxes[number].tolist())
            for number in found.suppressed(box_iou(corners))
        ]

    def oriented(self, outputs: list[Array], box: Letterbox) -> list[Mapping[str, Any]]:
        """Oriented boxes, as rotated rectangles."""
        found = Candidates.of(outputs[0], len(self._labels), self._lowest)
        angles = found.extra[:, 0]
        # Both axes have nearly the same gain, so that the box stays a rectangle.
        gain = box.image[0] / box.size[0]
        items = []
        for number in found.suppressed(gaussian_iou(found.boxes, angles)):
            x, y, width, height = found.boxes[number]
            x, y, width, height = box.x(x), box.y(y), width * gain / 2, height * gain / 2
            points = [x - width, y - height, x + width, y + height]
            degrees = float(np.degrees(angles[number]) % 360)
            items.append(
                self._item(found, number, type="rectangle", points=points, rotation=degrees)
            )
        return items

    def pose(self, outputs: list[Array], box: Letterbox) -> list[Mapping[str, Any]]:
        """Keypoints, as skeletons with numbered elements."""
        found = Candidates.of(outputs[0], len(self._labels), self._lowest)
        width, height = box.image
        items = []
        for number in found.suppressed(box_iou(found.corners())):
            x, y, seen = found.extra[number].reshape(-1, 3).T
            x, y = box.x(x).clip(0, width), box.y(y).clip(0, height)
            elements = [
                {"label": place, "type": "points", "points": [*point], "outside": score < 0.5}
                for place, (*point, score) in enumerate(zip(x, y, seen, strict=True))
            ]
            items.append(self._item(found, number, type="skeleton", elements=elements))
        return items

    def segment(self, outputs: list[Array], box: Letterbox) -> list[Mapping[str, Any]]:
        """Masks: the combined prototypes are interpolated, thresholded, and cropped to the box."""
        found = Candidates.of(outputs[0], len(self._labels), self._lowest)
        corners = found.corners()
        boxes = box.boxes(corners)
        items = []
        for number in found.suppressed(box_iou(corners)):
            logits = np.tensordot(found.extra[number], outputs[1][0], 1)
            mask = mask_of(_cropped(box.sampled(logits) > 0, boxes[number]))
            if mask is not None:
                items.append(self._item(found, number, type="mask", mask=mask))
        return items

    def rcnn(self, outputs: list[Array], box: Letterbox) -> list[Mapping[str, Any]]:
        """Masks over the input; suppression and boxes are in the model."""
        _, classes, scores, masks = outputs
        items = []
        for number in np.flatnonzero(scores > self._lowest).tolist():
            mask = mask_of(box.sampled(masks[number, 0]) > 0.5)
            label = self._labels[classes[number] - 1]
            if mask is not None:
                score = float(scores[number])
                items.append({"label": label, "confidence": score, "type": "mask", "mask": mask})
        return items

    def semantic(self, outputs: list[Array], box: Letterbox) -> list[Mapping[str, Any]]:
        """Masks of the classes after the background, without components under 100 pixels."""
        classes = np.argmax([box.sampled(plane) for plane in outputs[0][0]], axis=0)
        items = []
        for number, label in enumerate(self._labels, 1):
            count, parts = cv2.connectedComponents((classes == number).astype(np.uint8))
            for part in range(1, count):
                mask = mask_of(parts == part) if (parts == part).sum() >= 100 else None
                if mask is not None:
                    items.append({"label": label, "confidence": 1.0, "type": "mask", "mask": mask})
        return items

    def tags(self, outputs: list[Array], box: Letterbox) -> list[Mapping[str, Any]]:
        """Tags."""
        return [
            {"label": label, "confidence": float(score), "type": "tag"}
            for label, score in zip(self._labels, outputs[0][0], strict=True)
            if score > self._lowest
        ]

    def _item(self, found: Candidates, number: int, **shape: Any) -> Mapping[str, Any]:
        """Return an item with a shape."""
        label, score = self._labels[found.classes[number]], float(found.scores[number])
        return {"label": label, "confidence": score, **shape}


def _cropped(bitmap: Array, box: Array) -> Array:
    """Return a bitmap without the pixels whose row or column is outside of a box.

    YOLO's own program compares the numbers of rows and columns, not the centers of pixels.
    """
    rows, columns = (np.arange(size) for size in bitmap.shape)
    x1, y1, x2, y2 = box
    inside = ((rows >= y1) & (rows < y2))[:, None] & ((columns >= x1) & (columns < x2))
    return bitmap & inside


def mask_of(bitmap: Array) -> list[int] | None:
    """Return a mask as functions reply it: the pixels of its box, then the box; None if empty."""
    rows, columns = np.flatnonzero(bitmap.any(axis=1)), np.flatnonzero(bitmap.any(axis=0))
    if not len(rows):
        return None
    left, top, right, bottom = int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])
    window = bitmap[top : bottom + 1, left : right + 1]
    return [*window.astype(int).ravel().tolist(), left, top, right, bottom]
