"""Measure an exported network on generated images that no training used.

Needs numpy, OpenCV and onnxruntime, or OpenVINO beside it to measure there; with scikit-image
installed a part of the images has photographs behind the shapes, as the figures in README.md do.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

# isort: split
import shapes

ALL_NAMES = (*shapes.CLASS_NAMES, shapes.BAR_NAME)
"""Class i of every scene is ALL_NAMES[i]."""
BAR_CLASSES = (shapes.BAR, shapes.BAR, shapes.BAR, 0, 1, 2, 3)
"""The classes of scenes for oriented boxes: bars, and as many others that are none."""
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
        """The fit of an image of this size: as large as possible, centerd."""
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
    oriented: np.ndarray


def fit(scene: shapes.Scene) -> Truth:
    """Letterbox a scene with its ground truth."""
    box = Letterbox.of(scene.image.shape[1], scene.image.shape[0])
    keypoints = scene.keypoints.copy()
    keypoints[..., :2] = box.points(keypoints[..., :2])
    oriented = scene.oriented.copy()
    oriented[:, :2] = box.points(oriented[:, :2])
    oriented[:, 2:4] *= np.float32(box.gain)
    return Truth(
        image=box.image(scene.image),
        boxes=box.points(scene.boxes.reshape(-1, 2, 2)).reshape(-1, 4),
        classes=scene.classes,
        owners=box.image(scene.owners, cv2.INTER_NEAREST, 0),
        keypoints=keypoints,
        oriented=oriented,
    )


def held_out(count: int, classes: Sequence[int] = (0, 1, 2, 3)) -> Iterator[Truth]:
    """The first `count` images of the measurement, fitted into 320 x 320."""
    photos = shapes.load_photos(shapes.HELD_OUT_PHOTOS)
    for i in range(count):
        width, height = SIZES[i % len(SIZES)]
        seed = shapes.HELD_OUT_SEED + i
        yield fit(shapes.scene(seed, width=width, height=height, photos=photos, classes=classes))


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


def corners(oriented: np.ndarray) -> np.ndarray:
    """Rotated boxes (N, 5), cx cy w h angle, to their corners (N, 4, 2) in order."""
    center, size, angle = oriented[:, :2], oriented[:, 2:4], oriented[:, 4]
    along = np.stack([np.cos(angle), np.sin(angle)], 1) * size[:, :1] / 2
    across = np.stack([-np.sin(angle), np.cos(angle)], 1) * size[:, 1:] / 2
    ends = [along + across, across - along, -along - across, along - across]
    return center[:, None] + np.stack(ends, 1)


def bounds(oriented: np.ndarray) -> np.ndarray:
    """Rotated boxes (N, 5), cx cy w h angle, to the upright boxes (N, 4) around them."""
    points = corners(oriented)
    return np.concatenate([points.min(1), points.max(1)], 1)


def rotated_ious(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """IoU of rotated boxes (N, 5) with rotated boxes (M, 5), cx cy w h angle: (N, M)."""
    result = np.zeros((len(a), len(b)))
    # Whole boxes that do not meet are most, and quick to tell.
    for i, j in np.argwhere(ious(bounds(a), bounds(b)) > 0).tolist():
        pair = [
            ((cx, cy), (w, h), np.rad2deg(angle))
            for cx, cy, w, h, angle in (a[i].tolist(), b[j].tolist())
        ]
        _, region = cv2.rotatedRectangleIntersection(*pair)
        if region is not None:
            common = cv2.contourArea(cv2.convexHull(region))
            result[i, j] = common / (a[i, 2] * a[i, 3] + b[j, 2] * b[j, 3] - common)
    return result


@dataclass(frozen=True)
class Found:
    """What a network found in an image, in pixels of 320 x 320, best score first.

    Attributes:
        boxes: (D, 4) x1 y1 x2 y2.
        kinds: (D,) classes.
        masks: (D, 320, 320) bool, or None.
        keypoints: (D, K, 3) x, y, visibility, or None.
        oriented: (D, 5) cx, cy, w, h, angle, or None.
    """

    boxes: np.ndarray
    kinds: np.ndarray
    masks: np.ndarray | None = None
    keypoints: np.ndarray | None = None
    oriented: np.ndarray | None = None


def decode(outputs: list[np.ndarray], task: str, classes: int) -> Found:
    """The outputs of a network that finds objects, above `CONFIDENCE`."""
    if task == "rcnn":
        boxes, labels, scores, masks = outputs
        keep = scores >= CONFIDENCE
        return Found(boxes[keep], labels[keep] - 1, masks[keep, 0] >= 0.5)
    columns = outputs[0][0].T
    scores = columns[:, 4 : 4 + classes]
    keep = scores.max(1) >= CONFIDENCE
    columns, scores = columns[keep], scores[keep]
    order = np.argsort(-scores.max(1), kind="stable")
    columns, scores = columns[order], scores[order]
    kinds = scores.argmax(1) if classes > 1 else np.zeros(len(scores), np.int64)
    half = columns[:, 2:4] / 2
    boxes = np.concatenate([columns[:, :2] - half, columns[:, :2] + half], 1)
    extra = columns[:, 4 + classes :]
    oriented = np.concatenate([columns[:, :4], extra], 1) if task == "obb" else None
    overlap = ious(boxes, boxes) if oriented is None else rotated_ious(oriented, oriented)
    clash = (overlap > NMS_IOU) & (kinds[:, None] == kinds)
    alive = np.ones(len(boxes), bool)
    for i in range(len(boxes)):
        if alive[i]:
            alive[i + 1 :] &= ~clash[i, i + 1 :]
    boxes, kinds, extra = boxes[alive], kinds[alive], extra[alive]
    if task == "segment":
        masks = [instance_mask(e, outputs[1][0], b) for e, b in zip(extra, boxes, strict=True)]
        return Found(boxes, kinds, masks=np.array(masks, bool).reshape(-1, SIZE, SIZE))
    if task == "pose":
        return Found(boxes, kinds, keypoints=extra.reshape(len(boxes), extra.shape[1] // 3, 3))
    if oriented is not None:
        return Found(bounds(oriented[alive]), kinds, oriented=oriented[alive])
    return Found(boxes, kinds)


def match(overlap: np.ndarray) -> list[tuple[int, int]]:
    """Pairs (detection, object): each detection in turn takes the best free object it fits.

    Args:
        overlap: (D, N) IoU, 0 where the classes differ.
    """
    free, pairs = overlap.copy(), []
    for i in range(len(free)):
        if not free.shape[1]:
            break
        j = int(free[i].argmax())
        if free[i, j] >= MATCH_IOU:
            pairs.append((i, j))
            free[:, j] = 0
    return pairs


def instance_mask(coefficients: np.ndarray, prototypes: np.ndarray, box: np.ndarray) -> np.ndarray:
    """(32,), (32, 80, 80) and a box to the (320, 320) bool mask of the instance."""
    logits = np.tensordot(coefficients, prototypes, 1)
    mask = cv2.resize(logits, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR) > 0
    center = np.arange(SIZE) + 0.5
    mask &= ((center > box[1]) & (center < box[3]))[:, None]
    return mask & ((center > box[0]) & (center < box[2]))


class Model:
    """An exported network in one of the runtimes.

    Attributes:
        task: The task that its metadata name; "rcnn" where they name none.
        names: The names of its classes.
    """

    def __init__(self, path: Path, runtime: str) -> None:
        """Load a file; `runtime` is "onnxruntime" or "openvino"."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 2
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        facts = session.get_modelmeta().custom_metadata_map
        self.task = facts.get("task", "rcnn")
        self.names: list[str] = list(shapes.CLASS_NAMES)
        if "names" in facts:
            self.names = list(ast.literal_eval(facts["names"]).values())
        entry = session.get_inputs()[0]
        self._batched = len(entry.shape) == 4
        self._run: Callable[[np.ndarray], list[np.ndarray]]
        if runtime == "openvino":
            import openvino

            core = openvino.Core()
            # Some processors would otherwise calculate in bfloat16.
            hints = {"INFERENCE_PRECISION_HINT": "f32"}
            compiled = core.compile_model(core.read_model(path), "CPU", hints)
            self._run = lambda values: list(compiled([values]).to_tuple())
        else:
            self._run = lambda values: session.run(None, {entry.name: values})

    def __call__(self, image: np.ndarray) -> list[np.ndarray]:
        """The outputs for an image (320, 320, 3) uint8 BGR."""
        values = to_input(image)
        return self._run(values if self._batched else values[0])


