"""Films in which an object moves: its tracked shape must follow it."""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from runtimes.arrays import Array
from runtimes.backends.onnxruntime_cuda import OnnxRuntime
from runtimes.backends.openvino_cpu import OpenVino
from runtimes.backends.session import Backend
from runtimes.clock import Clock
from runtimes.interfaces import Tracking
from runtimes.preprocess.values import Channels, Layout, Normalize
from runtimes.service import parse
from runtimes.signature import Signature
from runtimes.tracker import OpenTracker, Tracker
from runtimes.trackers.ostrack import Ostrack
from runtimes.trackers.siamfc import Siamfc
from runtimes.trackers.siamrpn import Siamrpn
from runtimes.trackers.transt import Transt
from tests.runtimes.trackers import correlators

pytestmark = pytest.mark.slow

BACKENDS: list[Backend] = [OpenVino(), OnnxRuntime(device="cpu")]
both_backends = pytest.mark.parametrize("backend", BACKENDS, ids=["openvino", "onnxruntime"])
VALUES = (Channels("rgb"), Normalize(), Layout("nchw"))
TYPES = ("rectangle", "polygon", "mask")

SIAMFC = Siamfc(stride=4, enlarge=4, activation="none")
# Anchors of three sizes: those with 4 pixels a cell and 16 of them a side are the object's.
SIAMRPN = Siamrpn(stride=4, ratios=(1.0,), scales=(4.0, 16.0, 40.0), template_size=128)
HEADS: dict[str, tuple[Callable[[Path], None], Tracking]] = {
    "siamfc": (correlators.siamfc, SIAMFC),
    "transt": (correlators.transt, Transt()),
    "ostrack": (correlators.ostrack, Ostrack()),
    "siamrpn": (correlators.siamrpn, SIAMRPN),
    "nanotrack": (
        correlators.nanotrack,
        Siamrpn(stride=4, template_size=128, search_size=256),
    ),
}
every_head = pytest.mark.parametrize("head", HEADS)


def start(backend: Backend, folder: Path, head: str) -> OpenTracker:
    """A tracker whose model is the head's correlator, bound to the runtime's signature."""
    write, step = HEADS[head]
    if not list(folder.glob("*.onnx")):
        write(folder)
    encoder: Signature | None = None
    files: tuple[str, str | None] = ("model.onnx", None)
    if (folder / "encoder.onnx").is_file():
        encoder = backend.open(folder / "encoder.onnx").signature
        files = ("decoder.onnx", "encoder.onnx")
    bound = step.bind(backend.open(folder / files[0]).signature, encoder)
    return Tracker(*files, "digest", TYPES, VALUES, bound).start(backend, folder)


