"""Square crops around an object, and the windows that keep a tracker from jumping."""

from math import ceil, floor, sqrt

import cv2
import numpy as np

from runtimes.arrays import Array, Size
from runtimes.geometry import Geometry
from runtimes.view import View

Color = tuple[float, float, float]
"""Blue, green, red, 0 to 255."""


def context_side(box: Array, context: float) -> float:
    """The side of the square that shows a box with some of its surroundings, in image pixels.

    sqrt((w + c) * (h + c)) with c = context * (w + h): the rule of SiamFC (Bertinetto et al., 2016)
    and all that came from it. With `context` 0.5 a square box fills half of the square.
    """
    width, height = box[2] - box[0], box[3] - box[1]
    margin = context * (width + height)
    return sqrt((width + margin) * (height + margin))


def area_side(box: Array, factor: float) -> float:
    """`factor` times the side of the square of a box's area: the rule of OSTrack and VitTrack."""
    return factor * sqrt((box[2] - box[0]) * (box[3] - box[1]))


def view_of(box: Array, side: float, size: int, image: Size) -> View:
    """The square of `side` image pixels about a box's centre, seen with `size` pixels a side."""
    scale = size / side
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    geometry = Geometry(scale, scale, size / 2 - x * scale, size / 2 - y * scale)
    return View(image, (size, size), geometry)


def cut(image: Array, view: View, fill: Color) -> Array:
    """What a view shows of an image, bilinear, with `fill` beyond the image's edges.

    Unlike the reference implementations, which round a crop's edges to whole pixels and pad the
    image first, this takes the square exactly as it is, and no more memory than the crop's.

    Args:
        image: (H, W, 3) uint8 BGR.
        view: with the same scale on both axes.

    Returns:
        (h, w, 3) uint8 BGR of the view's input size.
    """
    height, width = view.input
    back = view.geometry.inverse
    (x1, y1), (x2, y2) = back.points(np.array([[0, 0], [width, height]], np.float64)).tolist()
    left, top = max(floor(x1) - 2, 0), max(floor(y1) - 2, 0)
    right, bottom = min(ceil(x2) + 2, image.shape[1]), min(ceil(y2) + 2, image.shape[0])
    if left >= right or top >= bottom:
        return np.full((height, width, 3), np.round(fill), np.uint8)
    # OpenCV puts whole numbers at the centres of pixels, this project at their edges.
    matrix = np.array(
        [
            [back.scale_x, 0, 0.5 * back.scale_x + back.shift_x - 0.5 - left],
            [0, back.scale_y, 0.5 * back.scale_y + back.shift_y - 0.5 - top],
        ]
    )
    return np.asarray(
        cv2.warpAffine(
            image[top:bottom, left:right],
            matrix,
            (width, height),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=fill,
        )
    )


def hann(height: int, width: int, *, open_ends: bool = False) -> Array:
    """A Hann window over a map, (height, width) float64: 1 in the middle.

    Args:
        open_ends: whether the zeros lie one cell beyond the map (OSTrack) or on its rim (numpy).
    """
    more = 2 if open_ends else 0
    rows, columns = np.hanning(height + more), np.hanning(width + more)
    if open_ends:
        rows, columns = rows[1:-1], columns[1:-1]
    return np.outer(rows, columns)


def best_of(response: Array) -> tuple[int, ...]:
    """Where a response is highest; what is not finite never is."""
    finite = np.where(np.isfinite(response), response, -np.inf)
    return tuple(int(at) for at in np.unravel_index(int(np.argmax(finite)), response.shape))


def box_about(x: float, y: float, width: float, height: float) -> Array:
    """(4,) float64 x1 y1 x2 y2 from a centre and sides."""
    return np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2], np.float64)
