import io
import json
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from onnx import helper
from PIL import Image

from runtimes.arrays import Array
from runtimes.backends.onnxruntime_cuda import OnnxRuntime
from runtimes.backends.openvino_cpu import OpenVino
from runtimes.backends.session import Backend, Session
from runtimes.clock import Clock
from runtimes.errors import BadModel, BadRequest
from runtimes.preprocess.values import Channels, Layout, Normalize
from runtimes.tracker import OpenTracker, Tracker
from runtimes.trackers.transt import Transt
from tests.runtimes import graphs

BACKENDS: list[Backend] = [OpenVino(), OnnxRuntime(device="cpu")]
both_backends = pytest.mark.parametrize("backend", BACKENDS)
VALUES = (Channels("rgb"), Normalize(), Layout("nchw"))
STEP = Transt(
    template="template",
    search="search",
    template_size=32,
    search_size=64,
    window=0.0,
    logits="logits",
    boxes="boxes",
)
RECTANGLE = {"type": "rectangle", "points": [20.0, 10.0, 40.0, 30.0]}
"""The search crop has four times the side of a square box: 80 pixels, from -10 to 70, -20 to 60."""


def write(folder: Path, name: str = "model.onnx") -> None:
    """A model that finds the object where the search crop is brightest red, half as large as it.

    It has one cell whose logit is the mean red of the search crop, less a half, times 40; the box
    is a quarter of the crop in its middle, moved to the right by a tenth of it.
    """
    import onnx.helper as make

    nodes = [
        make.make_node("GlobalAveragePool", ["search"], ["means"]),
        make.make_node("Slice", ["means", "from", "to", "axis"], ["red"]),
        make.make_node("Reshape", ["red", "one"], ["flat"]),
        make.make_node("Sub", ["flat", "half"], ["less"]),
        make.make_node("Mul", ["less", "forty"], ["logit"]),
        make.make_node("ReduceMax", ["template"], ["most"], keepdims=0),
        make.make_node("Mul", ["most", "zero"], ["nothing"]),
        make.make_node("Add", ["other", "nothing"], ["background"]),
        make.make_node("Concat", ["logit", "background"], ["logits"], axis=2),
        make.make_node("Add", ["box", "nothing"], ["boxes"]),
    ]
    constants = {
        "from": np.array([0]),
        "to": np.array([1]),
        "axis": np.array([1]),
        "one": np.array([1, 1, 1]),
        "half": np.array(0.5, np.float32),
        "forty": np.array(40, np.float32),
        "zero": np.array(0, np.float32),
        "other": np.zeros((1, 1, 1), np.float32),
        "box": np.array([[[0.6, 0.5, 0.25, 0.25]]], np.float32),
    }
    graphs.save(
        folder / name,
        nodes,
        [("template", "float32", (1, 3, 32, 32)), ("search", "float32", (1, 3, 64, 64))],
        [("logits", "float32", (1, 1, 2)), ("boxes", "float32", (1, 1, 4))],
        constants,
    )


def start(folder: Path, backend: Backend = BACKENDS[1], **fields: Any) -> OpenTracker:
    if not (folder / "model.onnx").exists():
        write(folder)
    given = {"shape_types": ("rectangle", "polygon"), "digest": "digest", **fields}
    tracker = Tracker(model="model.onnx", encoder=None, preprocess=VALUES, step=STEP, **given)
    return tracker.start(backend, folder)


def text_of(red: int = 255) -> str:
    """A uniform image of 100 x 80 pixels: red is found, black is not."""
    buffer = io.BytesIO()
    Image.new("RGB", (100, 80), (red, 0, 0)).save(buffer, "PNG")
    return b64encode(buffer.getvalue()).decode()


def ask(tracker: OpenTracker, red: int = 255, **request: Any) -> dict[str, Any]:
    answer = tracker({"image": text_of(red), **request}, Clock())
    return dict(json.loads(json.dumps(answer)))


