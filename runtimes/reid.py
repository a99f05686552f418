"""ReID: functions that match the boxes of two frames."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor
from pathlib import Path
from typing import Any

import numpy as np

from runtimes import image
from runtimes.arrays import Array, Size, size_of
from runtimes.assignment import solver
from runtimes.backends.session import Backend
from runtimes.clock import Clock
from runtimes.errors import BadRequest
from runtimes.interfaces import Embedder
from runtimes.network import Network, OpenNetwork
from runtimes.numbers import are_numbers, number_of

MAX_BOXES = 2000
"""Maximum number of boxes per frame, which bounds the duration and the memory for all pairs."""


@dataclass(frozen=True, slots=True)
class Reid:
    """A ReID function's description; it is spelled out in model_handler.py.

    Attributes:
        threshold: the default maximum distance of two vectors of one object.
        max_distance: the default maximum distance of an object's centers, in pixels.
        network: the model that embeds a crop, and its preprocessing.
        embedder: turns the model's outputs into vectors, and compares them.
    """

    threshold: float
    max_distance: float
    network: Network
    embedder: Embedder

    def start(self, backend: Backend, folder: Path) -> "OpenReid":
        """Load the model from `folder` and run it once on a blank image.

        Raises:
            BadModel: see Network.open; or an output has another shape than declared.
            NoDevice: see Network.open.
        """
        return OpenReid(self, self.network.open(backend, folder, (self.embedder,)))


class OpenReid:
    """A ReID function that answers requests."""

    def __init__(self, reid: Reid, network: OpenNetwork) -> None:
        self._reid = reid
        self._network = network
        self.session = network.session
        self._embedder = reid.embedder
        blank = np.zeros((64, 64, 3), np.uint8)
        boxes = np.array([[0, 0, 64, 64], [0, 0, 32, 64]], np.float64)
        vectors, _ = self._embed(blank, boxes, Clock())
        # The first assignment loads the solver, which the first request would wait for.
        assign(self._embedder.distances(vectors, vectors), np.ones((2, 2), bool))

    def describe(self) -> str:
        """Return a summary for the log at start-up: input and thresholds."""
        reid = self._reid
        return (
            f"input {self._network.input}; threshold {reid.threshold:g}, max_distance "
            f"{reid.max_distance:g}"
        )

    def __call__(self, request: Mapping[str, Any], clock: Clock) -> list[int]:
        """Answer one request of CVAT.

        Args:
            request: `image0`, `image1`, `boxes0`, `boxes1`, optionally `threshold` and
                `max_distance`.

        Returns:
            For each of `boxes0`, the index in `boxes1` of the same object, or -1.

        Raises:
            BadRequest: a value of the request is invalid.
        """
        threshold = number_of(request, "threshold", self._reid.threshold)
        reach = number_of(request, "max_distance", self._reid.max_distance)
        first = _rectangles(request.get("boxes0"), "boxes0")
        second = _rectangles(request.get("boxes1"), "boxes1")
        boxes0, boxes1 = first.boxes, second.boxes
        matches = np.full(len(boxes0), -1)
        near = _distances(_centers(boxes0), _centers(boxes1)) <= reach
        near &= first.labels[:, None] == second.labels[None, :]
        if near.any():
            # Boxes without a candidate are not embedded.
            rows, columns = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
            with clock.stage("image decode"):
                pixels0 = image.decode(request.get("image0"), "image0")
                pixels1 = image.decode(request.get("image1"), "image1")
            vectors0, seen0 = self._embed(pixels0, boxes0[rows], clock)
            vectors1, seen1 = self._embed(pixels1, boxes1[columns], clock)
            with clock.stage("match"):
                cost = self._embedder.distances(vectors0, vectors1)
                allowed = near[np.ix_(rows, columns)] & seen0[:, None] & seen1[None, :]
                found = assign(cost, allowed & (cost <= threshold))
                matches[rows] = np.where(found >= 0, columns[found], -1)
        return [int(match) for match in matches]

    def examine(self, pixels: Array) -> dict[str, Array]:
        """Return the vectors of four crops of an image, for the smoke test of a build.

        Args:
            pixels: (H, W, 3) uint8 BGR.

        Returns:
            `image`: height and width of the image. `vectors`: (4, D), one for each quarter.

        Raises:
            BadModel: the embedder does not match the model's outputs.
        """
        height, width = size_of(pixels)
        corners = [(x, y) for y in (0, height / 2) for x in (0, width / 2)]
        boxes = np.array([(x, y, x + width / 2, y + height / 2) for x, y in corners])
        vectors, _ = self._embed(pixels, boxes, Clock())
        return {"image": np.array([height, width]), "vectors": vectors}

    def _embed(self, pixels: Array, boxes: Array, clock: Clock) -> tuple[Array, Array]:
        """Embed boxes.

        Args:
            pixels: (H, W, 3) uint8 BGR.
            boxes: (N, 4) x1 y1 x2 y2, pixels; may extend beyond the image.
            clock: measures the stages.

        Returns:
            (N, D) float64, and (N,) whether the box overlaps the image; the vectors of the other
            boxes are zeros.
        """
        windows = [window_of(box, size_of(pixels)) for box in boxes.tolist()]
        seen = [window for window in windows if window is not None]
        found = [
            self._embedder(outputs.tensors)
            for outputs in self._network.run_crops(pixels, seen, clock)
        ]
        shows = np.array([window is not None for window in windows], bool)
        vectors = np.zeros((len(boxes), found[0].shape[1] if found else 1))
        if found:
            vectors[shows] = np.concatenate(found)
        return vectors, shows


@dataclass(frozen=True, slots=True)
class _Rectangles:
    """Boxes of one frame.

    Attributes:
        boxes: (N, 4) x1 y1 x2 y2, pixels of the image.
        labels: (N,) CVAT's label IDs; -1 for boxes without one.
    """

    boxes: Array
    labels: Array


def _rectangles(value: object, where: str) -> _Rectangles:
    """Validate the boxes of a request, in the format of CVAT's shapes.

    Raises:
        BadRequest: they are not rectangles, or too many.
    """
    if not isinstance(value, list):
        raise BadRequest("must be a list of rectangles", where=where, found=type(value).__name__)
    if len(value) > MAX_BOXES:
        raise BadRequest(
            "has too many boxes", where=where, found=str(len(value)), allowed=f"up to {MAX_BOXES}"
        )
    boxes, labels = [], []
    for number, shape in enumerate(value):
        points = shape.get("points") if isinstance(shape, dict) else None
        if not isinstance(points, list) or len(points) != 4 or not are_numbers(points):
            raise BadRequest(
                "must be a rectangle",
                where=f"{where}[{number}]",
                found=repr(shape)[:80],
                allowed='{"points": [x1, y1, x2, y2], ...}',
            )
        x1, y1, x2, y2 = points
        boxes.append((min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)))
        label = shape.get("label_id")
        labels.append(label if isinstance(label, int) and abs(label) < 2**62 else -1)
    return _Rectangles(np.array(boxes, np.float64).reshape(-1, 4), np.array(labels, np.int64))


def window_of(box: Sequence[float], size: Size) -> tuple[int, int, int, int] | None:
    """Return the pixels that a box touches: left, top, right, bottom (exclusive).

    Args:
        box: x1 y1 x2 y2; it is clipped to the image.
        size: height and width of the image.

    Returns:
        None for a box without area, or outside of the image.
    """
    x1, y1, x2, y2 = box
    if not (x1 < x2 and y1 < y2):
        return None
    left, top = max(floor(x1), 0), max(floor(y1), 0)
    right, bottom = min(ceil(x2), size[1]), min(ceil(y2), size[0])
    return (left, top, right, bottom) if left < right and top < bottom else None


def _centers(boxes: Array) -> Array:
    """Return the centers of (N, 4) boxes, (N, 2)."""
    return np.asarray((boxes[:, :2] + boxes[:, 2:]) / 2)


def _distances(points0: Array, points1: Array) -> Array:
    """Return the Euclidean distances of (N, 2) and (M, 2) points, (N, M)."""
    return np.asarray(np.linalg.norm(points0[:, None] - points1[None, :], axis=2))


def assign(cost: Array, allowed: Array) -> Array:
    """Match as many rows with columns as possible, at the minimum total cost.

    Args:
        cost: (N, M) of the pairs.
        allowed: (N, M) whether a pair may be matched.

    Returns:
        (N,) the column of each row, or -1.
    """
    # A forbidden pair costs more than all allowed pairs together.
    priced = np.where(allowed, cost, cost[allowed].sum() + 1)
    matches = np.full(len(cost), -1)
    for row, column in zip(*solver()(priced), strict=True):
        if allowed[row, column]:
            matches[row] = column
    return matches
