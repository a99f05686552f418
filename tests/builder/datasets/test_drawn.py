import cv2
import numpy as np

from builder.datasets.drawn import blank, pictures
from runtimes.arrays import Array


def decoded(data: bytes) -> Array:
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))


def test_the_pictures_are_the_same_in_each_build() -> None:
    assert pictures() == pictures()


def test_every_picture_has_the_same_odd_size() -> None:
    assert {decoded(data).shape for data in (blank(), *pictures().values())} == {(360, 480, 3)}


def test_blank_is_black_and_bright_is_white() -> None:
    assert not decoded(blank()).any()
    assert (decoded(pictures()["bright"]) == 255).all()


def test_noise_and_scene_use_most_of_the_range_in_every_channel() -> None:
    for name in ("noise", "scene"):
        low, high = np.percentile(decoded(pictures()[name]).reshape(-1, 3), (1, 99), axis=0)
        assert (high - low > 120).all(), name


def test_neighbouring_pixels_are_alike_in_the_scene_and_not_in_the_noise() -> None:
    steps = {
        name: np.abs(np.diff(decoded(pictures()[name]).astype(float), axis=1)).mean()
        for name in ("noise", "scene")
    }
    assert steps["scene"] < 12 < steps["noise"]


def test_the_middle_is_bright_enough_to_be_seen() -> None:
    for name, data in pictures().items():
        assert decoded(data)[180, 240].max() > 60, name