@both_backends
def test_newer_servers_send_null_shapes_on_continuation(backend: Backend, tmp_path: Path) -> None:
    tracker = start(tmp_path, backend)
    first = ask(tracker, shapes=[RECTANGLE], states=[])
    assert first["shapes"] == [RECTANGLE]
    second = ask(tracker, shapes=[None], states=first["states"])
    # A tenth of 80 pixels to the right.
    assert second["shapes"] == [{"type": "rectangle", "points": [28, 10, 48, 30]}]
    third = ask(tracker, shapes=[None], states=second["states"])
    assert third["shapes"] == [{"type": "rectangle", "points": [36, 10, 56, 30]}]


def test_older_servers_send_bare_lists_of_shapes_and_states(tmp_path: Path) -> None:
    tracker = start(tmp_path)
    first = ask(tracker, shapes=[[20, 10, 40, 30]], states=[])
    assert first["shapes"] == [[20, 10, 40, 30]]
    second = ask(tracker, shapes=[[20, 10, 40, 30]], states=first["states"])
    assert second["shapes"] == [[28, 10, 48, 30]]


def test_the_shape_of_an_object_with_a_state_is_ignored(tmp_path: Path) -> None:
    tracker = start(tmp_path)
    first = ask(tracker, shapes=[RECTANGLE])
    for strange in ("strange", [1, 2], {"type": "mask"}, 7):
        second = ask(tracker, shapes=[strange], states=first["states"])
        assert second["shapes"] == [{"type": "rectangle", "points": [28, 10, 48, 30]}]


@pytest.mark.parametrize("states", [{}, {"states": None}, {"states": []}, {"states": [None]}])
def test_an_object_without_a_state_is_new(tmp_path: Path, states: dict[str, Any]) -> None:
    assert ask(start(tmp_path), shapes=[RECTANGLE], **states)["shapes"] == [RECTANGLE]


def test_states_without_shapes_are_enough(tmp_path: Path) -> None:
    tracker = start(tmp_path)
    states = ask(tracker, shapes=[RECTANGLE])["states"]
    assert ask(tracker, states=states)["shapes"][0]["points"] == [28, 10, 48, 30]


def test_new_and_known_objects_share_a_request(tmp_path: Path) -> None:
    tracker = start(tmp_path)
    first = ask(tracker, shapes=[RECTANGLE])
    other = {"type": "polygon", "points": [50.0, 20.0, 70.0, 20.0, 60.0, 40.0]}
    reply = ask(tracker, shapes=[None, other, [60, 40, 80, 60]], states=[*first["states"], None])
    known, polygon, bare = reply["shapes"]
    assert known["points"] == [28, 10, 48, 30]
    assert polygon == other
    assert bare == [60, 40, 80, 60]
    again = ask(tracker, shapes=[None] * 3, states=reply["states"])["shapes"]
    assert again[1] == {"type": "polygon", "points": [58, 20, 78, 20, 68, 40]}
    assert again[2] == [68, 40, 88, 60]


def test_a_request_without_objects_is_answered(tmp_path: Path) -> None:
    assert ask(start(tmp_path), shapes=[], states=[]) == {"shapes": [], "states": []}
    assert ask(start(tmp_path)) == {"shapes": [], "states": []}


def test_a_lost_rectangle_keeps_its_last_box(tmp_path: Path) -> None:
    tracker = start(tmp_path)
    first = ask(tracker, shapes=[RECTANGLE])
    lost = ask(tracker, red=0, shapes=[None], states=first["states"])
    assert lost["shapes"] == [RECTANGLE]
    assert lost["states"] == [{**first["states"][0], "lost": True}]
    found = ask(tracker, shapes=[None], states=lost["states"])
    assert found["shapes"] == [{"type": "rectangle", "points": [28, 10, 48, 30]}]
    assert found["states"][0]["lost"] is False


def test_a_lost_bare_list_keeps_its_last_box_for_all_servers(tmp_path: Path) -> None:
    tracker = start(tmp_path)
    states = ask(tracker, shapes=[[20, 10, 40, 30]])["states"]
    lost = {"shapes": [[20, 10, 40, 30]], "states": [{**states[0], "lost": True}]}
    # Newer servers send null on continuation or no shapes, older ones the last shapes.
    for shapes in ({"shapes": [None]}, {}, {"shapes": [[20, 10, 40, 30]]}):
        assert ask(tracker, red=0, states=states, **shapes) == lost


