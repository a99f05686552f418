"""CVAT's run-length encoding of masks.

Unlike COCO's, which runs down the columns, CVAT's runs along the rows of the mask's own box. It is
the lengths of alternating runs, beginning with zeros (which may be 0 long), then the box's left,
top, right and bottom pixel, all inclusive (cvat-core, object-utils.ts, mask2Rle).
"""

import numpy as np

from runtimes.arrays import Array


def encode(bitmap: Array, left: int, top: int) -> list[int]:
    """Encode a mask.

    Args:
        bitmap: (h, w) uint8 or bool, zero outside of the mask; the mask's box, not the image.
        left, top: where the box's first pixel lies in the image.

    Returns:
        Run lengths, then left, top, right, bottom.
    """
    height, width = bitmap.shape
    flat = np.concatenate([[0], (bitmap != 0).ravel(), [0]])
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    # Between the edges lie the runs. The last one is ones or zeros; the end closes it either way.
    runs = np.diff(np.concatenate([[0], edges, [height * width]]))
    counts = runs[:-1] if len(edges) and edges[-1] == height * width else runs
    return [*counts.tolist(), left, top, left + width - 1, top + height - 1]


def decode(points: list[int]) -> tuple[Array, int, int]:
    """Decode a mask; the inverse of `encode`.

    Returns:
        (h, w) uint8 of 0 and 1, left, top.

    Raises:
        ValueError: the runs do not fill the box.
    """
    *counts, left, top, right, bottom = points
    height, width = bottom - top + 1, right - left + 1
    if min(height, width) < 1 or sum(counts) != height * width or min(counts, default=0) < 0:
        raise ValueError(f"runs of {sum(counts)} pixels do not fill a box of {width}x{height}")
    values = np.arange(len(counts)) % 2
    return np.repeat(values, counts).reshape(height, width).astype(np.uint8), left, top