def evaluate(path: Path, count: int = 200, runtime: str = "onnxruntime") -> dict[str, float]:
    """Measure a file on `count` held-out images, print the figures and return them."""
    model = Model(path, runtime)
    print(f"{path.name} ({model.task}) on {count} held-out images, {runtime}:")
    measure = {"classify": measure_tags, "semantic": measure_map}.get(model.task, measure_objects)
    figures = measure(model, count)
    print("  " + "  ".join(f"{key} {value:.3f}" for key, value in figures.items()))
    return figures


def measure_objects(model: Model, count: int) -> dict[str, float]:
    """The figures of a network that finds objects: recall, precision, what its task has besides."""
    task, names = model.task, model.names
    expected = np.zeros(len(names))
    found, correct = np.zeros(len(names)), np.zeros(len(names))
    box_ious, mask_ious, errors, sight, turns = [], [], [], [], []
    for truth in held_out(count, BAR_CLASSES if task == "obb" else (0, 1, 2, 3)):
        truth = only(truth, names)
        guess = decode(model(truth.image), task, len(names))
        if task == "obb":
            overlap = rotated_ious(guess.oriented, truth.oriented)
        else:
            overlap = ious(guess.boxes, truth.boxes)
        pairs = match(overlap * (guess.kinds[:, None] == truth.classes))
        np.add.at(expected, truth.classes, 1)
        np.add.at(found, guess.kinds, 1)
        for i, j in pairs:
            correct[guess.kinds[i]] += 1
            box_ious.append(overlap[i, j])
            if guess.masks is not None:
                mask, wanted = guess.masks[i], truth.owners == j + 1
                mask_ious.append((mask & wanted).sum() / max((mask | wanted).sum(), 1))
            if guess.keypoints is not None:
                tips, goal = guess.keypoints[i], truth.keypoints[j]
                seen = goal[:, 2] > 0
                errors += np.linalg.norm(tips[seen, :2] - goal[seen, :2], axis=1).tolist()
                sight += ((tips[:, 2] >= 0.5) == seen).tolist()
            if guess.oriented is not None:
                turn = np.rad2deg(guess.oriented[i, 4] - truth.oriented[j, 4])
                turns.append(abs((turn + 90) % 180 - 90))
    figures = {
        "objects": float(expected.sum()),
        "recall": correct.sum() / max(expected.sum(), 1),
        "precision": correct.sum() / max(found.sum(), 1),
        "box_iou": float(np.mean(box_ious or [0])),
    }
    if task in ("segment", "rcnn"):
        figures["mask_iou"] = float(np.mean(mask_ious or [0]))
    if task == "pose":
        figures["keypoint_error_px"] = float(np.mean(errors or [np.nan]))
        figures["keypoint_error_median_px"] = float(np.median(errors or [np.nan]))
        figures["visibility_accuracy"] = float(np.mean(sight or [0]))
    if task == "obb":
        figures["angle_error_deg"] = float(np.mean(turns or [np.nan]))
        figures["angle_error_median_deg"] = float(np.median(turns or [np.nan]))
    for i, name in enumerate(names):
        recall, precision = correct[i] / max(expected[i], 1), correct[i] / max(found[i], 1)
        print(f"  {name:9s} objects {expected[i]:4.0f}  R {recall:.3f}  P {precision:.3f}")
    return figures


