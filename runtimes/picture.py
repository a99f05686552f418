"""The image of a request after decoding."""

from dataclasses import dataclass

from runtimes.arrays import Array, Size, size_of
from runtimes.geometry import Geometry


@dataclass(frozen=True, slots=True)
class Picture:
    """The pixels of an image, of a part of it, or of the image at a reduced size.

    Attributes:
        pixels: (H, W, 3) uint8 BGR.
        size: height and width of the whole image, in which annotations are drawn.
        geometry: from the pixels of the whole image to those of `pixels`.
    """

    pixels: Array
    size: Size
    geometry: Geometry

    @classmethod
    def whole(cls, pixels: Array) -> "Picture":
        """Return a picture of all pixels of an image, (H, W, 3) uint8 BGR."""
        return cls(pixels, size_of(pixels), Geometry())
