import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.errors import BadModel
from runtimes.geometry import Geometry
from runtimes.instances import Instances, keypoints_of, masks_of
from runtimes.rotated import bounds, corners, from_corners

corner = st.floats(-50, 150)
rows = st.lists(st.tuples(corner, corner, corner, corner), max_size=8)


def instances(boxes: list[tuple[float, ...]], scores: list[float] | None = None) -> Instances:
    count = len(boxes)
    return Instances.of(
        np.array(boxes, float).reshape(-1, 4),
        np.array(scores if scores is not None else [0.5] * count),
        np.arange(count),
    )


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32"])
def test_of_converts_to_float64_and_integer_class_ids(dtype: str) -> None:
    found = Instances.of(
        np.array([[1, 2, 3, 4]], dtype), np.array([1], dtype), np.array([7], dtype)
    )
    dtypes = [array.dtype.name for array in (found.boxes, found.scores, found.classes)]
    assert dtypes == ["float64", "float64", "int64"]
    assert found.boxes.tolist() == [[1, 2, 3, 4]]
    assert (found.scores.tolist(), found.classes.tolist()) == ([1], [7])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", range(5))
def test_of_drops_instances_that_are_not_finite(bad: float, column: int) -> None:
    table = np.array([[1, 2, 3, 4, 0.9], [5, 6, 7, 8, 0.8], [9, 10, 11, 12, 0.7]])
    table[1, column] = bad
    found = Instances.of(table[:, :4], table[:, 4], np.array([0, 1, 2]))
    assert found.boxes.tolist() == [[1, 2, 3, 4], [9, 10, 11, 12]]
    assert found.scores.tolist() == [0.9, 0.7]
    assert found.classes.tolist() == [0, 2]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_of_drops_class_ids_that_are_not_finite(bad: float) -> None:
    found = Instances.of(np.ones((3, 4)), np.array([0.9, 0.8, 0.7]), np.array([0.0, bad, 2.0]))
    assert found.classes.tolist() == [0, 2]
    assert found.scores.tolist() == [0.9, 0.7]


def test_length_is_the_number_of_instances() -> None:
    assert len(instances([])) == 0
    assert len(instances([(0, 0, 1, 1)] * 3)) == 3


@pytest.mark.parametrize(
    ("index", "left"), [([2, 0], [2, 0]), ([True, False, True], [0, 2]), ([False] * 3, [])]
)
def test_take_by_indexes_or_by_a_mask(index: list[int], left: list[int]) -> None:
    taken = instances([(n, n, n + 1, n + 1) for n in range(3)], [0.1, 0.2, 0.3]).take(
        np.array(index)
    )
    assert taken.classes.tolist() == left
    assert taken.boxes[:, 0].tolist() == left
    assert taken.scores.tolist() == [(n + 1) / 10 for n in left]


@given(st.lists(st.sampled_from([0.1, 0.25, 0.5, 0.9]), max_size=12))
def test_best_first_keeps_the_order_of_equal_scores(scores: list[float]) -> None:
    found = instances([(0, 0, 1, 1)] * len(scores), scores).best_first()
    wanted = [
        number
        for score in (0.9, 0.5, 0.25, 0.1)
        for number in range(len(scores))
        if scores[number] == score
    ]
    assert found.classes.tolist() == wanted


def test_to_image_inverts_the_geometry() -> None:
    found = instances([(10, 26, 30, 36)]).to_image(Geometry(0.5, 0.25, 0, 16))
    assert found.boxes.tolist() == [[20, 40, 60, 80]]


@given(rows, st.integers(1, 100), st.integers(1, 100))
def test_clipped_clips_to_the_image_and_drops_empty_boxes(
    boxes: list[tuple[float, ...]], height: int, width: int
) -> None:
    found = instances(boxes).clipped((height, width))
    wanted = []
    for number, (x1, y1, x2, y2) in enumerate(boxes):
        left, right = (min(max(x, 0), width) for x in (x1, x2))
        top, bottom = (min(max(y, 0), height) for y in (y1, y2))
        if left < right and top < bottom:
            wanted.append((number, [left, top, right, bottom]))
    assert list(zip(found.classes.tolist(), found.boxes.tolist(), strict=True)) == wanted


def test_clipped_does_not_change_the_original() -> None:
    found = instances([(-5, -5, 50, 50)])
    found.clipped((10, 20))
    assert found.boxes.tolist() == [[-5, -5, 50, 50]]


def turned(*boxes: tuple[float, ...]) -> Instances:
    rows = np.array(boxes, float)
    count = len(boxes)
    return Instances.of(bounds(rows), np.ones(count), np.zeros(count), rotated=rows)


def test_to_image_scales_the_sides_of_oriented_boxes_and_keeps_the_angle() -> None:
    # The two scales of a letterbox differ by rounding: 0.5 and 0.48 by 4 %.
    found = turned((50, 30, 20, 12, 0.5), (8, 6, 4, 2, -1.2)).to_image(Geometry(0.5, 0.48, 10, 6))
    assert found.rotated is not None
    wanted = [[80, 50, 40, 25, 0.5], [-4, 0, 8, 2 / 0.48, -1.2]]
    np.testing.assert_allclose(found.rotated, wanted)


@pytest.mark.parametrize("geometry", [Geometry(0.5, 0.47, 10, 6), Geometry(0.4, 0.8), Geometry(2)])
def test_to_image_fits_oriented_boxes_to_their_corners_after_stretching(geometry: Geometry) -> None:
    found = turned((50, 30, 20, 12, 0.5), (8, 6, 4, 2, -1.2))
    assert found.rotated is not None
    wanted = from_corners(geometry.inverse.points(corners(found.rotated)))
    image = found.to_image(geometry)
    assert image.rotated is not None
    np.testing.assert_allclose(image.rotated, wanted)
    assert not np.allclose(image.rotated[:, 4], [0.5, -1.2])


def test_clipped_drops_oriented_boxes_of_less_than_a_hundredth_of_a_pixel() -> None:
    found = turned((5, 5, 4, 0.01, 0), (5, 5, 0.009, 4, 0), (5, 5, 4, 0.009, 0), (5, 5, 4, 4, 0))
    kept = found.clipped((10, 10))
    assert kept.rotated is not None
    assert kept.rotated[:, 3].tolist() == [0.01, 4]


def test_clipped_clips_keypoints_to_the_image() -> None:
    points = np.array([[[-3, 5, 0.5], [25, 9, 0.25], [7, -1, 1], [8, 12, 0]]], float)
    found = Instances.of(np.array([[0, 0, 9, 9]]), np.ones(1), np.zeros(1), keypoints=points)
    clipped = found.clipped((10, 20)).keypoints
    assert clipped is not None
    assert clipped.tolist() == [[[0, 5, 0.5], [20, 9, 0.25], [7, 0, 1], [8, 10, 0]]]
    assert found.keypoints is not None
    assert found.keypoints.tolist() == points.tolist()


def test_steps_that_need_what_the_decoder_lacks_are_refused() -> None:
    for read, what in ((masks_of, "masks"), (keypoints_of, "keypoints")):
        with pytest.raises(BadModel, match=f"`step` needs {what}"):
            read(instances([(0, 0, 1, 1)]), "step")
