"""Run-length encodings of masks: COCO's and CVAT's."""

import numpy as np

from builder.datasets.annotation import Mask
from builder.datasets.value import Value
from runtimes.arrays import Array, Size

MAX_PIXELS = 2**28
"""A few characters can stand for a mask that fills the memory; no image has this many pixels."""


def coco_mask(segmentation: Value, of_image: Size | None = None) -> Mask:
    """Return the mask of COCO's RLE: `size` (height and width) and `counts`.

    Args:
        segmentation: the map.
        of_image: height and width of the image, if the dataset has them.

    The counts are the lengths of runs of 0 and 1 in turn, in columns from the top left. They are a
    list, or a text that the COCO API calls compressed.

    Raises:
        DatasetError: the counts are invalid or do not fill the size, or it is not the image's.
    """
    size = segmentation["size"]
    height, width = (entry.whole(1) for entry in _pair(size))
    if of_image not in (None, (height, width)):
        raise size.error("is not the size of the image", f"{list(of_image or ())}")
    counts = segmentation["counts"]
    runs = _uncompressed(counts) if isinstance(counts.data, str) else _integers(counts)
    pixels = _fill(counts, runs, height, width)
    return cropped(pixels.reshape(width, height).T)


def cvat_mask(rle: Value, left: int, top: int, width: int, height: int) -> Mask:
    """Return the mask of CVAT's RLE: lengths of runs of 0 and 1 in turn, in rows of a rectangle.

    Args:
        rle: a list of integers.
        left, top, width, height: the rectangle in the image.

    Raises:
        DatasetError: the runs do not fill the rectangle.
    """
    pixels = _fill(rle, _integers(rle), height, width)
    return Mask(pixels.reshape(height, width), left, top)


def cropped(bitmap: Array) -> Mask:
    """Return the mask of a bitmap, (H, W) bool, without the empty rows and columns around it."""
    rows, columns = np.flatnonzero(bitmap.any(1)), np.flatnonzero(bitmap.any(0))
    if not len(rows):
        return Mask(np.zeros((0, 0), bool), 0, 0)
    top, left = int(rows[0]), int(columns[0])
    part = bitmap[top : rows[-1] + 1, left : columns[-1] + 1]
    return Mask(np.ascontiguousarray(part), left, top)


def _pair(size: Value) -> tuple[Value, Value]:
    entries = list(size.entries())
    if len(entries) != 2:
        raise size.error("is not a size", "height and width")
    return entries[0], entries[1]


def _integers(counts: Value) -> list[int]:
    numbers = counts.numbers()
    if any(number < 0 or not number.is_integer() for number in numbers):
        raise counts.error("has a run of invalid length", "integers of at least 0")
    return [int(number) for number in numbers]


def _uncompressed(counts: Value) -> list[int]:
    """Return the runs of a text of the COCO API (`rleFrString` in its maskApi.c).

    Each character has five bits of a number, the lowest first, and a bit that says whether the
    number goes on. From the fourth run on, a number is the difference to the run before the last.
    """
    runs: list[int] = []
    number = shift = 0
    for letter in counts.text():
        bits = ord(letter) - 48
        if not 0 <= bits < 64 or shift > 60:
            raise counts.error("is not RLE of the COCO API", "characters from `0` to `o`")
        number |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            number -= 1 << shift
        runs.append(number + (runs[-2] if len(runs) > 2 else 0))
        number = shift = 0
    if shift or any(run < 0 for run in runs):
        raise counts.error("is not RLE of the COCO API", "complete runs of at least 0 pixels")
    return runs


def _fill(counts: Value, runs: list[int], height: int, width: int) -> Array:
    """Return the pixels of runs, (height * width,) bool."""
    if height * width > MAX_PIXELS:
        raise counts.error(
            f"is a mask of {width} x {height} pixels", f"at most {MAX_PIXELS} pixels"
        )
    if sum(runs) != height * width:
        raise counts.error(
            f"has {sum(runs)} pixels for a mask of {width} x {height}",
            f"{height * width} pixels",
        )
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs)
