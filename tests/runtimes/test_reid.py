import base64
import itertools
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper

from runtimes.arrays import Array
from runtimes.backends.onnxruntime_cuda import OnnxRuntime
from runtimes.backends.openvino_cpu import OpenVino
from runtimes.backends.session import Backend
from runtimes.clock import Clock
from runtimes.embedders.vector import Embedding
from runtimes.errors import BadRequest
from runtimes.network import Network
from runtimes.preprocess.resize import Resize
from runtimes.preprocess.values import Channels, Normalize
from runtimes.reid import MAX_BOXES, OpenReid, Reid, assign, window_of
from tests.runtimes import graphs

both_backends = pytest.mark.parametrize("backend", [OpenVino(), OnnxRuntime(device="cpu")])

COLORS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255), (255, 0, 255)]
"""Six colors, as blue, green, red."""


def start(backend: Backend, folder: Path, batch: int | str = "N", **fields: Any) -> OpenReid:
    """A function whose vector of a crop is its mean color: red, green, blue."""
    shape = (batch, 3, 8, 8)
    nodes = [helper.make_node("ReduceMean", ["crops"], ["embedding"], axes=[2, 3], keepdims=0)]
    graphs.save(
        folder / "model.onnx",
        nodes,
        [("crops", "float32", shape)],
        [("embedding", "float32", (batch, 3))],
        {},
    )
    steps = (Resize(8), Channels("rgb"), Normalize(255))
    described: dict[str, Any] = {
        "threshold": 0.1,
        "max_distance": 1000,
        "network": Network("model.onnx", "crops", steps),
        "embedder": Embedding(output="embedding"),
    }
    return Reid(**{**described, **fields}).start(backend, folder)


def scene(order: list[int], width: int = 400) -> tuple[Array, list[list[float]]]:
    """An image with a box of each color side by side, and the boxes in that order."""
    image = np.full((100, width, 3), 90, np.uint8)
    boxes = []
    for place, color in enumerate(order):
        left = 10 + place * 60
        image[20:80, left : left + 40] = COLORS[color]
        boxes.append([left, 20.0, left + 40.0, 80.0])
    return image, boxes


def text(image: Array) -> str:
    _, data = cv2.imencode(".png", image)
    return base64.b64encode(data.tobytes()).decode()


def request(
    image0: Array, boxes0: list[list[float]], image1: Array, boxes1: list[list[float]], **more: Any
) -> dict[str, Any]:
    """A request in the form of CVAT's server: boxes are shapes of its annotations."""

    def shape(points: list[float], frame: int) -> dict[str, Any]:
        return {
            "id": None,
            "type": "rectangle",
            "frame": frame,
            "label_id": 7,
            "group": 0,
            "points": points,
            "attributes": [],
            "source": "auto",
        }

    return {
        "image0": text(image0),
        "image1": text(image1),
        "boxes0": [shape(box, 0) for box in boxes0],
        "boxes1": [shape(box, 1) for box in boxes1],
        **more,
    }


@both_backends
@pytest.mark.parametrize("batch", ["N", 1])
def test_permuted_crops_are_matched_back(
    backend: Backend, batch: int | str, tmp_path: Path
) -> None:
    function = start(backend, tmp_path, batch)
    order = [3, 0, 5, 1, 4, 2]
    image0, boxes0 = scene([0, 1, 2, 3, 4, 5])
    image1, boxes1 = scene(order)
    found = function(request(image0, boxes0, image1, boxes1), Clock())
    assert found == [order.index(color) for color in range(6)]
    assert all(type(match) is int for match in found)