def test_a_lost_polygon_is_null_and_is_found_again(tmp_path: Path) -> None:
    tracker = start(tmp_path)
    triangle = {"type": "polygon", "points": [20.0, 10.0, 40.0, 10.0, 30.0, 30.0]}
    states = ask(tracker, shapes=[triangle, RECTANGLE])["states"]
    lost = ask(tracker, red=0, shapes=[None, None], states=states)
    assert lost["shapes"] == [None, RECTANGLE]
    assert lost["states"] == [{**state, "lost": True} for state in states]
    found = ask(tracker, shapes=[None, None], states=lost["states"])
    assert found["shapes"][0]["points"] == [28, 10, 48, 10, 38, 30]
    assert [state["lost"] for state in found["states"]] == [False, False]


def test_an_object_lost_after_it_left_the_image_keeps_the_part_inside(tmp_path: Path) -> None:
    tracker = start(tmp_path)
    states = ask(tracker, shapes=[[86, 10, 106, 30]])["states"]
    lost = ask(tracker, red=0, states=states)
    assert lost["shapes"] == [[86, 10, 100, 30]]
    assert lost["states"][0]["box"] == [86, 10, 106, 30]


def test_the_log_counts_lost_objects(tmp_path: Path) -> None:
    tracker = start(tmp_path)
    states = ask(tracker, shapes=[RECTANGLE, RECTANGLE])["states"]
    for red, note in ((0, ["lost: 2 of 2"]), (255, [])):
        clock = Clock()
        tracker({"image": text_of(red), "states": states}, clock)
        assert clock.notes == note


def test_the_requests_threshold_overrides_the_steps(tmp_path: Path) -> None:
    tracker = start(tmp_path)
    states = ask(tracker, shapes=[RECTANGLE])["states"]
    # Mean red 0.5: a score of a half.
    sure = ask(tracker, red=128, states=states, threshold=0.4)
    assert sure["shapes"] != [RECTANGLE]
    assert sure["states"][0]["lost"] is False
    unsure = ask(tracker, red=126, states=states, threshold=0.9)
    assert unsure["shapes"] == [RECTANGLE]
    assert unsure["states"][0]["lost"] is True


def test_an_object_that_leaves_the_image_is_clipped_and_keeps_its_size(tmp_path: Path) -> None:
    tracker = start(tmp_path)
    reply = ask(tracker, shapes=[[70, 10, 90, 30]])
    corners = []
    for _ in range(4):
        reply = ask(tracker, shapes=[None], states=reply["states"])
        corners.append(reply["shapes"][0])
    # By 8 pixels a frame, until the middle is at the image's edge.
    assert corners == [[78, 10, 98, 30], [86, 10, 100, 30], [90, 10, 100, 30], [90, 10, 100, 30]]
    assert reply["states"][0]["box"] == [90, 10, 110, 30]


def test_a_frame_may_have_another_size(tmp_path: Path) -> None:
    tracker = start(tmp_path)
    states = ask(tracker, shapes=[[70, 50, 90, 70]])["states"]
    buffer = io.BytesIO()
    Image.new("RGB", (30, 20), (255, 0, 0)).save(buffer, "PNG")
    text = b64encode(buffer.getvalue()).decode()
    answer = tracker({"image": text, "shapes": [None], "states": states}, Clock())
    (shape,) = answer["shapes"]
    x1, y1, x2, y2 = shape
    assert 0 <= x1 < x2 <= 30
    assert 0 <= y1 < y2 <= 20


