"""YuNet's raw outputs, compared with OpenCV's FaceDetectorYN."""

from math import exp, sqrt

import cv2
import numpy as np
import pytest

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.yunet import Yunet
from runtimes.errors import BadModel
from runtimes.geometry import Geometry
from runtimes.signature import Signature, Tensor
from runtimes.view import View
from tests.grids import grid
from tests.zoo.net import Net

SIZE = (96, 128)
VIEW = View(SIZE, SIZE, Geometry())
STRIDES = (8, 16, 32)
FACE = Classes(1, exact=True)
COLUMNS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}


def heads(seed: int) -> dict[str, Array]:
    """Random outputs of all strides, by OpenCV's names."""
    rng = np.random.default_rng(seed)
    found = {}
    for stride in STRIDES:
        count = (SIZE[0] // stride) * (SIZE[1] // stride)
        for name, columns in COLUMNS.items():
            values = rng.random((1, count, columns)) ** (8 if columns == 1 else 1)
            found[f"{name}_{stride}"] = values.astype(np.float32)
    return found


def signature(outputs: dict[str, Array]) -> Signature:
    tensors = [Tensor(name, it.shape, "float32") for name, it in outputs.items()]
    return Signature((), tuple(tensors), {})


def rows(outputs: dict[str, Array], threshold: float) -> list[list[float]]:
    """Corners, landmarks and score of each face found by the bound step, sorted."""
    order = dict(reversed(outputs.items()))  # the order of the outputs does not matter
    found = Yunet().bind(signature(order), FACE)(order, VIEW, threshold)
    assert found.keypoints is not None
    assert (found.keypoints[..., 2] == 1).all()
    marks = found.keypoints[..., :2].reshape(len(found), 10)
    return sorted(np.hstack([found.boxes, marks, found.scores[:, None]]).tolist())


@grid(("seed", range(3)), ("threshold", [0.1, 0.3]))
def test_yunet_matches_a_loop(seed: int, threshold: float) -> None:
    outputs = heads(seed)
    expected = []
    for stride in STRIDES:
        width = SIZE[1] // stride
        names = [f"{name}_{stride}" for name in COLUMNS]
        parts = zip(*(outputs[name][0].tolist() for name in names), strict=True)
        for number, ((score,), (sure,), box, marks) in enumerate(parts):
            column, row = number % width, number // width
            x, y = (box[0] + column) * stride, (box[1] + row) * stride
            w, h = exp(box[2]) * stride, exp(box[3]) * stride
            places = [(it + (column, row)[n % 2]) * stride for n, it in enumerate(marks)]
            if sqrt(score * sure) > threshold:
                found = [x - w / 2, y - h / 2, x + w / 2, y + h / 2, *places, sqrt(score * sure)]
                expected.append(found)
    found = rows(outputs, threshold)
    assert len(found) == len(expected) > 0
    np.testing.assert_allclose(found, sorted(expected), rtol=1e-5, atol=1e-4)


def test_yunet_agrees_with_opencv(tmp_path_factory: pytest.TempPathFactory) -> None:
    outputs = heads(7)
    net = Net({"input": ("float32", (1, 3, *SIZE))})
    for name, values in outputs.items():
        net.give(name, net.known(values), values.shape)
    file = net.save(tmp_path_factory.mktemp("yunet") / "yunet.onnx")
    # A threshold of NMS of 1 keeps all candidates.
    detector = cv2.FaceDetectorYN.create(str(file), "", (SIZE[1], SIZE[0]), 0.2, 1.0, 5000)
    _, faces = detector.detect(np.full((*SIZE, 3), 128, np.uint8))
    # OpenCV gives the left upper corner, width and height.
    expected = sorted([x, y, x + w, y + h, *more] for x, y, w, h, *more in faces.tolist())
    found = rows(outputs, 0.2)
    assert len(found) == len(expected) > 0
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)


def test_nothing_above_the_threshold_is_no_face() -> None:
    assert rows(heads(0), 1.0) == []


def test_bind_resolves_outputs_by_their_columns() -> None:
    bound = Yunet().bind(signature(heads(0)), FACE)
    assert bound.scores == ("cls_8", "obj_8", "cls_16", "obj_16", "cls_32", "obj_32")
    assert bound.boxes == ("bbox_8", "bbox_16", "bbox_32")
    assert bound.landmarks == ("kps_8", "kps_16", "kps_32")


def test_models_without_landmarks_have_no_keypoints() -> None:
    outputs = {name: it for name, it in heads(0).items() if "kps" not in name}
    found = Yunet().bind(signature(outputs), FACE)(outputs, VIEW, 0.1)
    assert len(found)
    assert found.keypoints is None


def test_bind_refuses_several_labels() -> None:
    with pytest.raises(BadModel, match="1 classes, the manifest 2 labels"):
        Yunet().bind(signature(heads(0)), Classes(2, exact=True))


def test_the_defaults_are_those_of_yunet() -> None:
    assert Yunet() == Yunet(strides=(8, 16, 32))
