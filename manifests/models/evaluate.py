"""Measure an exported network on generated images that no training used.

Needs numpy, OpenCV and onnxruntime; with scikit-image installed a part of the images has
photographs behind the shapes, as the figures in README.md do.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

# isort: split
import shapes

SIZE = 320
FILL = 114
CONFIDENCE = 0.25
NMS_IOU = 0.45
MATCH_IOU = 0.5
SIZES = ((320, 320), (640, 480), (480, 640), (400, 300), (512, 384), (300, 420))
"""Widths and heights of the images, in turn."""


@dataclass(frozen=True)
class Letterbox:
    """How an image was fitted into 320 x 320: x' = x * gain + left, y' = y * gain + top."""

    gain: float
    left: int
    top: int
    width: int
    height: int

    @classmethod
    def of(cls, width: int, height: int) -> Letterbox:
        """The fit of an image of this size: as large as possible, centred."""
        gain = min(SIZE / width, SIZE / height)
        w, h = round(width * gain), round(height * gain)
        return cls(gain, (SIZE - w) // 2, (SIZE - h) // 2, w, h)

    def image(
        self, image: np.ndarray, method: int = cv2.INTER_LINEAR, fill: int = FILL
    ) -> np.ndarray:
        """(height, width[, 3]) uint8 to (320, 320[, 3]), padded with `fill`."""
        fitted = np.full((SIZE, SIZE, *image.shape[2:]), fill, np.uint8)
        small = cv2.resize(image, (self.width, self.height), interpolation=method)
        fitted[self.top : self.top + self.height, self.left : self.left + self.width] = small
        return fitted

    def points(self, points: np.ndarray) -> np.ndarray:
        """(..., 2) x, y in the image to x', y' in the 320 x 320 frame."""
        return points * np.float32(self.gain) + np.array([self.left, self.top], np.float32)


@dataclass(frozen=True)
class Truth:
    """A scene fitted into 320 x 320; fields as in shapes.Scene, coordinates in that frame."""

    image: np.ndarray
    boxes: np.ndarray
    classes: np.ndarray
    owners: np.ndarray
    keypoints: np.ndarray


def fit(scene: shapes.Scene) -> Truth:
    """Letterbox a scene with its ground truth."""
    box = Letterbox.of(scene.image.shape[1], scene.image.shape[0])
    keypoints = scene.keypoints.copy()
    keypoints[..., :2] = box.points(keypoints[..., :2])
    return Truth(
        image=box.image(scene.image),
        boxes=box.points(scene.boxes.reshape(-1, 2, 2)).reshape(-1, 4),
        classes=scene.classes,
        owners=box.image(scene.owners, cv2.INTER_NEAREST, 0),
        keypoints=keypoints,
    )


def held_out(count: int) -> Iterator[Truth]:
    """The first `count` images of the measurement, fitted into 320 x 320."""
    photos = shapes.load_photos(shapes.HELD_OUT_PHOTOS)
    for i in range(count):
        width, height = SIZES[i % len(SIZES)]
        seed = shapes.HELD_OUT_SEED + i
        yield fit(shapes.scene(seed, width=width, height=height, photos=photos))


def to_input(image: np.ndarray) -> np.ndarray:
    """(320, 320, 3) uint8 BGR to the networks' (1, 3, 320, 320) float32 RGB 0..1."""
    return np.ascontiguousarray(image[..., ::-1].transpose(2, 0, 1)[None], np.float32) / 255.0