def measure_tags(model: Model, count: int) -> dict[str, float]:
    """The figures of a classifier: a tag is every class with at least `CONFIDENCE`."""
    wanted, given = [], []
    for truth in held_out(count):
        wanted.append(np.isin(np.arange(len(model.names)), truth.classes))
        given.append(model(truth.image)[0][0] >= CONFIDENCE)
    real, guess = np.array(wanted), np.array(given)
    both = real & guess
    for i, name in enumerate(model.names):
        recall = both[:, i].sum() / max(real[:, i].sum(), 1)
        precision = both[:, i].sum() / max(guess[:, i].sum(), 1)
        print(f"  {name:9s} images {real[:, i].sum():5.0f}  R {recall:.3f}  P {precision:.3f}")
    return {
        "tags": float(real.sum()),
        "recall": both.sum() / max(real.sum(), 1),
        "precision": both.sum() / max(guess.sum(), 1),
        "images_all_right": float((real == guess).all(1).mean()),
    }


def measure_map(model: Model, count: int) -> dict[str, float]:
    """The figures of semantic segmentation, over all pixels of 320 x 320 of all images.

    The logits are enlarged bilinearly, then the highest wins; the padding is background.
    """
    size = len(model.names)
    table = np.zeros((size, size), np.int64)  # [truth, guess]
    for truth in held_out(count):
        logits = model(truth.image)[0][0]
        planes = [cv2.resize(m, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR) for m in logits]
        guess = np.argmax(planes, 0)
        real = np.concatenate([[0], truth.classes + 1])[truth.owners]
        table += np.bincount((real * size + guess).ravel(), minlength=size**2).reshape(size, size)
    common = table.diagonal()
    scores = common / np.maximum(table.sum(0) + table.sum(1) - common, 1)
    for name, score in zip(model.names, scores, strict=True):
        print(f"  {name:10s} IoU {score:.3f}")
    return {"mean_iou": float(scores[1:].mean()), "accuracy": common.sum() / table.sum()}


def only(truth: Truth, names: list[str]) -> Truth:
    """The truth with the objects of the named classes alone, renumbered as in `names`."""
    if names == list(shapes.CLASS_NAMES):
        return truth
    index = [ALL_NAMES.index(name) for name in names]
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
        truth.oriented[keep],
    )