@pytest.mark.parametrize(
    ("request_", "where"),
    [
        ({"shapes": [None]}, "shapes[0]"),
        ({"shapes": [RECTANGLE, None], "states": [None, None]}, "shapes[1]"),
        ({"shapes": "text"}, "shapes"),
        ({"shapes": {"0": RECTANGLE}}, "shapes"),
        ({"shapes": RECTANGLE}, "shapes"),
        ({"shapes": [RECTANGLE], "states": {}}, "states"),
        ({"shapes": [RECTANGLE], "states": "text"}, "states"),
        ({"shapes": [RECTANGLE], "states": ["text"]}, "states[0]"),
        ({"shapes": [RECTANGLE] * 1001}, "shapes"),
        ({"shapes": [{"type": "mask", "points": [0, 4, 1, 1, 2, 2]}]}, "shapes[0]"),
        ({"shapes": [[200, 10, 240, 30]]}, "shapes[0]"),
        ({"shapes": [[-50, 10, -20, 30]]}, "shapes[0]"),
        ({"shapes": [RECTANGLE], "image": None}, "image"),
        ({"shapes": [RECTANGLE], "image": "hello"}, "image"),
        ({"shapes": [RECTANGLE], "threshold": 2}, "threshold"),
    ],
)
def test_invalid_requests_are_refused_with_their_key(
    tmp_path: Path, request_: dict[str, Any], where: str
) -> None:
    with pytest.raises(BadRequest) as caught:
        ask(start(tmp_path), **request_)
    assert caught.value.where == where


def test_a_state_from_another_model_is_refused(tmp_path: Path) -> None:
    states = ask(start(tmp_path), shapes=[RECTANGLE])["states"]
    with pytest.raises(BadRequest, match="belongs to another model"):
        ask(start(tmp_path, digest="other"), states=states)


def test_a_state_beyond_the_limit_or_of_another_type_is_refused(tmp_path: Path) -> None:
    polygon = {"type": "polygon", "points": [50.0, 20.0, 70.0, 20.0, 60.0, 40.0]}
    states = ask(start(tmp_path), shapes=[polygon])["states"]
    with pytest.raises(BadRequest, match="is too large"):
        ask(start(tmp_path, max_state_bytes=100), states=states)
    with pytest.raises(BadRequest, match="does not support"):
        ask(start(tmp_path, shape_types=("rectangle",)), states=states)


def test_a_start_is_described_for_the_log(tmp_path: Path) -> None:
    tracker = start(tmp_path)
    told = "template 32, search 64; tracks rectangle, polygon; threshold 0.2"
    assert tracker.describe() == told
    assert "CPU" in tracker.session.device
    assert tracker.session.warning == ""


def test_the_stages_of_a_request_are_timed(tmp_path: Path) -> None:
    tracker = start(tmp_path)
    clock = Clock()
    states = tracker({"image": text_of(), "shapes": [RECTANGLE]}, clock)["states"]
    assert list(clock.stages) == ["image decode", "template"]
    clock = Clock()
    tracker({"image": text_of(), "states": states}, clock)
    stages = ["image decode", "template", "preprocess", "inference", "decode"]
    assert list(clock.stages) == stages


@both_backends
def test_replaced_models_fail_the_start(backend: Backend, tmp_path: Path) -> None:
    with pytest.raises(BadModel, match="is missing"):
        Tracker("none.onnx", None, "", ("rectangle",), VALUES, STEP).start(backend, tmp_path)
    graphs.echo(tmp_path / "echo.onnx")
    with pytest.raises(BadModel, match="no inputs 'template' and 'search'"):
        Tracker("echo.onnx", None, "", ("rectangle",), VALUES, STEP).start(backend, tmp_path)
    write(tmp_path)
    wrong = Transt(template="template", search="search", template_size=32, search_size=64,
                   logits="boxes", boxes="boxes")  # fmt: skip
    with pytest.raises(BadModel, match="decodes"):
        Tracker("model.onnx", None, "", ("rectangle",), VALUES, wrong).start(backend, tmp_path)


