"""The sizes of an image and of the model's input, and the map between them."""

from dataclasses import dataclass

from runtimes.arrays import Size
from runtimes.geometry import Geometry


@dataclass(frozen=True, slots=True)
class View:
    """The sizes before and after preprocessing, and the map between the two.

    Attributes:
        image: height and width of the image.
        input: height and width of the model's input.
        geometry: from the image's pixels to the model's input pixels.
    """

    image: Size
    input: Size
    geometry: Geometry
