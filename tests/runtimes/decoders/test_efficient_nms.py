import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.efficient_nms import EfficientNms
from runtimes.errors import BadModel
from runtimes.geometry import Geometry
from runtimes.signature import Signature, Tensor
from runtimes.view import View

Shape = tuple[int | None, ...]

VIEW = View((480, 640), (100, 200), Geometry())
ANY = Classes(1, exact=False)
BOUND = EfficientNms("num_dets", "det_boxes", "det_scores", "det_classes")
TENSORS = (
    Tensor("num_dets", (1, 1), "int32"),
    Tensor("det_boxes", (1, 100, 4), "float32"),
    Tensor("det_scores", (1, 100), "float32"),
    Tensor("det_classes", (1, 100), "int32"),
)


def outputs(number: int, scores: list[float], dtype: str = "float32") -> dict[str, Array]:
    """Box n is (n, n, n + 10, n + 20), class n."""
    count = np.arange(len(scores))
    boxes = np.stack([count, count, count + 10, count + 20], axis=1)
    return {
        "num_dets": np.array([[number]], np.int32),
        "det_boxes": boxes[None].astype(dtype),
        "det_scores": np.array([scores], dtype),
        "det_classes": count[None].astype(np.int32),
    }


def test_by_hand() -> None:
    found = BOUND(outputs(3, [0.75, 0.25, 0.5, 0.875]), VIEW, 0.25)
    assert found.boxes.tolist() == [[0, 0, 10, 20], [2, 2, 12, 22]]
    assert found.scores.tolist() == [0.75, 0.5]
    assert found.classes.tolist() == [0, 2]


Score = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])


@given(st.data(), st.lists(Score, max_size=8), Score)
def test_matches_a_loop(data: st.DataObject, scores: list[float], threshold: float) -> None:
    number = data.draw(st.integers(0, len(scores)))
    wanted = [place for place in range(number) if scores[place] > threshold]
    assert BOUND(outputs(number, scores), VIEW, threshold).classes.tolist() == wanted


def test_rows_after_the_count_are_ignored() -> None:
    given_ = outputs(1, [0.75, 0.75, 0.75])
    given_["det_boxes"][0, 1:] = np.nan
    given_["det_classes"][0, 1:] = -7
    assert BOUND(given_, VIEW, 0.25).classes.tolist() == [0]


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.7])
def test_a_score_at_the_threshold_is_not_above_it(dtype: str, threshold: float) -> None:
    given_ = outputs(1, [threshold], dtype)
    assert len(BOUND(given_, VIEW, threshold)) == 0
    assert len(BOUND(given_, VIEW, threshold - 0.01)) == 1


@pytest.mark.parametrize("name", ["det_boxes", "det_scores", "det_classes"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_rows_that_are_not_finite_are_dropped(name: str, bad: float) -> None:
    given_ = outputs(3, [0.75, 0.75, 0.75])
    given_["det_classes"] = given_["det_classes"].astype(np.float32)
    given_[name][0, 1] = bad
    assert BOUND(given_, VIEW, 0.25).classes.tolist() == [0, 2]


@pytest.mark.parametrize("scores", [[], [0.5, 0.5]])
def test_no_detections_give_no_instances(scores: list[float]) -> None:
    found = BOUND(outputs(0, scores), VIEW, 0.0)
    assert (len(found), found.boxes.shape) == (0, (0, 4))


def test_the_count_may_have_any_shape() -> None:
    given_ = outputs(1, [0.5, 0.5])
    for shape in [(1, 1), (1,), ()]:
        assert len(BOUND({**given_, "num_dets": np.ones(shape, np.int64)}, VIEW, 0.25)) == 1


@pytest.mark.parametrize(
    ("name", "array", "texts"),
    [
        ("num_dets", np.array([[3]]), ["num_dets: ", "got 3", "allowed: 0 to 2"]),
        ("num_dets", np.array([[-1]]), ["num_dets: ", "got -1", "allowed: 0 to 2"]),
        ("num_dets", np.array([[1], [1]]), ["num_dets: ", "got [2, 1]"]),
        ("det_boxes", np.zeros((1, 2, 5)), ["det_boxes: ", "[1, N, 4]", "got [1, 2, 5]"]),
        ("det_boxes", np.zeros((2, 4)), ["det_boxes: ", "[1, N, 4]", "got [2, 4]"]),
        ("det_scores", np.zeros((1, 3)), ["det_boxes 2, det_scores 3, det_classes 2"]),
        ("det_classes", np.zeros((2, 2)), ["det_classes: ", "[1, N]", "got [2, 2]"]),
    ],
)
def test_outputs_of_another_shape_are_refused(name: str, array: Array, texts: list[str]) -> None:
    with pytest.raises(BadModel) as caught:
        BOUND({**outputs(1, [0.5, 0.5]), name: array}, VIEW, 0.25)
    assert [text for text in texts if text not in str(caught.value)] == []


def test_a_missing_output_is_refused() -> None:
    given_ = outputs(1, [0.5])
    del given_["det_scores"]
    with pytest.raises(BadModel, match="'det_scores'"):
        BOUND(given_, VIEW, 0.25)


def test_bind_recognizes_outputs_by_name_in_any_order() -> None:
    for order in itertools.permutations(TENSORS):
        assert EfficientNms().bind(Signature((), order), ANY) == BOUND, order


def test_bind_recognizes_outputs_by_shape_and_type_in_any_order() -> None:
    plain = {"num_dets": "a", "det_boxes": "b", "det_scores": "c", "det_classes": "d"}
    for order in itertools.permutations(TENSORS):
        model = Signature((), tuple(Tensor(plain[it.name], it.shape, it.dtype) for it in order))
        assert EfficientNms().bind(model, ANY) == EfficientNms("a", "b", "c", "d"), order


def test_bind_takes_other_names_and_classes_in_floats() -> None:
    names = ("num_detections", "detection_boxes", "detection_scores", "detection_classes")
    shapes: tuple[Shape, ...] = ((1,), (None, None, 4), (None, None), (None, None))
    model = Signature(
        (), tuple(Tensor(name, it, "float32") for name, it in zip(names, shapes, strict=True))
    )
    assert EfficientNms().bind(model, ANY) == EfficientNms(*names)


@pytest.mark.parametrize(
    ("decoder", "tensors", "texts"),
    [
        (EfficientNms(), TENSORS[:3], ["0 outputs could hold classes [1, N]", "det_classes: "]),
        (
            EfficientNms(),
            (*TENSORS[:2], Tensor("a", (1, 100), "float32"), Tensor("b", (1, 100), "float32")),
            ["2 outputs could hold scores [1, N]", "`det_scores: NAME`", "a [1, 100] float32"],
        ),
        (EfficientNms(det_boxes="x"), TENSORS, ["no output called 'x'", "num_dets [1, 1] int32"]),
        (
            EfficientNms(det_boxes="det_scores"),
            TENSORS,
            ["det_scores [1, 100] float32 does not hold boxes [1, N, 4]"],
        ),
    ],
)
def test_bind_refuses_outputs_that_do_not_fit(
    decoder: EfficientNms, tensors: tuple[Tensor, ...], texts: list[str]
) -> None:
    with pytest.raises(BadModel) as caught:
        decoder.bind(Signature((), tensors), ANY)
    assert [text for text in texts if text not in str(caught.value)] == []
