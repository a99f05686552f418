import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.rcnn import MaskRcnnOpenvino, Mmdeploy, Torchvision
from runtimes.errors import BadModel
from runtimes.geometry import Geometry
from runtimes.instances import Instances
from runtimes.masks import BoxMasks
from runtimes.signature import Signature, Tensor
from runtimes.step import Decoder
from runtimes.view import View

Shape = tuple[int | None, ...]

VIEW = View((40, 60), (40, 60), Geometry())
"""The image has the size of the input, 40 pixels high and 60 wide."""
ANY = Classes(1, exact=False)
BOXES = Torchvision("boxes", "labels", "scores")
MASKS = Torchvision("boxes", "labels", "scores", masks="masks")
TENSORS = (
    Tensor("boxes", (None, 4), "float32"),
    Tensor("labels", (None,), "int64"),
    Tensor("scores", (None,), "float32"),
    Tensor("masks", (None, 1, None, None), "float32"),
    Tensor("keypoints", (None, 17, 3), "float32"),
)


def signature(**outputs: Shape) -> Signature:
    kinds = {name: "int64" if name == "labels" else "float32" for name in outputs}
    return Signature((), tuple(Tensor(name, it, kinds[name]) for name, it in outputs.items()))


def pasted(found: Instances, number: int, view: View) -> Array:
    """An instance's mask in an array of the image's size."""
    frame = np.zeros(view.image, bool)
    assert found.masks is not None
    crop = found.masks.crop(number, found.boxes[number], view.image)
    if crop is not None:
        height, width = crop.bitmap.shape
        frame[crop.top : crop.top + height, crop.left : crop.left + width] = crop.bitmap
    return frame


def some(count: int = 3, dtype: str = "float32") -> dict[str, Array]:
    """Box n is (n, n, n + 10, n + 20), label n + 1, score 0.75; its mask fills rows n to n + 8."""
    number = np.arange(count)
    masks = np.zeros((count, 1, 40, 60), dtype)
    for it in range(count):
        masks[it, 0, it : it + 8, it + 2 : it + 7] = 0.75
    return {
        "boxes": np.stack([number, number, number + 10, number + 20], axis=1).astype(dtype),
        "labels": number + 1,
        "scores": np.full(count, 0.75, dtype),
        "masks": masks,
        "keypoints": np.arange(count * 6).reshape(count, 2, 3).astype(dtype),
    }


def test_torchvision_boxes_by_hand() -> None:
    outputs = {**some(4), "scores": np.array([0.75, 0.25, 0.5, 0.875])}
    outputs["labels"] = np.array([1, 2, 3, 0])
    found = BOXES(outputs, VIEW, 0.25)
    assert found.boxes.tolist() == [[0, 0, 10, 20], [2, 2, 12, 22]]
    assert found.scores.tolist() == [0.75, 0.5]
    assert found.classes.tolist() == [0, 2]  # label 0 is the background
    assert (found.masks, found.keypoints) == (None, None)


def test_torchvision_without_background_counts_from_0() -> None:
    decoder = Torchvision("boxes", "labels", "scores", background=False)
    outputs = {**some(), "labels": np.array([0, 1, 2])}
    assert decoder(outputs, VIEW, 0.25).classes.tolist() == [0, 1, 2]


Score = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])


@given(st.lists(st.tuples(Score, st.integers(0, 3)), max_size=8), Score)
def test_torchvision_matches_a_loop(rows: list[tuple[float, int]], threshold: float) -> None:
    wanted = []
    for place, (score, label) in enumerate(rows):
        if score > threshold and label > 0:
            wanted.append((place, score, label - 1))
    outputs = some(len(rows))
    outputs["scores"] = np.array([score for score, _ in rows], np.float32)
    outputs["labels"] = np.array([label for _, label in rows], np.int64)
    found = MASKS(outputs, VIEW, threshold)
    places = found.boxes[:, 0].tolist()
    assert list(zip(places, found.scores, found.classes, strict=True)) == wanted
    for number, place in enumerate(int(place) for place in places):
        assert np.array_equal(pasted(found, number, VIEW), outputs["masks"][place, 0] > 0.5)