def encoded(frame: Array) -> str:
    _, png = cv2.imencode(".png", frame, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return b64encode(png.tobytes()).decode()


def follow(
    handlers: list[OpenTracker],
    film: Iterator[tuple[Array, Array]],
    shapes: list[Any] | None = None,
) -> Iterator[tuple[list[Any], Array]]:
    """Shapes and the true box of each frame; handlers take turns, with JSON in between."""
    states: list[Any] = []
    for number, (frame, box) in enumerate(film):
        if shapes is None:
            shapes = [{"type": "rectangle", "points": box.tolist()}]
        request = {"image": encoded(frame), "shapes": shapes, "states": states}
        handler = handlers[number % len(handlers)]
        reply = json.loads(json.dumps(handler(parse(json.dumps(request)), Clock())))
        assert len(reply["shapes"]) == len(reply["states"]) == len(shapes)
        # A lost rectangle keeps its last box; only its state tells that it is lost.
        lost = [state["lost"] for state in reply["states"]]
        yield [None if it else shape for shape, it in zip(reply["shapes"], lost, strict=True)], box
        states, shapes = reply["states"], [None] * len(shapes)


def center(points: Any) -> Array:
    return np.asarray(np.array(points, np.float64).reshape(2, 2).mean(axis=0))


@both_backends
@every_head
def test_a_moving_object_is_tracked_by_two_workers_in_turn(
    backend: Backend, head: str, tmp_path: Path
) -> None:
    handlers = [start(backend, tmp_path, head) for _ in range(2)]
    errors, sizes = [], []
    for (shape,), box in follow(handlers, correlators.film()):
        assert shape["type"] == "rectangle"
        errors.append(np.hypot(*(center(shape["points"]) - center(box))))
        sizes.append(np.diff(np.array(shape["points"]).reshape(2, 2), axis=0)[0])
    assert len(errors) == 40
    assert np.mean(errors) < 2.5
    assert np.max(errors) < 6
    np.testing.assert_allclose(sizes, np.full((40, 2), 52), atol=8)


@both_backends
def test_a_growing_object_is_tracked_by_three_scales(backend: Backend, tmp_path: Path) -> None:
    handlers = [start(backend, tmp_path, "siamfc") for _ in range(2)]
    found = list(follow(handlers, correlators.film(growth=1.8, aspect=1.5, speed=4)))
    (last,), box = found[-1]
    sides = np.diff(np.array(last["points"]).reshape(2, 2), axis=0)[0]
    np.testing.assert_allclose(sides, box[2:] - box[:2], rtol=0.12)
    errors = [np.hypot(*(center(shape["points"]) - center(box))) for (shape,), box in found]
    assert np.mean(errors) < 4


@every_head
def test_both_runtimes_give_the_same_boxes(head: str, tmp_path: Path) -> None:
    tracks = [
        [shape["points"] for (shape,), _ in follow([handler], correlators.film(8))]
        for handler in (start(backend, tmp_path, head) for backend in BACKENDS)
    ]
    np.testing.assert_allclose(tracks[0], tracks[1], atol=0.05)


def test_a_polygon_and_a_mask_move_with_their_bounding_boxes(tmp_path: Path) -> None:
    (_, box), *_ = correlators.film(1)
    x1, y1, x2, y2 = box.tolist()
    diamond = [(x1 + x2) / 2, y1, x2, (y1 + y2) / 2, (x1 + x2) / 2, y2, x1, (y1 + y2) / 2]
    left, top = round(x1), round(y1)
    # The upper half of the box is the mask's, and two pixels of a row at its lower end.
    side = round(x2) - left
    runs = [0, side * (side // 2), side * (side - side // 2) - 2, 2]
    mask = [*runs, left, top, left + side - 1, top + side - 1]
    shapes = [{"type": "polygon", "points": diamond}, {"type": "mask", "points": mask}]
    handlers = [start(BACKENDS[1], tmp_path, "ostrack")]
    for (polygon, moved), box in follow(handlers, correlators.film(12), shapes):
        corners = np.array(polygon["points"]).reshape(-1, 2)
        assert polygon["type"] == "polygon"
        assert len(corners) == 4
        np.testing.assert_allclose(corners.mean(axis=0), center(box), atol=4)
        assert corners[0, 0] == pytest.approx(corners[2, 0], abs=0.02)
        *counts, left, top, right, bottom = moved["points"]
        assert moved["type"] == "mask"
        assert sum(counts) == (right - left + 1) * (bottom - top + 1)
        assert (left + right + 1) / 2 == pytest.approx(center(box)[0], abs=5)
        assert sum(counts[1::2]) == pytest.approx(side * side / 2, rel=0.1)


def test_many_objects_of_one_request_are_tracked_independently(tmp_path: Path) -> None:
    frames = list(correlators.film(10))
    truth = [np.array(box) for _, box in frames]
    # The same film upside down below itself, so that there are two.
    both = [(np.concatenate([frame, frame[::-1]]), box) for frame, box in frames]
    mirrored = truth[0].copy()
    mirrored[[1, 3]] = 720 - truth[0][[3, 1]]
    shapes = [{"type": "rectangle", "points": box.tolist()} for box in (mirrored, truth[0])]
    handlers = [start(BACKENDS[1], tmp_path, "siamfc")]
    for number, ((lower, upper), _) in enumerate(follow(handlers, iter(both), shapes)):
        x, y = center(truth[number])
        np.testing.assert_allclose(center(upper["points"]), [x, y], atol=4)
        np.testing.assert_allclose(center(lower["points"]), [x, 720 - y], atol=4)


def test_a_hidden_object_is_lost_and_found_again(tmp_path: Path) -> None:
    frames = list(correlators.film(12, speed=2))
    (ground, _), *_ = correlators.film(1, speed=2)
    empty = ground.copy()
    empty[:] = np.median(ground.reshape(-1, 3), axis=0).astype(np.uint8)
    seen = [
        (empty if 4 <= number < 7 else frame, box) for number, (frame, box) in enumerate(frames)
    ]
    handlers = [start(BACKENDS[1], tmp_path, "siamfc")]
    lost = []
    for (shape,), box in follow(handlers, iter(seen)):
        lost.append(shape is None)
        if shape is not None:
            np.testing.assert_allclose(center(shape["points"]), center(box), atol=4)
    assert lost == [4 <= number < 7 for number in range(12)]