class Counted:
    """An encoder that counts how often it runs."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.signature, self.device, self.warning = session.signature, session.device, ""
        self.runs = 0

    def read(self, names: Iterable[str]) -> None:
        raise NotImplementedError

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        self.runs += 1
        return self.session.run(inputs)


@both_backends
def test_an_encoder_embeds_an_objects_template_once(backend: Backend, tmp_path: Path) -> None:
    write(tmp_path)
    sides = (1, 3, "height", "width")
    graphs.save(
        tmp_path / "encoder.onnx",
        [helper.make_node("Identity", ["crop"], ["embedding"])],
        [("crop", "float32", sides)],
        [("embedding", "float32", sides)],
        {},
    )
    step = replace(STEP, image="crop", embedding="embedding")
    tracker = Tracker("model.onnx", "encoder.onnx", "digest", ("rectangle",), VALUES, step)
    model, encoder = (backend.open(tmp_path / it) for it in ("model.onnx", "encoder.onnx"))
    counted = Counted(encoder)
    started = OpenTracker(tracker, model, counted)
    states = ask(started, shapes=[RECTANGLE])["states"]
    counted.runs = 0
    for left in (28, 36, 44):
        reply = ask(started, shapes=[None], states=states)
        states = reply["states"]
        assert reply["shapes"][0]["points"] == [left, 10, left + 20, 30]
    assert counted.runs == 1 + 3
    # Another worker, which has not seen the object, goes on with the state all the same.
    reply = ask(OpenTracker(tracker, model, encoder), shapes=[None], states=states)
    assert reply["shapes"][0]["points"] == [52, 10, 72, 30]


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_examination_returns_the_box_and_score_of_an_object_in_the_middle(
    tmp_path: Path, backend: Backend
) -> None:
    examined = start(tmp_path, backend).examine(np.full((80, 100, 3), (0, 0, 255), np.uint8))
    assert examined["image"].tolist() == [80, 100]
    # The drawn box is 25 x 20 around 50, 40. The crop's side is 4 * sqrt(25 * 20) = 89.44, and the
    # model moves the center by a tenth of it.
    side = 4 * (25 * 20) ** 0.5
    middle = (examined["boxes"][0, :2] + examined["boxes"][0, 2:]) / 2
    assert middle == pytest.approx([50 + side / 10, 40], abs=1)
    assert examined["scores"] == pytest.approx([1], abs=1e-3)


def deep(brightest: int) -> str:
    """A 16-bit color image of 100 x 80 pixels, of red 2000 and one row of `brightest`."""
    frame = np.zeros((80, 100, 3), np.uint16)
    frame[:, :, 2] = 2000
    frame[0, :, 2] = brightest
    _, data = cv2.imencode(".png", frame)
    return b64encode(data.tobytes()).decode()


@both_backends
def test_a_track_keeps_the_stretch_of_the_first_frame(backend: Backend, tmp_path: Path) -> None:
    tracker = start(tmp_path, backend)
    request: dict[str, Any] = {"shapes": [RECTANGLE]}
    states = tracker({"image": deep(2000), **request}, Clock())["states"]
    assert states[0]["stretch"] == [0, 2000]
    # By its own maximum, this frame would have a red of 31, and the object would be lost.
    bright = deep(16000)
    found = tracker({"image": bright, "states": json.loads(json.dumps(states))}, Clock())
    assert found["states"][0]["lost"] is False
    assert found["states"][0]["stretch"] == [0, 2000]
    # In the same frame, an object without a state uses the frame's own stretch.
    both = tracker(
        {"image": bright, "states": [*states, None], "shapes": [None, RECTANGLE]}, Clock()
    )
    assert [state["stretch"] for state in both["states"]] == [[0, 2000], [0, 16000]]
    again = tracker({"image": bright, "states": both["states"]}, Clock())
    assert [state["lost"] for state in again["states"]] == [False, True]
    # A frame of 8 bits has nothing to stretch.
    assert ask(tracker, states=states)["states"][0]["lost"] is False


def test_a_track_that_starts_with_8_bits_has_no_stretch(tmp_path: Path) -> None:
    tracker = start(tmp_path)
    states = ask(tracker, shapes=[RECTANGLE])["states"]
    assert states[0]["stretch"] is None
    assert tracker({"image": deep(2000), "states": states}, Clock())["states"][0]["lost"] is False