def test_a_pixel_above_one_half_belongs_to_the_mask() -> None:
    outputs = some(1)
    outputs["masks"][0, 0, 3, 3:6] = [0.5, 0.4375, 0.5625]
    frame = pasted(MASKS(outputs, VIEW, 0.25), 0, VIEW)
    assert frame[3, 2:7].tolist() == [True, False, False, True, True]
    assert frame.sum() == 8 * 5 - 2


def test_masks_are_mapped_to_the_original_image() -> None:
    view = View((80, 120), (40, 60), Geometry(0.5, 0.5))
    found = MASKS(some(1), view, 0.25).to_image(view.geometry)
    frame = pasted(found, 0, view)
    # Rows 0 to 8 and columns 2 to 7 of the input are twice as much of the image; bilinear values
    # of 0.75 and 0 cross 0.5 within a pixel of the edge.
    assert frame[1:15, 5:13].all()
    assert frame.sum() == frame[0:16, 4:14].sum()


def test_torchvision_keypoints_by_hand() -> None:
    decoder = Torchvision("boxes", "labels", "scores", keypoints="keypoints")
    outputs = {**some(2), "scores": np.array([0.125, 0.75])}
    found = decoder(outputs, VIEW, 0.25)
    assert found.keypoints is not None
    assert found.keypoints.tolist() == [[[6, 7, 8], [9, 10, 11]]]


def test_scores_of_keypoints_are_their_confidence() -> None:
    decoder = Torchvision(
        "boxes", "labels", "scores", keypoints="keypoints", keypoints_scores="sure"
    )
    outputs = {**some(2), "sure": np.array([[0, 0], [np.log(3), -np.log(3)]], np.float32)}
    found = decoder(outputs, VIEW, 0.25)
    assert found.keypoints is not None
    assert found.keypoints[1] == pytest.approx(np.array([[6, 7, 0.75], [9, 10, 0.25]]))


@pytest.mark.parametrize("kind", ["torchvision", "mmdeploy", "mask_rcnn_openvino"])
@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.7])
def test_a_score_at_the_threshold_is_not_above_it(kind: str, dtype: str, threshold: float) -> None:
    outputs = {
        "torchvision": {**some(1, dtype), "scores": np.array([threshold], dtype)},
        "mmdeploy": {
            "dets": np.array([[[0, 0, 9, 9, threshold]]], dtype),
            "labels": np.array([[0]]),
        },
        "mask_rcnn_openvino": {
            "detections": np.array([[0, 1, threshold, 0, 0, 1, 1]], dtype),
            "masks": np.ones((1, 2, 33, 33), dtype),
        },
    }[kind]
    decoders: dict[str, Decoder] = {
        "torchvision": MASKS,
        "mmdeploy": Mmdeploy("dets", "labels"),
        "mask_rcnn_openvino": MaskRcnnOpenvino("detections", "masks"),
    }
    assert len(decoders[kind](outputs, VIEW, threshold)) == 0
    assert len(decoders[kind](outputs, VIEW, threshold - 0.01)) == 1


def test_half_precision_masks_are_compared_like_others() -> None:
    outputs = some(3, "float16")
    found = MASKS(outputs, VIEW, 0.25)
    for number in range(3):
        wanted = outputs["masks"][number, 0] > 0.5
        assert np.array_equal(pasted(found, number, VIEW), wanted)


