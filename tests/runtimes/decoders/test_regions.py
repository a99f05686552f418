import numpy as np
import pytest
from skimage import measure

from runtimes.decoders.regions import (
    NO_CLASS,
    best_classes,
    confidence_of,
    fitting_layout,
    foreground,
    grid_of,
    instances_of,
    layout_of,
    nearest,
    on_image,
    visible_window,
)
from runtimes.errors import BadModel
from runtimes.geometry import Geometry
from runtimes.view import View

PLAIN = View((4, 6), (4, 6), Geometry())
CROPPED = View((4, 10), (4, 6), Geometry(1, 1, -2, 0))
"""The input shows columns 2 to 7 of the image."""


@pytest.mark.parametrize(
    ("shape", "classes", "layout"),
    [
        ((1, 21, 64, 64), None, "nchw"),
        ((1, 64, 64, 21), None, "nhwc"),
        ((1, 3, 4, 5), 5, "nhwc"),
        ((1, 3, 4, 5), 3, "nchw"),
        ((1, None, 64, 64), None, "nhwc"),
        ((1, 64, 64, None), None, "nchw"),
        ((1, 8, 8, 8), None, "nchw"),
    ],
)
def test_the_layout_follows_from_the_shape(
    shape: tuple[int | None, ...], classes: int | None, layout: str
) -> None:
    assert layout_of(shape, classes) == layout


@pytest.mark.parametrize(
    ("shape", "layout"), [((1, 40, 4, 6), "nchw"), ((1, 4, 6, 40), "nhwc"), ((1, 8, 12, 1), "nhwc")]
)
def test_the_layout_with_the_inputs_aspect_ratio_is_chosen(
    shape: tuple[int, ...], layout: str
) -> None:
    assert fitting_layout(shape, (4, 6)) == layout


def test_a_grid_is_scaled_to_the_input() -> None:
    view = View((8, 12), (4, 6), Geometry(0.5, 0.5))
    assert grid_of(view, 2, 3, "step") == Geometry(0.25, 0.25)


def test_a_grid_of_another_aspect_ratio_is_refused() -> None:
    with pytest.raises(BadModel, match="which is 4x6, but the output is 6x4"):
        grid_of(PLAIN, 6, 4, "step")


def test_a_crop_of_the_image_is_placed_in_it() -> None:
    window = visible_window(CROPPED)
    assert window == (2, 0, 8, 4)
    whole = on_image(np.ones((4, 6)), CROPPED, window, 0)
    assert whole.sum(axis=0).tolist() == [0, 0, 4, 4, 4, 4, 4, 4, 0, 0]


def test_the_highest_class_of_each_pixel_is_chosen() -> None:
    rng = np.random.default_rng(3)
    planes = rng.normal(0, 1, (5, 4, 6)).astype(np.float32)
    found = best_classes(planes, Geometry(), (0, 0, 6, 4))
    assert found.tolist() == planes.argmax(axis=0).tolist()


@pytest.mark.parametrize("activation", ["none", "softmax", "sigmoid"])
def test_confidence_is_that_of_the_highest_class(activation: str) -> None:
    planes = np.array([0.75, 0.25], np.float32).reshape(2, 1, 1)
    wanted = {
        "none": 0.75,
        "softmax": 1 / (1 + np.exp(-0.5)),
        "sigmoid": 1 / (1 + np.exp(-0.75)),
    }
    found = confidence_of(planes, activation, "step")  # type: ignore[arg-type]
    assert found[0, 0] == pytest.approx(wanted[activation])


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64"])
def test_labels_are_read_from_the_cell_of_each_pixel(dtype: str) -> None:
    labels = np.array([[1, 2], [3, 4]], dtype)
    found = nearest(labels, Geometry(0.5, 0.5), (0, 0, 4, 4))
    assert found.tolist() == np.kron(labels, np.ones((2, 2), int)).tolist()


def test_labels_out_of_range_are_no_class() -> None:
    found = nearest(np.array([[-3, 1 << 20, 7]]), Geometry(), (0, 0, 3, 1))
    assert found.tolist() == [[NO_CLASS, NO_CLASS, 7]]


CLASS_MAP = np.array(
    [
        [1, 1, 0, 0, 2, 2],
        [1, 1, 0, 0, 0, 0],
        [0, 0, 0, 1, 1, 1],
        [0, 0, 0, 0, 0, NO_CLASS],
    ],
    np.int32,
)


def test_an_instance_is_made_for_each_class() -> None:
    found = instances_of(CLASS_MAP, None, background=0, components=False, min_area=1, threshold=0.5)
    assert found.classes.tolist() == [1, 2]
    assert found.boxes.tolist() == [[0, 0, 6, 3], [4, 0, 6, 1]]
    assert found.scores.tolist() == [1, 1]


def test_an_instance_is_made_for_each_component() -> None:
    found = instances_of(CLASS_MAP, None, background=0, components=True, min_area=1, threshold=0)
    _, count = measure.label(CLASS_MAP, background=0, connectivity=2, return_num=True)
    # scikit-image counts the pixel without a class as a component.
    assert len(found) == count - 1
    assert found.boxes.tolist() == [[0, 0, 2, 2], [3, 2, 6, 3], [4, 0, 6, 1]]


def test_small_instances_and_low_scores_are_dropped() -> None:
    confidence = np.full(CLASS_MAP.shape, 0.5, np.float32)
    confidence[0, 4:] = 0.25
    arguments = {"background": 0, "components": True}
    found = instances_of(CLASS_MAP, confidence, min_area=3, threshold=0, **arguments)  # type: ignore[arg-type]
    assert found.classes.tolist() == [1, 1]
    found = instances_of(CLASS_MAP, confidence, min_area=1, threshold=0.25, **arguments)  # type: ignore[arg-type]
    assert found.scores.tolist() == [0.5, 0.5]


def test_an_empty_map_gives_no_instances() -> None:
    empty = np.full((4, 6), NO_CLASS, np.int32)
    found = instances_of(empty, None, background=None, components=True, min_area=1, threshold=0)
    assert (len(found), found.boxes.shape) == (0, (0, 4))


def test_the_foreground_is_above_the_level() -> None:
    values = np.array([[0.25, 0.5, 0.75]], np.float32)
    view = View((1, 3), (1, 3), Geometry())
    class_map, confidence = foreground(values, 0.5, view, "step")
    assert class_map.tolist() == [[NO_CLASS, NO_CLASS, 0]]
    assert confidence.tolist() == values.tolist()
