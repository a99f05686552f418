"""Helpers of segmentation decoders: from maps over the input to instances in the image."""

from collections.abc import Sequence
from math import ceil, floor
from typing import Literal, TypeAlias

import cv2
import numpy as np

from runtimes.arrays import Array, Size
from runtimes.decoders.outputs import probabilities, sigmoid
from runtimes.errors import BadModel
from runtimes.geometry import Geometry
from runtimes.instances import Instances
from runtimes.masks import CropMasks, RegionMasks, sample
from runtimes.view import View

MapLayout: TypeAlias = Literal["nchw", "nhwc"]
Window: TypeAlias = tuple[int, int, int, int]
"""Left, top, right, bottom (exclusive), in pixels of the image."""

_NEIGHBOURHOOD = np.ones((3, 3), np.uint8)
NO_CLASS = -1
"""The class ID of pixels without a class."""
_MOST_CLASSES = 1 << 16


def layout_of(shape: tuple[int | None, ...], classes: int | None) -> MapLayout:
    """Return the more likely layout of a map with 4 axes.

    Args:
        shape: [1, channels, h, w] or [1, h, w, channels].
        classes: the number of labels, if it should equal the number of channels.
    """
    first, middle, last = shape[1:]
    if last is None or last == first:
        return "nchw"
    if first is None:
        return "nhwc"
    if classes in (first, last):
        return "nchw" if first == classes else "nhwc"
    if middle in (first, last):
        return "nchw" if middle == last else "nhwc"
    return "nhwc" if last < first else "nchw"


def fitting_layout(shape: tuple[int, ...], size: Size) -> MapLayout:
    """Return the layout in which an output has the aspect ratio of an input of `size`."""

    def misfit(height: int, width: int) -> int:
        return abs(height * size[1] - width * size[0])

    _, first, middle, last = shape
    one, other = misfit(middle, last), misfit(first, middle)
    return layout_of(shape, None) if one == other else "nchw" if one < other else "nhwc"


def grid_of(view: View, height: int, width: int, step: str) -> Geometry:
    """Return the map from the image's pixels to the cells of a grid that covers the input.

    Args:
        view: the sizes of image and input, and the map between them.
        height, width: of the grid, in cells.
        step: the step's name, for the message.

    Raises:
        BadModel: the grid does not have the input's aspect ratio.
    """
    wanted = width * view.input[0] / view.input[1]
    if abs(height - wanted) > 1 + 0.1 * wanted:
        raise BadModel(
            f"`{step}` decodes a map of the model's input, which is {view.input[0]}x"
            f"{view.input[1]}, but the output is {height}x{width} (height x width)",
            where="output",
            hint="if the output has another layout, set `layout: nchw` or `layout: nhwc`",
        )
    scale = Geometry(width / view.input[1], height / view.input[0])
    return view.geometry.followed_by(scale)


def _pixels(box: Array, size: Size) -> Window:
    """Return the pixels of an image of `size` whose centers lie in a box, (4,) x1 y1 x2 y2."""
    left, top = (max(0, ceil(value - 0.5)) for value in box[:2].tolist())
    right = min(size[1], floor(float(box[2]) - 0.5) + 1)
    bottom = min(size[0], floor(float(box[3]) - 0.5) + 1)
    return left, top, max(left, right), max(top, bottom)


def visible_window(view: View) -> Window:
    """Return the pixels of the image that the input shows: all of them, unless it was cropped."""
    height, width = view.input
    return _pixels(view.geometry.inverse.boxes(np.array([[0, 0, width, height]]))[0], view.image)


def on_image(values: Array, view: View, window: Window, empty: float) -> Array:
    """Return a map of the image with the values of a window, and `empty` elsewhere."""
    if values.shape == view.image:
        return values
    left, top, right, bottom = window
    whole = np.full(view.image, empty, values.dtype)
    whole[top:bottom, left:right] = values
    return whole


def best_classes(planes: Array, to_grid: Geometry, window: Window) -> Array:
    """Return the class with the highest interpolated value at each pixel.

    Most classes of a model do not occur in an image. An interpolated value is within the range of
    the neighboring cells, so a class is interpolated only where its maximum over the neighboring
    cells reaches the minimum of some class. The result is the same.

    Args:
        planes: (C, h, w) float32.
        to_grid: from the image's pixels to cells.
        window: the pixels to compute.

    Returns:
        (bottom - top, right - left) int32; the first of equally high classes.
    """
    left, top, right, bottom = window
    class_map = np.full((bottom - top, right - left), NO_CLASS, np.int32)
    best = np.full(class_map.shape, -np.inf, np.float32)
    reached = np.full(planes.shape[1:], -np.inf, np.float32)
    for plane in planes:
        np.maximum(reached, np.asarray(cv2.erode(plane, _NEIGHBOURHOOD)), out=reached)
    back = to_grid.inverse
    for number, plane in enumerate(planes):
        rival = np.asarray(cv2.dilate(plane, _NEIGHBOURHOOD)) >= reached
        x, y, width, height = cv2.boundingRect(rival.astype(np.uint8))
        cells = back.boxes(np.array([[x, y, x + width, y + height]]))[0]
        # One more pixel on each side, so that rounding cannot exclude one.
        x1, y1 = max(left, floor(cells[0]) - 1), max(top, floor(cells[1]) - 1)
        x2, y2 = min(right, ceil(cells[2]) + 1), min(bottom, ceil(cells[3]) + 1)
        if not width or x1 >= x2 or y1 >= y2:
            continue
        values = sample(plane, to_grid, (x1, y1, x2, y2))
        place = np.s_[y1 - top : y2 - top, x1 - left : x2 - left]
        better = values > best[place]
        np.copyto(class_map[place], number, where=better)
        np.copyto(best[place], values, where=better)
    return class_map


