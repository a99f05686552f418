from math import exp

import numpy as np
import pytest

from runtimes.classes import Classes
from runtimes.decoders.saliency import Saliency
from runtimes.decoders.semantic import Semantic
from runtimes.errors import BadModel
from tests.runtimes.decoders.maps import (
    CROPPED,
    ONE,
    PLAIN,
    Shape,
    signature,
)


def test_pixels_outside_of_a_crop_give_no_instances() -> None:
    found = Saliency("o")({"o": np.ones((1, 1, 6, 9), np.float32)}, CROPPED, 0.5)
    assert found.boxes.tolist() == [[8, 0, 80, 48]]  # 4 / 0.5 to (36 + 4) / 0.5
    found = Semantic("o")({"o": np.ones((1, 6, 9), np.uint8)}, CROPPED, 0.5)
    assert found.boxes.tolist() == [[8, 0, 80, 48]]


def test_normalize_stretches_the_values_of_an_image() -> None:
    values = np.full((1, 1, 24, 36), 2.0, np.float32)
    values[0, 0, :, :12] = 6.0
    values[0, 0, :, 12:24] = 4.5
    found = Saliency("o", normalize=True)({"o": values}, PLAIN, 0.5)
    assert found.boxes.tolist() == [[0, 0, 24, 24]]
    assert found.scores.tolist() == [(1.0 + 0.625) / 2]
    assert len(Saliency("o", normalize=True)({"o": np.ones_like(values)}, PLAIN, 0)) == 0


def test_saliency_of_logits_needs_a_sigmoid() -> None:
    values = np.full((1, 1, 24, 36), -4.0, np.float32)
    values[0, 0, :, :12] = 3.0
    found = Saliency("o", activation="sigmoid")({"o": values}, PLAIN, 0.5)
    assert found.boxes.tolist() == [[0, 0, 12, 24]]
    assert found.scores.tolist() == pytest.approx([1 / (1 + exp(-3))])
    with pytest.raises(BadModel) as caught:
        Saliency("o")({"o": values}, PLAIN, 0.5)
    assert (caught.value.where, caught.value.found) == ("activation", "values from -4 to 3")


@pytest.mark.parametrize(
    ("shapes", "name"),
    [
        ([(1, 1, 320, 320)] * 7, "output0"),
        ([(1, 2), (1, 320, 320, 1)], "output1"),
        ([(1, 64, 80, 80), (1, 1, 320, 320)], "output1"),
        ([(None, None, None, None)], "output0"),
        ([(1, 320, 320)], "output0"),
    ],
)
def test_saliency_takes_the_first_output_that_fits(shapes: list[Shape], name: str) -> None:
    assert Saliency().bind(signature(*shapes), ONE) == Saliency(name)


def test_saliency_binds_by_name_and_refuses_several_channels() -> None:
    several = signature((1, 1, 64, 64), (1, 1, 32, 32), (1, 3, 64, 64), (4, 1, 64, 64))
    assert Saliency("output1").bind(several, ONE) == Saliency("output1")
    for name, text in (("output2", r"\[1, 3, 64, 64\]"), ("output3", r"\[4, 1, 64, 64\]")):
        with pytest.raises(BadModel, match=text) as caught:
            Saliency(name).bind(several, ONE)
        assert "`semantic`" in caught.value.hint
    with pytest.raises(BadModel, match="the model has 1 classes, the manifest 2 labels"):
        Saliency().bind(several, Classes(2, exact=True))
    with pytest.raises(BadModel, match="the output output0"):
        Saliency().bind(signature((1, 3, 64, 64)), ONE)


@pytest.mark.parametrize("shape", [(1, 1, 24, 36), (1, 24, 36, 1), (1, 24, 36)])
def test_every_layout_of_one_channel_is_decoded(shape: tuple[int, ...]) -> None:
    plane = np.zeros((24, 36), np.float32)
    plane[2:10, 5:30] = 1
    found = Saliency("o")({"o": plane.reshape(shape)}, PLAIN, 0.5)
    assert found.boxes.tolist() == [[5, 2, 30, 10]]


def test_the_foreground_is_one_instance_or_one_for_each_component() -> None:
    values = np.zeros((1, 1, 24, 36), np.float32)
    values[0, 0, 2:10, 5:15] = values[0, 0, 12:20, 20:30] = 1
    assert Saliency("o")({"o": values}, PLAIN, 0.5).boxes.tolist() == [[5, 2, 30, 20]]
    parts = Saliency("o", per="component")({"o": values}, PLAIN, 0.5)
    assert parts.boxes.tolist() == [[5, 2, 15, 10], [20, 12, 30, 20]]
    assert parts.classes.tolist() == [0, 0]


@pytest.mark.parametrize(
    "shape",
    [(24, 36), (2, 1, 24, 36), (1, 2, 24, 36), (1, 1, 24, 36, 1), (1, 1, 0, 36), (2, 24, 36)],
)
def test_outputs_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(BadModel) as caught:
        Saliency("o")({"o": np.zeros(shape, np.float32)}, PLAIN, 0.5)
    assert f"got {list(shape)}" in caught.value.what


def test_the_defaults_are_those_of_the_documentation() -> None:
    assert Saliency() == Saliency(per="image", normalize=False, level=0.5, min_area=16)


@pytest.mark.parametrize(
    ("shape", "fits"),
    [((1, 3, 320, None), True), ((1, None, 320, 4), True), ((1, 3, None, 4), False)],
)
def test_an_axis_of_unknown_size_may_be_the_channel(shape: Shape, fits: bool) -> None:
    if fits:
        assert Saliency().bind(signature(shape), ONE) == Saliency("output0")
        return
    with pytest.raises(BadModel):
        Saliency().bind(signature(shape), ONE)


@pytest.mark.parametrize("shape", [(2, 320, 320), (1, 3, 320, 320)])
def test_the_only_output_with_an_image_is_named_if_it_does_not_fit(shape: Shape) -> None:
    with pytest.raises(BadModel, match="does not hold one value per pixel") as caught:
        Saliency().bind(signature((1, 9), shape), ONE)
    assert f"output1 {list(shape)}" in caught.value.what