def ious(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """IoU of boxes (N, 4) with boxes (M, 4), x1 y1 x2 y2: (N, M)."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(2)
    sizes = (a[:, 2:] - a[:, :2]).prod(1)[:, None] + (b[:, 2:] - b[:, :2]).prod(1)
    return common / np.maximum(sizes - common, 1e-9)


def detections(rows: np.ndarray, classes: int, confidence: float) -> tuple[np.ndarray, ...]:
    """Decode `output0` without its batch axis, (4 + C + extra, A).

    Returns:
        boxes (D, 4) x1 y1 x2 y2, scores (D,), classes (D,), extra (D, E), best score first, after
        suppression per class.
    """
    columns = rows.T
    scores = columns[:, 4 : 4 + classes]
    keep = scores.max(1) >= confidence
    columns, scores = columns[keep], scores[keep]
    order = np.argsort(-scores.max(1), kind="stable")
    columns, scores = columns[order], scores[order]
    kinds = scores.argmax(1) if classes > 1 else np.zeros(len(scores), np.int64)
    half = columns[:, 2:4] / 2
    boxes = np.concatenate([columns[:, :2] - half, columns[:, :2] + half], 1)
    clash = (ious(boxes, boxes) > NMS_IOU) & (kinds[:, None] == kinds)
    alive = np.ones(len(boxes), bool)
    for i in range(len(boxes)):
        if alive[i]:
            alive[i + 1 :] &= ~clash[i, i + 1 :]
    extra = columns[:, 4 + classes :]
    return boxes[alive], scores.max(1, initial=0)[alive], kinds[alive], extra[alive]


def match(boxes: np.ndarray, kinds: np.ndarray, truth: Truth) -> list[tuple[int, int]]:
    """Pairs (detection, object): each detection in turn takes the best free object it fits."""
    overlap = ious(boxes, truth.boxes) * (kinds[:, None] == truth.classes)
    pairs = []
    for i in range(len(boxes)):
        if not len(truth.boxes):
            break
        j = int(overlap[i].argmax())
        if overlap[i, j] >= MATCH_IOU:
            pairs.append((i, j))
            overlap[:, j] = 0
    return pairs


def instance_mask(coefficients: np.ndarray, prototypes: np.ndarray, box: np.ndarray) -> np.ndarray:
    """(32,), (32, 80, 80) and a box to the (320, 320) bool mask of the instance."""
    logits = np.tensordot(coefficients, prototypes, 1)
    mask = cv2.resize(logits, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR) > 0
    centre = np.arange(SIZE) + 0.5
    mask &= ((centre > box[1]) & (centre < box[3]))[:, None]
    return mask & ((centre > box[0]) & (centre < box[2]))


def evaluate(path: Path, count: int = 200) -> dict[str, float]:
    """Measure a file on `count` held-out images, print the figures and return them."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    meta = session.get_modelmeta().custom_metadata_map
    names = list(ast.literal_eval(meta["names"]).values())
    task = meta["task"]
    expected = np.zeros(len(names))
    found, correct = np.zeros(len(names)), np.zeros(len(names))
    box_ious, mask_ious, errors, sight = [], [], [], []
    for truth in held_out(count):
        truth = only(truth, names)
        outputs = session.run(None, {"images": to_input(truth.image)})
        boxes, _, kinds, extra = detections(outputs[0][0], len(names), CONFIDENCE)
        pairs = match(boxes, kinds, truth)
        np.add.at(expected, truth.classes, 1)
        np.add.at(found, kinds, 1)
        for i, j in pairs:
            correct[kinds[i]] += 1
            box_ious.append(ious(boxes[i : i + 1], truth.boxes[j : j + 1])[0, 0])
            if task == "segment":
                mask = instance_mask(extra[i], outputs[1][0], boxes[i])
                wanted = truth.owners == j + 1
                mask_ious.append((mask & wanted).sum() / max((mask | wanted).sum(), 1))
            if task == "pose":
                guess, goal = extra[i].reshape(-1, 3), truth.keypoints[j]
                seen = goal[:, 2] > 0
                errors += np.linalg.norm(guess[seen, :2] - goal[seen, :2], axis=1).tolist()
                sight += ((guess[:, 2] >= 0.5) == seen).tolist()
    figures = {
        "objects": float(expected.sum()),
        "recall": correct.sum() / max(expected.sum(), 1),
        "precision": correct.sum() / max(found.sum(), 1),
        "box_iou": float(np.mean(box_ious or [0])),
    }
    if task == "segment":
        figures["mask_iou"] = float(np.mean(mask_ious or [0]))
    if task == "pose":
        figures["keypoint_error_px"] = float(np.mean(errors or [np.nan]))
        figures["keypoint_error_median_px"] = float(np.median(errors or [np.nan]))
        figures["visibility_accuracy"] = float(np.mean(sight or [0]))
    print(f"{path.name} ({task}) on {count} held-out images:")
    for i, name in enumerate(names):
        recall, precision = correct[i] / max(expected[i], 1), correct[i] / max(found[i], 1)
        print(f"  {name:9s} objects {expected[i]:4.0f}  R {recall:.3f}  P {precision:.3f}")
    print("  " + "  ".join(f"{key} {value:.3f}" for key, value in figures.items()))
    return figures


def only(truth: Truth, names: list[str]) -> Truth:
    """The truth with the objects of the named classes alone, renumbered as in `names`."""
    if names == list(shapes.CLASS_NAMES):
        return truth
    index = [shapes.CLASS_NAMES.index(name) for name in names]
    keep = np.isin(truth.classes, index)
    kept = truth.classes[keep].tolist()
    renumber = np.zeros(256, np.uint8)
    renumber[np.flatnonzero(keep) + 1] = np.arange(len(kept)) + 1
    return Truth(
        truth.image,
        truth.boxes[keep],
        np.array([index.index(kind) for kind in kept], np.int64),
        renumber[truth.owners],
        truth.keypoints[keep],
    )