def confidence_of(
    planes: Array, activation: Literal["none", "softmax", "sigmoid"], step: str
) -> Array:
    """Return the highest class probability of each cell: (C, h, w) float32 -> (h, w) float32.

    Raises:
        BadModel: see probabilities.
    """
    best = planes.max(axis=0)
    if activation == "none":
        return probabilities(best, "none", step)
    if activation == "sigmoid":
        return sigmoid(best)
    total = np.zeros_like(best)
    # If half precision has overflowed, the result is NaN, which exceeds no threshold.
    with np.errstate(invalid="ignore", divide="ignore"):
        for plane in planes:
            total += np.exp(plane - best)
        return np.asarray(1 / total)


def nearest(labels: Array, to_grid: Geometry, window: Window) -> Array:
    """Return the class of the cell in which each pixel's center lies.

    Args:
        labels: (h, w) integers.
        to_grid: from the image's pixels to cells.
        window: the pixels to compute.

    Returns:
        (bottom - top, right - left) int32.
    """
    left, top, right, bottom = window
    known = (labels >= 0) & (labels < _MOST_CLASSES)
    # Python's -1 does not fit into unsigned labels, so NO_CLASS is written after the conversion.
    small = np.where(known, labels, 0).astype(np.int32)
    small[~known] = NO_CLASS
    xs = (np.arange(left, right) + 0.5) * to_grid.scale_x + to_grid.shift_x
    ys = (np.arange(top, bottom) + 0.5) * to_grid.scale_y + to_grid.shift_y
    columns = np.floor(xs).astype(np.int64).clip(0, labels.shape[1] - 1)
    rows = np.floor(ys).astype(np.int64).clip(0, labels.shape[0] - 1)
    return np.asarray(small.take(rows, axis=0).take(columns, axis=1))


def instances_of(
    class_map: Array,
    confidence: Array | None,
    *,
    background: int | None,
    components: bool,
    min_area: int,
    threshold: float,
) -> Instances:
    """Return the instances in a map of classes.

    Args:
        class_map: (H, W) int32, pixels of the image, NO_CLASS where there is no class.
        confidence: (H, W) float32, 0..1, whose mean over a region is its score; None for score 1.
        background: the class to skip, if there is one.
        components: one instance per 8-connected component of a class, instead of one per class.
        min_area: the minimum number of pixels of an instance.
        threshold: the score that an instance must exceed.
    """
    regions = np.zeros(class_map.shape, np.int32) if components else class_map + 1
    numbers, sides, areas, classes, totals = [], [], [], [], []
    used = 0
    for number in np.flatnonzero(np.bincount(class_map.reshape(-1) + 1)[1:]).tolist():
        if number == background:
            continue
        mask = (class_map == number).view(np.uint8)
        x, y, width, height = cv2.boundingRect(mask)
        place = np.s_[y : y + height, x : x + width]
        labels = mask[place]
        if components:
            count, labels, stats, _ = cv2.connectedComponentsWithStats(mask[place], connectivity=8)
            np.add(labels, used, out=regions[place], where=labels > 0)
            numbers.append(np.arange(1, count) + used)
            sides.append(stats[1:, :4] + np.array([x, y, 0, 0]))
            areas.append(stats[1:, cv2.CC_STAT_AREA])
            used += count - 1
        else:
            numbers.append(np.array([number + 1]))
            sides.append(np.array([[x, y, width, height]]))
            areas.append(np.array([cv2.countNonZero(mask)]))
        classes.append(np.full(len(areas[-1]), number))
        if confidence is not None:
            # Only the pixels of the class: a quarter of the time of the whole image.
            inside = labels > 0
            totals.append(np.bincount(labels[inside], confidence[place][inside])[1:])
    if not numbers:
        none = np.zeros(0, np.int64)
        return Instances.of(np.zeros((0, 4)), none, none, masks=RegionMasks(regions, none))
    named, area = np.concatenate(numbers), np.concatenate(areas)
    means = np.ones(len(area)) if confidence is None else np.concatenate(totals) / area
    boxes = np.concatenate(sides)
    boxes[:, 2:] += boxes[:, :2]
    # In single precision, like the model's values, so that a score equal to the threshold is not
    # above it.
    kept = (area >= min_area) & (means.astype(np.float32) > threshold)
    return Instances.of(
        boxes[kept],
        means[kept],
        np.concatenate(classes)[kept],
        masks=RegionMasks(regions, named[kept]),
    )


def joined(parts: Sequence[Instances], size: Size) -> Instances:
    """Return the instances of several maps of an image of `size`, which may overlap."""
    crops = [
        it.masks.crop(number, box, size) if it.masks is not None else None
        for it in parts
        for number, box in enumerate(it.boxes)
    ]
    none = np.zeros(0)
    return Instances.of(
        np.concatenate([none.reshape(0, 4), *(it.boxes for it in parts)]),
        np.concatenate([none, *(it.scores for it in parts)]),
        np.concatenate([none, *(it.classes for it in parts)]),
        masks=CropMasks(tuple(crops)),
    )


def foreground(values: Array, level: float, view: View, step: str) -> tuple[Array, Array]:
    """Threshold a probability map, (h, w), that covers the model's input, at `level`.

    Returns:
        (H, W) int32 of 0 and NO_CLASS, and (H, W) float32 probabilities, pixels of the image.
    """
    to_grid, window = grid_of(view, values.shape[0], values.shape[1], step), visible_window(view)
    sampled = sample(np.ascontiguousarray(values, np.float32), to_grid, window)
    class_map = np.where(sampled > level, np.int32(0), np.int32(NO_CLASS))
    return on_image(class_map, view, window, NO_CLASS), on_image(sampled, view, window, 0)