@both_backends
def test_each_box_is_embedded_once(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    function = start(backend, tmp_path)
    session = function._network.session
    sizes: list[int] = []
    original = session.run

    def counted(inputs: dict[str, Array]) -> dict[str, Array]:
        sizes.append(inputs["crops"].shape[0])
        return original(inputs)

    monkeypatch.setattr(type(session), "run", lambda self, inputs: counted(inputs))
    image, boxes = scene([0, 1, 2, 3, 4, 5])
    function(request(image, boxes, image, boxes[:4]), Clock())
    assert sizes == [6, 4]


@both_backends
def test_with_unequal_counts_the_rest_is_not_matched(backend: Backend, tmp_path: Path) -> None:
    function = start(backend, tmp_path)
    image0, boxes0 = scene([0, 1, 2])
    image1, boxes1 = scene([2])
    assert function(request(image0, boxes0, image1, boxes1), Clock()) == [-1, -1, 0]
    assert function(request(image1, boxes1, image0, boxes0), Clock()) == [2]
    assert function(request(image0, [], image1, boxes1), Clock()) == []
    assert function(request(image0, boxes0, image1, []), Clock()) == [-1, -1, -1]


def test_boxes_outside_of_the_image_or_without_area_are_answered(tmp_path: Path) -> None:
    function = start(OpenVino(), tmp_path)
    image, boxes = scene([0, 1])
    half_out, outside = [-40.0, 20.0, 50.0, 80.0], [500.0, 20.0, 540.0, 80.0]
    image[20:80, :10] = COLORS[0]
    nothing, thin = [30.0, 30.0, 30.0, 30.0], [20.4, 30.0, 20.4, 60.0]
    asked = request(image, [half_out, outside, nothing, thin, boxes[1]], image, boxes)
    assert function(asked, Clock()) == [0, -1, -1, -1, 1]
    # Corners may come in any order.
    swapped = [boxes[1][2], boxes[1][3], boxes[1][0], boxes[1][1]]
    assert function(request(image, [swapped], image, boxes), Clock()) == [1]


def test_the_requests_max_distance_is_used(tmp_path: Path) -> None:
    function = start(OpenVino(), tmp_path, max_distance=50)
    image, boxes = scene([0, 1])
    moved, targets = scene([1, 0])
    # Both moved by 60 pixels.
    assert function(request(image, boxes, moved, targets), Clock()) == [-1, -1]
    assert function(request(image, boxes, moved, targets, max_distance=60), Clock()) == [1, 0]
    assert function(request(image, boxes, moved, targets, max_distance=59.9), Clock()) == [-1, -1]


def test_the_requests_threshold_is_a_distance(tmp_path: Path) -> None:
    function = start(OpenVino(), tmp_path)
    image0, boxes0 = scene([0])
    image1, boxes1 = scene([3])
    # Blue (0, 0, 1) and turquoise (0, 1, 1): the cosine is 1 / sqrt(2), the distance 0.293.
    asked = request(image0, boxes0, image1, boxes1)
    assert function(asked, Clock()) == [-1]
    assert function({**asked, "threshold": 0.30}, Clock()) == [0]
    assert function({**asked, "threshold": 0.29}, Clock()) == [-1]


def test_boxes_of_other_labels_are_other_objects(tmp_path: Path) -> None:
    function = start(OpenVino(), tmp_path)
    image, boxes = scene([0])
    asked = request(image, boxes, image, boxes)
    assert function(asked, Clock()) == [0]
    asked["boxes1"][0]["label_id"] = 8
    assert function(asked, Clock()) == [-1]


BAD: list[tuple[dict[str, Any], str]] = [
    ({"image0": "?"}, "image0: is not base64"),
    ({"image1": None}, "image1: must be the base64 text"),
    ({"boxes0": None}, "boxes0: must be a list of rectangles"),
    ({"boxes1": {"points": []}}, "boxes1: must be a list of rectangles"),
    ({"boxes0": [[1, 2, 3, 4]]}, r"boxes0\[0\]: must be a rectangle"),
    ({"boxes0": [{"points": [1, 2, 3]}]}, r"boxes0\[0\]: must be a rectangle"),
    ({"boxes0": [{"points": [1, 2, 3, "4"]}]}, r"boxes0\[0\]: must be a rectangle"),
    ({"boxes0": [{"points": [1, 2, 3, float("nan")]}]}, r"boxes0\[0\]: must be a rectangle"),
    ({"boxes1": [{}] * (MAX_BOXES + 1)}, "boxes1: has too many boxes"),
    ({"threshold": "much"}, "threshold: must be a number of 0 or more"),
    ({"max_distance": -1}, "max_distance: must be a number of 0 or more"),
]


@pytest.mark.parametrize(("change", "reason"), BAD)
def test_an_invalid_request_is_refused_with_the_reason(
    change: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    function = start(OpenVino(), tmp_path)
    image, boxes = scene([0])
    with pytest.raises(BadRequest, match=reason):
        function({**request(image, boxes, image, boxes), **change}, Clock())


@pytest.mark.parametrize(
    ("box", "window"),
    [
        ((1.2, 2.0, 3.0, 4.7), (1, 2, 3, 5)),
        ((-5, -5, 100, 100), (0, 0, 8, 6)),
        ((7.5, 0, 9, 3), (7, 0, 8, 3)),
        ((8, 0, 9, 3), None),
        ((-3, 0, 0, 3), None),
        ((2, 2, 2, 5), None),
        ((1e200, 0, 1e201, 3), None),
    ],
)
def test_a_window_is_the_pixels_that_a_box_touches(
    box: tuple[float, float, float, float], window: tuple[int, int, int, int] | None
) -> None:
    assert window_of(box, (6, 8)) == window


@given(
    st.integers(0, 4).flatmap(
        lambda rows: st.integers(0, 4).flatmap(
            lambda columns: st.lists(
                st.lists(st.one_of(st.none(), st.floats(0, 2)), min_size=columns, max_size=columns),
                min_size=rows,
                max_size=rows,
            ).map(lambda table: (table, columns))
        )
    )
)
def test_the_assignment_has_the_most_pairs_at_the_minimum_cost(
    drawn: tuple[list[list[float | None]], int],
) -> None:
    table, columns = drawn
    shape = (len(table), columns)
    cost = np.array([[it or 0.0 for it in row] for row in table]).reshape(shape)
    allowed = np.array([[it is not None for it in row] for row in table], bool).reshape(shape)
    found = assign(cost, allowed).tolist()
    joined = [match for match in found if match >= 0]
    assert len(set(joined)) == len(joined)
    assert all(table[row][match] is not None for row, match in enumerate(found) if match >= 0)

    def worth(matches: tuple[int, ...]) -> tuple[int, float] | None:
        """The number of missing pairs and the cost of the others; None for a forbidden pair."""
        chosen = [(row, match) for row, match in enumerate(matches) if match >= 0]
        if len({match for _, match in chosen}) < len(chosen):
            return None
        prices = [table[row][match] for row, match in chosen]
        if any(price is None for price in prices):
            return None
        return len(table) - len(chosen), sum(price or 0 for price in prices)

    # Every way of joining rows to columns, as a child would try them.
    ways = itertools.product(range(-1, columns), repeat=len(table))
    best = min(value for value in map(worth, ways) if value is not None)
    mine = worth(tuple(found))
    assert mine is not None
    assert mine[0] == best[0]
    assert mine[1] == pytest.approx(best[1])


def test_the_description_lists_input_and_thresholds(tmp_path: Path) -> None:
    assert "threshold 0.1, max_distance 1000" in start(OpenVino(), tmp_path).describe()


@both_backends
def test_an_examination_returns_a_vector_for_each_quarter(backend: Backend, tmp_path: Path) -> None:
    image = np.zeros((80, 100, 3), np.uint8)
    image[:40, :50], image[:40, 50:], image[40:, :50] = COLORS[:3]
    examined = start(backend, tmp_path).examine(image)
    assert examined["image"].tolist() == [80, 100]
    assert examined["vectors"] == pytest.approx(
        np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0], [0, 0, 0]])
    )