@pytest.mark.parametrize("name", ["boxes", "scores", "keypoints"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_torchvision_rows_that_are_not_finite_are_dropped(name: str, bad: float) -> None:
    outputs = some()
    outputs[name][1] = bad
    decoder = Torchvision("boxes", "labels", "scores", "masks", "keypoints")
    found = decoder(outputs, VIEW, 0.25)
    assert found.classes.tolist() == [0, 2]
    assert np.array_equal(pasted(found, 1, VIEW), outputs["masks"][2, 0] > 0.5)


@pytest.mark.parametrize("size", [(40, 60), (28, 28), (0, 0)])
def test_no_detections_give_no_instances(size: tuple[int, int]) -> None:
    outputs = {**some(0), "masks": np.zeros((0, 1, *size), np.float32)}
    decoder = Torchvision("boxes", "labels", "scores", "masks", "keypoints")
    found = decoder(outputs, VIEW, 0.0).to_image(VIEW.geometry)
    assert (len(found), found.boxes.shape) == (0, (0, 4))


def test_torchvision_recognizes_outputs_by_name_in_any_order() -> None:
    wanted = Torchvision("boxes", "labels", "scores", "masks", "keypoints")
    for order in itertools.permutations(TENSORS):
        assert Torchvision().bind(Signature((), order), ANY) == wanted, order


def test_torchvision_recognizes_outputs_by_shape_and_type_in_any_order() -> None:
    plain = {"boxes": "10", "labels": "11", "scores": "12", "masks": "13", "keypoints": "14"}
    wanted = Torchvision("10", "11", "12", "13", "14")
    for order in itertools.permutations(TENSORS):
        model = Signature((), tuple(Tensor(plain[it.name], it.shape, it.dtype) for it in order))
        assert Torchvision().bind(model, ANY) == wanted, order


def test_torchvision_ignores_other_outputs() -> None:
    model = signature(
        boxes=(None, None),
        scores=(None,),
        labels=(None,),
        keypoints=(None, None, None),
        keypoints_scores=(None, None),
    )
    wanted = Torchvision("boxes", "labels", "scores", keypoints="keypoints")
    assert Torchvision().bind(model, ANY) == wanted
    named = Torchvision(keypoints_scores="keypoints_scores").bind(model, ANY)
    assert named == Torchvision(
        "boxes",
        "labels",
        "scores",
        keypoints="keypoints",
        keypoints_scores="keypoints_scores",
    )


def rows(*numbers: tuple[float, ...], dtype: str = "float32") -> Array:
    return np.array(numbers, dtype)


def test_mmdeploy_by_hand() -> None:
    masks = np.zeros((1, 3, 40, 60), np.float32)
    masks[0, 2, 5:9, 6:12] = 0.75
    outputs = {
        "dets": rows((1, 2, 11, 12, 0.75), (0, 0, 9, 9, 0.25), (5, 5, 12, 9, 0.5))[None],
        "labels": np.array([[4, 1, 0]]),
        "masks": masks,
    }
    found = Mmdeploy("dets", "labels", "masks")(outputs, VIEW, 0.25)
    assert found.boxes.tolist() == [[1, 2, 11, 12], [5, 5, 12, 9]]
    assert found.scores.tolist() == [0.75, 0.5]
    assert found.classes.tolist() == [4, 0]
    assert not pasted(found, 0, VIEW).any()
    assert np.array_equal(pasted(found, 1, VIEW), masks[0, 2] > 0.5)


@pytest.mark.parametrize("kind", ["bool", "uint8", "float16"])
def test_mmdeploy_masks_may_be_of_any_type(kind: str) -> None:
    masks = np.zeros((1, 1, 40, 60), kind)
    masks[0, 0, 5:9, 6:12] = 1
    outputs = {"dets": rows((5, 5, 12, 9, 0.5))[None], "labels": np.array([[0]]), "masks": masks}
    found = Mmdeploy("dets", "labels", "masks")(outputs, VIEW, 0.25)
    assert pasted(found, 0, VIEW).sum() == 4 * 6


def test_rtmo_has_keypoints_and_one_class() -> None:
    points = np.arange(2 * 17 * 3, dtype=np.float32).reshape(1, 2, 17, 3)
    dets = np.array([[[1, 2, 30, 40, 0.2], [5, 6, 50, 60, 0.75]]], np.float32)
    found = Mmdeploy("dets", keypoints="k")({"dets": dets, "k": points}, VIEW, 0.25)
    assert found.boxes.tolist() == [[5, 6, 50, 60]]
    assert found.classes.tolist() == [0]
    assert found.keypoints is not None
    assert found.keypoints[0].tolist() == points[0, 1].tolist()


def test_rtmo_has_no_labels() -> None:
    tensors = (Tensor("keypoints", (1, None, 17, 3), "float32"), Tensor("d", (1, 9, 5), "float32"))
    assert Mmdeploy().bind(Signature((), tensors), ANY) == Mmdeploy("d", keypoints="keypoints")
    with pytest.raises(BadModel, match=r"no output holds labels \[1, N\]"):
        Mmdeploy().bind(Signature((), tensors[1:]), ANY)


def test_mmdeploy_drops_padding_and_what_is_not_finite() -> None:
    dets = rows((1, 2, 3, 4, 0.5), (0, 0, 0, 0, 0), (1, 2, 3, np.nan, 0.5), (1, 2, 3, 4, np.nan))
    outputs = {"dets": dets[None], "labels": np.array([[2, -1, 3, 4]])}
    assert Mmdeploy("dets", "labels")(outputs, VIEW, 0.0).classes.tolist() == [2]
    nothing = {"dets": np.zeros((1, 0, 5)), "labels": np.zeros((1, 0), int)}
    assert Mmdeploy("dets", "labels")(nothing, VIEW, 0.0).boxes.shape == (0, 4)


def interpolated(mask: Array, x: float, y: float) -> float:
    """The value at a place of a mask in cells, bilinear between their centers, 0 beyond it."""
    left, top = int(np.floor(x - 0.5)), int(np.floor(y - 0.5))
    total = 0.0
    for row, column in itertools.product((top, top + 1), (left, left + 1)):
        if 0 <= row < mask.shape[0] and 0 <= column < mask.shape[1]:
            near = (1 - abs(x - 0.5 - column)) * (1 - abs(y - 0.5 - row))
            total += near * float(mask[row, column])
    return total


@pytest.mark.parametrize("kind", ["torchvision", "mmdeploy"])
@pytest.mark.parametrize("seed", range(3))
def test_small_masks_are_pasted_into_their_boxes_as_detectron2_does(seed: int, kind: str) -> None:
    # Detectron2's paste_masks_in_image: each pixel's center, in cells of the mask, sampled.
    rng = np.random.default_rng(seed)
    view = View((200, 240), (200, 240), Geometry())
    corner, size = rng.uniform(0, 90, (2, 2)), rng.uniform(40, 100, (2, 2))
    boxes = np.concatenate([corner, corner + size], axis=1).astype(np.float32)
    # Blobs: values of single pixels would make a border of every cell.
    coarse = rng.random((2, 7, 7)).astype(np.float32)
    masks = np.repeat(np.repeat(coarse, 4, axis=1), 4, axis=2)
    labels, scores = np.array([1, 2]), np.array([0.9, 0.8], np.float32)
    if kind == "torchvision":
        outputs = {"boxes": boxes, "labels": labels, "scores": scores, "masks": masks[:, None]}
        found = MASKS(outputs, view, 0.25)
    else:
        dets = np.column_stack([boxes, scores])
        outputs = {"dets": dets[None], "labels": labels[None], "masks": masks[None]}
        found = Mmdeploy("dets", "labels", "masks")(outputs, view, 0.25)
    for number, (x1, y1, x2, y2) in enumerate(boxes.tolist()):
        values = np.array(
            [
                [
                    interpolated(
                        masks[number],
                        (column + 0.5 - x1) / (x2 - x1) * 28,
                        (row + 0.5 - y1) / (y2 - y1) * 28,
                    )
                    for column in range(240)
                ]
                for row in range(200)
            ]
        )
        mask, expected = pasted(found, number, view), values > 0.5
        # OpenCV rounds places to 1/32 cell.
        assert ((mask == expected) | (abs(values - 0.5) < 0.05)).all()
        assert (mask & expected).sum() / (mask | expected).sum() > 0.985


def test_the_image_size_of_detectron2_is_not_taken_for_the_labels() -> None:
    outputs = (
        Tensor("3415", (None, 4), "float32"),
        Tensor("3417", (None,), "int64"),
        Tensor("3418", (None, 1, 28, 28), "float32"),
        Tensor("3416", (None,), "float32"),
        Tensor("3420", (2,), "int64"),
    )
    bound = Torchvision(background=False).bind(Signature((), outputs), ANY)
    assert (bound.boxes, bound.labels, bound.scores) == ("3415", "3417", "3416")
    assert bound.masks == "3418"


def test_openvino_mask_rcnn_uses_the_mask_of_the_predicted_class() -> None:
    # The left half of class 1's mask is set, the upper half of class 2's, nothing of class 3's.
    masks = np.zeros((4, 3, 4, 4), np.float32)
    masks[:, 0, :, :2] = 1
    masks[:, 1, :2] = 1
    table = rows(
        (0, 1, 0.75, 0.1, 0.1, 0.5, 0.5),
        (0, 2, 0.5, 0.1, 0.1, 0.5, 0.5),
        (-1, 0, 0, 0, 0, 0, 0),
        (0, 1, 0.875, 0, 0, 1, 1),
    )
    outputs = {"detections": table, "masks": masks}
    found = MaskRcnnOpenvino("detections", "masks")(outputs, VIEW, 0.25)
    assert found.boxes == pytest.approx(np.array([[6, 4, 30, 20], [6, 4, 30, 20]]), abs=1e-5)
    assert (found.scores.tolist(), found.classes.tolist()) == ([0.75, 0.5], [0, 1])
    left, upper = np.zeros((40, 60), bool), np.zeros((40, 60), bool)
    left[4:20, 6:18] = True
    upper[4:12, 6:30] = True
    assert np.array_equal(pasted(found, 0, VIEW), left)
    assert np.array_equal(pasted(found, 1, VIEW), upper)


def test_openvino_mask_rcnn_without_background_counts_from_0() -> None:
    masks = np.zeros((1, 2, 4, 4), np.float32)
    masks[0, 0] = 1
    outputs = {"detections": rows((0, 0, 0.75, 0, 0, 1, 1)), "masks": masks}
    found = MaskRcnnOpenvino("detections", "masks", background=False)(outputs, VIEW, 0.25)
    assert found.classes.tolist() == [0]
    assert pasted(found, 0, VIEW).all()
    assert len(MaskRcnnOpenvino("detections", "masks")(outputs, VIEW, 0.25)) == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("column", range(1, 7))
def test_openvino_mask_rcnn_drops_rows_that_are_not_finite(bad: float, column: int) -> None:
    table = rows(*[(0.0, 1, 0.75, 0, 0, 1, 1)] * 3)
    table[1, column] = bad
    masks = np.zeros((3, 1, 4, 4), np.float32)
    masks[2] = 1
    outputs = {"detections": table, "masks": masks}
    found = MaskRcnnOpenvino("detections", "masks")(outputs, VIEW, 0.25)
    assert [pasted(found, number, VIEW).any() for number in range(len(found))] == [False, True]


def test_openvino_mask_rcnn_accepts_empty_outputs() -> None:
    outputs = {"detections": np.zeros((0, 7)), "masks": np.zeros((0, 90, 33, 33))}
    found = MaskRcnnOpenvino("detections", "masks")(outputs, VIEW, 0.0).to_image(VIEW.geometry)
    assert (len(found), found.boxes.shape) == (0, (0, 4))


def test_a_class_without_a_mask_is_refused() -> None:
    outputs = {"detections": rows((0, 3, 0.5, 0, 0, 1, 1)), "masks": np.zeros((1, 2, 33, 33))}
    with pytest.raises(BadModel) as caught:
        MaskRcnnOpenvino("detections", "masks")(outputs, VIEW, 0.25)
    texts = ["background: ", "found class 3", "masks for only 2 classes", "classes 1 to 2"]
    assert [text for text in texts if text not in str(caught.value)] == []
    outputs = {"detections": rows((0, 9, 0.5, 0, 0, 1, 1)), "masks": np.zeros((1, 8, 33, 33))}
    for background, allowed in ((True, "classes 1 to 8"), (False, "classes 0 to 7")):
        with pytest.raises(BadModel) as caught:
            MaskRcnnOpenvino("detections", "masks", background=background)(outputs, VIEW, 0.25)
        assert caught.value.allowed == allowed


@pytest.mark.parametrize(
    ("decoder", "shapes", "texts"),
    [
        (BOXES, {"boxes": (9, 5), "labels": (9,), "scores": (9,)}, ["boxes: ", "[9, 5]"]),
        (BOXES, {"boxes": (1, 9, 4), "labels": (9,), "scores": (9,)}, ["boxes: ", "[1, 9, 4]"]),
        (BOXES, {"boxes": (9, 4), "labels": (8,), "scores": (9,)}, ["boxes 9, labels 8, scores 9"]),
        (BOXES, {"boxes": (9, 4), "labels": (9,)}, ["'scores'", "boxes, labels"]),
        (
            MASKS,
            {"boxes": (9, 4), "labels": (9,), "scores": (9,), "masks": (9, 2, 40, 60)},
            ["masks: ", "[N, 1, height, width]", "[9, 2, 40, 60]"],
        ),
        (
            MASKS,
            {"boxes": (9, 4), "labels": (9,), "scores": (9,), "masks": (9, 1, 28, 28)},
            ["masks: ", "input's size 40x60", "got 28x28"],
        ),
        (
            Torchvision("boxes", "labels", "scores", keypoints="keypoints"),
            {"boxes": (9, 4), "labels": (9,), "scores": (9,), "keypoints": (9, 17, 2)},
            ["keypoints: ", "[N, K, 3]", "[9, 17, 2]"],
        ),
        (
            Mmdeploy("dets", "labels"),
            {"dets": (1, 9, 4), "labels": (1, 9)},
            ["dets: ", "`mmdeploy`", "[1, 9, 4]"],
        ),
        (
            Mmdeploy("dets", "labels", "masks"),
            {"dets": (1, 9, 5), "labels": (1, 9), "masks": (1, 9, 28, 28)},
            ["`mmdeploy`", "40x60", "28x28", "export_postprocess_mask"],
        ),
        (
            MaskRcnnOpenvino("dets", "masks"),
            {"dets": (9, 6), "masks": (9, 90, 33, 33)},
            ["detections: ", "`mask_rcnn_openvino`", "[9, 6]"],
        ),
        (
            MaskRcnnOpenvino("dets", "masks"),
            {"dets": (9, 7), "masks": (8, 90, 33, 33)},
            ["detections 9, masks 8"],
        ),
    ],
)
def test_outputs_of_another_shape_are_refused(
    decoder: Decoder, shapes: dict[str, tuple[int, ...]], texts: list[str]
) -> None:
    outputs = {name: np.ones(shape, np.float32) for name, shape in shapes.items()}
    with pytest.raises(BadModel) as caught:
        decoder(outputs, VIEW, 0.25)
    assert [text for text in texts if text not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("decoder", "outputs", "classes", "bound"),
    [
        (
            Torchvision(),
            {"boxes": (None, 4), "scores": (None,), "labels": (None,)},
            Classes(90, exact=True),
            BOXES,
        ),
        (
            Torchvision(boxes="a", background=False),
            {"a": (None, 4), "b": (None, 4), "scores": (None,), "labels": (None,)},
            ANY,
            Torchvision("a", "labels", "scores", background=False),
        ),
        (
            Mmdeploy(),
            {"dets": (1, None, 5), "labels": (1, None)},
            Classes(80, exact=True),
            Mmdeploy("dets", "labels"),
        ),
        (
            Mmdeploy(),
            {"masks": (1, 100, None, None), "labels": (1, 100), "dets": (1, 100, 5)},
            ANY,
            Mmdeploy("dets", "labels", "masks"),
        ),
        (
            MaskRcnnOpenvino(),
            {"masks": (100, 90, 33, 33), "reshape_do_2d": (100, 7)},
            Classes(90, exact=True),
            MaskRcnnOpenvino("reshape_do_2d", "masks"),
        ),
        (
            MaskRcnnOpenvino(background=False),
            {"detection_output": (1, 1, 100, 7), "x": (100, None, 15, 15)},
            Classes(2, exact=True),
            MaskRcnnOpenvino("detection_output", "x", background=False),
        ),
    ],
)
def test_bind_fills_in_the_names(
    decoder: Decoder, outputs: dict[str, Shape], classes: Classes, bound: Decoder
) -> None:
    assert decoder.bind(signature(**outputs), classes) == bound


@pytest.mark.parametrize(
    ("decoder", "outputs", "classes", "texts"),
    [
        (Torchvision(), {"boxes": (None, 4), "labels": (None,)}, ANY, ["0 outputs could hold sco"]),
        (
            Torchvision(),
            {"a": (None, 4), "labels": (None,), "b": (None,), "c": (None,)},
            ANY,
            ["2 outputs could hold scores [N]", "`scores: NAME`"],
        ),
        (
            Torchvision(masks="boxes"),
            {"boxes": (None, 4), "labels": (None,), "scores": (None,)},
            ANY,
            ["masks: ", "boxes [?, 4] float32 does not hold masks [N, 1, height, width]"],
        ),
        (
            Torchvision(keypoints_scores="sure"),
            {"boxes": (None, 4), "labels": (None,), "scores": (None,)},
            ANY,
            ["keypoints_scores: ", "no output called 'sure'"],
        ),
        (Mmdeploy(), {"dets": (1, 9, 4), "labels": (1, 9)}, ANY, ["0 outputs", "[1, N, 5]"]),
        (
            MaskRcnnOpenvino(),
            {"reshape_do_2d": (100, 7), "masks": (100, 90, 33, 33)},
            Classes(80, exact=True),
            ["90 classes", "80 labels", "90 masks for each row"],
        ),
        (MaskRcnnOpenvino(), {"reshape_do_2d": (100, 7)}, ANY, ["0 outputs could hold masks"]),
    ],
)
def test_bind_refuses_outputs_that_do_not_fit(
    decoder: Decoder, outputs: dict[str, Shape], classes: Classes, texts: list[str]
) -> None:
    with pytest.raises(BadModel) as caught:
        decoder.bind(signature(**outputs), classes)
    assert [text for text in texts if text not in str(caught.value)] == []


@pytest.mark.parametrize("shape", [(14, 28), (28, 14), (20, 20), (60, 40), (40, 61)])
def test_masks_that_are_neither_whole_nor_small_squares_are_refused(shape: tuple[int, int]) -> None:
    outputs = {**some(2), "masks": np.ones((2, 1, *shape), np.float32)}
    with pytest.raises(BadModel, match=f"got {shape[0]}x{shape[1]}"):
        MASKS(outputs, VIEW, 0.25)


def test_masks_of_less_than_half_of_the_input_are_pasted_into_their_boxes() -> None:
    # The input is 40 high: squares of up to 19 cells are those of a head.
    outputs = {**some(1), "masks": np.ones((1, 1, 19, 19), np.float32)}
    found = MASKS(outputs, VIEW, 0.25)
    assert isinstance(found.masks, BoxMasks)
