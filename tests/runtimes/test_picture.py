import numpy as np

from runtimes.geometry import Geometry
from runtimes.picture import Picture


def test_a_whole_picture_has_the_size_of_its_pixels_and_maps_each_point_to_itself() -> None:
    pixels = np.zeros((3, 5, 3), np.uint8)
    picture = Picture.whole(pixels)
    assert picture.pixels is pixels
    assert picture.size == (3, 5)
    assert picture.geometry == Geometry(1, 1, 0, 0)
