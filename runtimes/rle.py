"""CVAT's run-length encoding of masks.

The encoding is the lengths of alternating runs of zeros and ones along the rows of the mask's box,
starting with zeros (possibly 0 of them), then the box's left, top, right and bottom pixel, all
inclusive (cvat-core, object-utils.ts, mask2Rle). COCO's encoding goes along the columns instead.
"""

import numpy as np

from runtimes.arrays import Array


def encode(bitmap: Array, left: int, top: int) -> list[int]:
    """Encode a mask.

    Args:
        bitmap: (h, w) uint8 or bool, nonzero in the mask; it covers the mask's box.
        left, top: the position of the box's first pixel in the image.

    Returns:
        Run lengths, then left, top, right, bottom.
    """
    height, width = bitmap.shape
    flat = bitmap.reshape(-1) != 0
    # The runs lie between the edges, of which the bitmap's ends are two.
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    ends = np.concatenate([[0], edges, [flat.size]])
    runs = (ends[1:] - ends[:-1]).tolist()
    counts = [0, *runs] if flat[0] else runs
    return [*counts, left, top, left + width - 1, top + height - 1]


def decode(points: list[int]) -> tuple[Array, int, int]:
    """Decode a mask. Inverse of `encode`.

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
