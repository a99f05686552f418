"""Crops of oriented boxes, turned upright."""

import cv2
import numpy as np

from runtimes.arrays import Array
from runtimes.rotated import corners

_TALL = 1.5
"""Height divided by width from which a crop is turned by 90 degrees, as in PP-OCR."""


def upright(image: Array, box: Array) -> Array:
    """Return the part of an image in an oriented box, turned so that the box is upright.

    A part that is at least 1.5 times as high as wide is vertical text, and is turned by 90 degrees
    counterclockwise, as in PP-OCR's `get_rotate_crop_image`. Outside the image, its border is
    repeated.

    Args:
        image: (H, W, 3) uint8 BGR.
        box: (5,), as in runtimes.rotated, in pixels of the image.

    Returns:
        (h, w, 3) uint8 BGR; one pixel at least on each side.
    """
    width, height = (max(1, int(side)) for side in box[2:4].tolist())
    # OpenCV's warpAffine counts from pixel centers, half a pixel from the edges.
    bottom_right, top_right, top_left, _ = corners(box[None])[0]
    source = np.stack([top_left, top_right, bottom_right]) - 0.5
    target = np.array([[0, 0], [width, 0], [width, height]]) - 0.5
    matrix = cv2.getAffineTransform(source.astype(np.float32), target.astype(np.float32))
    part = np.asarray(
        cv2.warpAffine(
            image,
            matrix,
            (width, height),
            flags=cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )
    )
    return np.ascontiguousarray(np.rot90(part)) if height >= _TALL * width else part
