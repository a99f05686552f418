"""Type aliases for arrays and sizes."""

from typing import Any, TypeAlias

from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
"""A numpy array; docstrings state its shape and dtype."""

Size: TypeAlias = tuple[int, int]
"""Height and width in pixels, in the order of an array's axes."""


def size_of(image: Array) -> Size:
    """Return height and width of an image, (H, W) or (H, W, C)."""
    return image.shape[0], image.shape[1]
