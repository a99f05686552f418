"""Simulated clicks on an object.

Each click is at the center of the largest error: the pixel of the object that was missed, or of the
background that was found, with the greatest distance from the border of its region. Source: Sofiiuk
et al., Reviving Iterative Training with Mask Guidance for Interactive Segmentation (RITM, 2021),
and the evaluation of the authors' program.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from runtimes.arrays import Array


@dataclass(frozen=True, slots=True)
class Click:
    """A click on a pixel.

    Attributes:
        x, y: the pixel's column and row.
        positive: whether it is on the object.
    """

    x: int
    y: int
    positive: bool

    @property
    def point(self) -> list[float]:
        """The center of the pixel, x and y in pixels of the image."""
        return [self.x + 0.5, self.y + 0.5]


def next_click(truth: Array, found: Array, counted: Array, clicked: list[Click]) -> Click | None:
    """Return the next click.

    Args:
        truth: (H, W) bool, the object.
        found: (H, W) bool, the last mask.
        counted: (H, W) bool, the pixels that are right or wrong.
        clicked: the clicks so far; no pixel is clicked twice.

    Returns:
        None if there is no error, or no pixel of it that was not clicked.
    """
    free = np.ones(truth.shape, bool)
    for click in clicked:
        free[click.y, click.x] = False
    missed = _depths(truth & ~found & counted) * free
    wrong = _depths(~truth & found & counted) * free
    positive = float(missed.max(initial=0)) > float(wrong.max(initial=0))
    depths = missed if positive else wrong
    if not depths.any():
        return None
    y, x = np.unravel_index(int(depths.argmax()), depths.shape)
    return Click(int(x), int(y), positive)


def _depths(region: Array) -> Array:
    """Return the distance of each pixel of a region to its border or to that of the image."""
    padded = np.pad(region, 1).astype(np.uint8)
    return np.asarray(cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE))[1:-1, 1:-1]
