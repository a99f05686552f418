"""Pictures of the worst and the best samples: annotations beside what was found."""

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from builder.datasets.annotation import Annotation, Keypoints, LabeledImage, Mask, Shape, Tag
from builder.evaluation.evaluation import Picture
from builder.evaluation.measure import Sample, Task
from builder.evaluation.measures.tracks import worst_frame
from builder.evaluation.shapes import bounds_of, rings_of
from builder.run.draw import draw
from builder.run.predict.files import pixels_of
from runtimes.arrays import Array

_SIDE = 560
"""Longest side of a picture in pixels."""

_QUALITY = 82
"""Quality of the JPEG files, of 100."""

Item = Mapping[str, Any]
"""An item of a detector's reply."""


def picture_of(image: LabeledImage, items: Sequence[Item], note: str, task: Task) -> Picture:
    """Draw an image.

    Args:
        image: the image with its annotations.
        items: the function's reply. Those below its threshold and of labels that are not compared
            are left out.
        note: see Picture.
        task: what is evaluated.

    Raises:
        OSError, BadRequest: the image cannot be read or decoded any more.
    """
    small, scale = _reduced(pixels_of(image.file.read_bytes()))
    least = 0.5 if task.threshold is None else task.threshold
    found = [
        _scaled(item, scale)
        for item in items
        if item["label"] in task.label_map.names and item["confidence"] >= least
    ]
    truth = [
        item
        for annotation in image.annotations
        for item in _items_of(annotation, task, scale, small.shape[:2])
    ]
    spec = [dict(label) for label in task.labels]
    return Picture(
        image.name, note, _jpeg(draw(small, truth, spec)), _jpeg(draw(small, found, spec))
    )


def track_picture(sample: Sample, boxes: Sequence[Sequence[float] | None], note: str) -> Picture:
    """Draw the frame of a track with the smallest overlap.

    Args:
        sample: a sample of TrackMeasure.
        boxes: its answer.
        note: see Picture.

    Raises:
        OSError, BadRequest: the image cannot be read or decoded any more.
    """
    image, box = worst_frame(sample.images, boxes)
    truth = bounds_of(image.annotations[0].shape)
    small, scale = _reduced(pixels_of(image.file.read_bytes()))
    label = image.annotations[0].label
    pictures = [
        draw(small, [] if it is None else [_box_item(it, label, scale)], [{"name": label}])
        for it in (truth, box)
    ]
    return Picture(f"{sample.name}, {image.name}", note, *map(_jpeg, pictures))


def match_picture(
    query: tuple[LabeledImage, int], entry: tuple[LabeledImage, int], note: str
) -> Picture:
    """Return the boxes of a query of ReID and of the entry that was found.

    Args:
        query, entry: image and number of the annotation.
        note: see Picture.

    Raises:
        OSError, BadRequest: an image cannot be read or decoded any more.
    """
    crops = (_jpeg(_reduced(_crop(*it))[0]) for it in (query, entry))
    return Picture(f"{query[0].name} and {entry[0].name}", note, *crops)


def _box_item(box: Sequence[float], label: str, scale: float) -> dict[str, Any]:
    """Return a box as an item of a reply."""
    return {"label": label, "type": "rectangle", "points": [value * scale for value in box]}


def _crop(image: LabeledImage, number: int) -> Array:
    """Return the pixels of an annotation's bounding box, or of the whole image for a tag."""
    pixels = pixels_of(image.file.read_bytes())
    shape = image.annotations[number].shape
    bounds = None if isinstance(shape, Tag) else bounds_of(shape)
    if bounds is None:
        return pixels
    height, width = pixels.shape[:2]
    left, right = (int(min(max(it, 0), width - 1)) for it in (bounds[0], bounds[2] - 0.01))
    top, bottom = (int(min(max(it, 0), height - 1)) for it in (bounds[1], bounds[3] - 0.01))
    return pixels[top : bottom + 1, left : right + 1]


def _reduced(pixels: Array) -> tuple[Array, float]:
    """Return an image whose longest side is at most _SIDE, and the scale."""
    scale = min(1.0, _SIDE / max(pixels.shape[:2]))
    height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), scale


