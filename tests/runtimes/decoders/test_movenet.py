import numpy as np
import pytest

from runtimes.classes import Classes
from runtimes.decoders.movenet import Movenet, MovenetMulti
from runtimes.errors import BadModel
from runtimes.geometry import Geometry
from runtimes.signature import Signature, Tensor
from runtimes.view import View

VIEW = View((300, 400), (192, 256), Geometry(0.64, 0.64))
ONE = Classes(1, exact=True)
Shape = tuple[int | None, ...]


def signature(*shapes: Shape) -> Signature:
    outputs = [Tensor(f"output{n}", shape, "float32") for n, shape in enumerate(shapes)]
    return Signature((), tuple(outputs))


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_one_person_by_hand(dtype: str) -> None:
    output = np.zeros((1, 1, 17, 3), dtype)
    output[0, 0, :, 2] = 0.5
    output[0, 0, :, :2] = 0.5
    output[0, 0, 3] = [0.25, 0.75, 1]
    output[0, 0, 4] = [0, 0, 0.25]  # not visible: outside of the box
    found = Movenet("o")({"o": output}, VIEW, 0.5)
    assert found.keypoints is not None
    points = found.keypoints[0].tolist()
    assert (points[0], points[3], points[4]) == ([128, 96, 0.5], [192, 48, 1], [0, 0, 0.25])
    assert found.boxes.tolist() == [[128, 48, 192, 96]]
    assert found.scores.tolist() == [pytest.approx((15 * 0.5 + 1 + 0.25) / 17)]
    image = found.to_image(VIEW.geometry)
    assert image.boxes.tolist() == [[200, 75, 300, 150]]


def test_a_person_at_the_threshold_is_not_above_it() -> None:
    output = np.full((1, 1, 17, 3), 0.3, np.float32)
    assert len(Movenet("o")({"o": output}, VIEW, 0.3)) == 0
    assert len(Movenet("o")({"o": output}, VIEW, 0.29)) == 1


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_several_people_match_a_loop(dtype: str) -> None:
    output = (np.random.default_rng(3).integers(0, 257, (1, 6, 56)) / 256).astype(dtype)
    found = MovenetMulti("o")({"o": output}, VIEW, 0.5)
    boxes, points, scores = [], [], []
    for row in output[0].tolist():
        if row[55] > 0.5:
            boxes.append([row[52] * 256, row[51] * 192, row[54] * 256, row[53] * 192])
            points.append(
                [[row[3 * k + 1] * 256, row[3 * k] * 192, row[3 * k + 2]] for k in range(17)]
            )
            scores.append(row[55])
    assert found.keypoints is not None
    assert 0 < len(found) < 6
    assert found.boxes.tolist() == boxes
    assert found.keypoints.tolist() == points
    assert found.scores.tolist() == scores
    assert found.classes.tolist() == [0] * len(boxes)


def test_no_person_above_the_threshold_gives_no_instances() -> None:
    output = np.full((1, 6, 56), 0.25, np.float32)
    found = MovenetMulti("o")({"o": output}, VIEW, 0.25)
    assert (len(found), found.boxes.shape) == (0, (0, 4))
    assert found.keypoints is not None
    assert found.keypoints.shape == (0, 17, 3)


def test_people_that_are_not_finite_are_dropped() -> None:
    output = np.full((1, 2, 56), 0.75, np.float32)
    output[0, 0, 7] = np.nan
    assert len(MovenetMulti("o")({"o": output}, VIEW, 0.5)) == 1


@pytest.mark.parametrize("shape", [(1, 1, 17, 3), (None, 1, 17, 3), (1, 1, None, None)])
def test_movenet_binds_by_role(shape: Shape) -> None:
    assert Movenet().bind(signature((1, 6, 56), shape), ONE) == Movenet("output1")


@pytest.mark.parametrize("shape", [(1, 6, 56), (None, None, 56), (1, 6, None)])
def test_movenet_multi_binds_by_role(shape: Shape) -> None:
    assert MovenetMulti().bind(signature((1, 1, 17, 3), shape), ONE) == MovenetMulti("output1")


def test_both_bind_by_name() -> None:
    twice = signature((1, 1, 17, 3), (1, 1, 5, 3))
    assert Movenet("output1").bind(twice, ONE) == Movenet("output1")
    twice = signature((1, 6, 56), (1, 6, 20))
    assert MovenetMulti("output1").bind(twice, ONE) == MovenetMulti("output1")


@pytest.mark.parametrize(
    ("step", "shape"),
    [
        (Movenet(), (1, 6, 17, 3)),
        (Movenet(), (1, 1, 17, 4)),
        (Movenet("output0"), (1, 6, 56)),
        (MovenetMulti(), (1, 6, 57)),
        (MovenetMulti(), (1, 6, 5)),
        (MovenetMulti(), (2, 6, 56)),
        (MovenetMulti("output0"), (1, 1, 17, 3)),
    ],
)
def test_bind_refuses_outputs_that_do_not_fit(step: Movenet | MovenetMulti, shape: Shape) -> None:
    with pytest.raises(BadModel) as caught:
        step.bind(signature(shape), ONE)
    assert f"output0 {list(shape)}" in caught.value.what
    assert caught.value.allowed


@pytest.mark.parametrize("step", [Movenet(), MovenetMulti()])
def test_there_is_one_class(step: Movenet | MovenetMulti) -> None:
    with pytest.raises(BadModel, match="the model has 1 classes, the manifest 2 labels"):
        step.bind(signature((1, 1, 17, 3), (1, 6, 56)), Classes(2, exact=True))


@pytest.mark.parametrize(
    ("step", "shape"),
    [
        (Movenet("o"), (1, 17, 3)),
        (Movenet("o"), (1, 1, 17)),
        (Movenet("o"), (1, 2, 17, 3)),
        (MovenetMulti("o"), (1, 6, 57)),
        (MovenetMulti("o"), (6, 56)),
    ],
)
def test_outputs_of_another_shape_are_refused(
    step: Movenet | MovenetMulti, shape: tuple[int, ...]
) -> None:
    with pytest.raises(BadModel) as caught:
        step({"o": np.zeros(shape, np.float32)}, VIEW, 0.5)
    assert f"got {list(shape)}" in caught.value.what


def test_the_defaults_are_those_of_the_documentation() -> None:
    assert Movenet() == Movenet(visible=0.3)
