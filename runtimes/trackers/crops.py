"""Square crops around an object, and window functions."""

from math import ceil, floor, sqrt

import cv2
import numpy as np

from runtimes.arrays import Array, Size
from runtimes.geometry import Geometry
from runtimes.view import View

Color = tuple[float, float, float]
"""Blue, green, red, 0 to 255."""


def context_side(box: Array, context: float) -> float:
    """Return the side of the square crop of a box with context, in image pixels.

    sqrt((w + c) * (h + c)) with c = context * (w + h), as in SiamFC (Bertinetto et al., 2016) and
    its successors. With `context` 0.5, the crop of a square box has twice its side.
    """
    width, height = box[2] - box[0], box[3] - box[1]
    margin = context * (width + height)
    return sqrt((width + margin) * (height + margin))


def area_side(box: Array, factor: float) -> float:
    """Return `factor` times the square root of a box's area, as in OSTrack and VitTrack."""
    return factor * sqrt((box[2] - box[0]) * (box[3] - box[1]))


def view_of(box: Array, side: float, size: int, image: Size) -> View:
    """Return the square crop at a box's center.

    Args:
        box: (4,) x1 y1 x2 y2, image pixels.
        side: of the crop, in image pixels.
        size: of the crop, in pixels of the model's input.
        image: height and width of the image.
    """
    scale = size / side
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    geometry = Geometry(scale, scale, size / 2 - x * scale, size / 2 - y * scale)
    return View(image, (size, size), geometry)


def cut(image: Array, view: View, fill: Color) -> Array:
    """Crop and resize an image bilinearly, with `fill` beyond the image's border.

    The reference implementations round the crop to integer pixels and pad the image first. This
    function uses the exact square, and allocates only the crop.

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
    # In OpenCV, integer coordinates are pixel centers; in this project, they are pixel edges.
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
    """Return a Hann window, (height, width) float64, with 1 in the center.

    Args:
        height, width: of the map.
        open_ends: whether the zeros are one cell beyond the map (OSTrack) or at its border (numpy).
    """
    more = 2 if open_ends else 0
    rows, columns = np.hanning(height + more), np.hanning(width + more)
    if open_ends:
        rows, columns = rows[1:-1], columns[1:-1]
    return np.outer(rows, columns)


def best_of(response: Array) -> tuple[int, ...]:
    """Return the index of the maximum of a response, ignoring values that are not finite."""
    finite = np.where(np.isfinite(response), response, -np.inf)
    return tuple(int(at) for at in np.unravel_index(int(np.argmax(finite)), response.shape))


def box_about(x: float, y: float, width: float, height: float) -> Array:
    """Return (4,) float64 x1 y1 x2 y2 of a box with this center and size."""
    return np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2], np.float64)