def _items_of(
    annotation: Annotation, task: Task, scale: float, size: tuple[int, int]
) -> list[dict[str, Any]]:
    """Return an annotation as items of a reply, without confidence."""
    label = task.label_map.of_dataset.get(annotation.label)
    if label is None:
        return []
    return [{"label": label, **it} for it in _forms_of(annotation.shape, label, task, scale, size)]


def _forms_of(
    shape: Shape, label: str, task: Task, scale: float, size: tuple[int, int]
) -> list[dict[str, Any]]:
    """Return a shape as items without a label."""
    if isinstance(shape, Mask):
        return _mask_form(shape, scale, size)
    if isinstance(shape, Keypoints):
        return _keypoint_form(shape, label, task, scale)
    rings = [(ring * scale).ravel().tolist() for ring in rings_of(shape)]
    if not rings:
        return [{"type": "tag"}]
    return [{"type": "polygon", "points": ring} for ring in rings]


def _mask_form(shape: Mask, scale: float, size: tuple[int, int]) -> list[dict[str, Any]]:
    """Return a mask of the reduced image, or nothing if no pixel is left."""
    height, width = size
    rows, columns = shape.bitmap.shape
    left, top = round(shape.left * scale), round(shape.top * scale)
    right, bottom = round((shape.left + columns) * scale), round((shape.top + rows) * scale)
    fits = 0 <= left < right <= width and 0 <= top < bottom <= height
    if not fits:
        return []
    bitmap = cv2.resize(
        shape.bitmap.astype(np.uint8), (right - left, bottom - top), interpolation=cv2.INTER_AREA
    )
    if not bitmap.any():
        return []
    return [{"type": "mask", "mask": [*bitmap.ravel().tolist(), left, top, right - 1, bottom - 1]}]


def _keypoint_form(shape: Keypoints, label: str, task: Task, scale: float) -> list[dict[str, Any]]:
    """Return the labeled keypoints as a skeleton of the function, or as points."""
    seen = shape.visibility > 0
    if not seen.any():
        return []
    spec = next(it for it in task.labels if it["name"] == label)
    names = [str(it["name"]) for it in spec.get("sublabels", ())]
    theirs = shape.names or (tuple(names) if len(shape.points) == len(names) else ())
    known = [place for place in np.flatnonzero(seen).tolist() if place < len(theirs)]
    elements = [
        {"label": theirs[place], "points": (shape.points[place] * scale).tolist()}
        for place in known
        if theirs[place] in names
    ]
    if spec.get("type") == "skeleton" and elements:
        return [{"type": "skeleton", "elements": elements}]
    return [{"type": "points", "points": (shape.points[seen] * scale).ravel().tolist()}]


def _scaled(item: Item, scale: float) -> dict[str, Any]:
    """Return an item of a reply for the reduced image."""
    scaled = dict(item)
    if item["type"] == "mask":
        *pixels, left, top, right, bottom = item["mask"]
        bitmap = np.array(pixels, np.uint8).reshape(bottom - top + 1, right - left + 1)
        x1, y1 = int(left * scale), int(top * scale)
        x2, y2 = max(x1 + 1, int((right + 1) * scale)), max(y1 + 1, int((bottom + 1) * scale))
        small = cv2.resize(bitmap, (x2 - x1, y2 - y1), interpolation=cv2.INTER_NEAREST)
        if not small.any():
            small[small.shape[0] // 2, small.shape[1] // 2] = 1
        scaled["mask"] = [*small.ravel().tolist(), x1, y1, x2 - 1, y2 - 1]
    elif item["type"] == "skeleton":
        scaled["elements"] = [
            {**it, "points": [value * scale for value in it["points"]]} for it in item["elements"]
        ]
    elif "points" in item:
        scaled["points"] = [value * scale for value in item["points"]]
    return scaled


def _jpeg(pixels: Array) -> bytes:
    """Return an image, (H, W, 3) uint8 BGR, as a JPEG file."""
    _, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return data.tobytes()
