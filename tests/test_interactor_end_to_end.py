"""A built interactor: the requests of all CVAT versions."""

from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from builder.manifest.variants import VariantName
from builder.run.function import Reply
from builder.run.judge.interactor import judge
from builder.run.process import FunctionProcess
from runtimes import rle
from runtimes.arrays import Array
from tests.paths import ROOT
from tests.scenes import iou, scene

MODELS = ROOT / "manifests" / "models"
MANIFEST = f"""
name: clicks
type: interactor
encoder: {MODELS}/sam-demo-encoder.onnx
decoder: {MODELS}/sam-demo-decoder.onnx
preprocess:
  - letterbox: {{size: 1024, fill: [124, 116, 104], align: top_left}}
  - normalize: {{scale: 1, mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375]}}
postprocess:
  - sam
min_pos_points: 1
start_with_box: BOX
cvat: "CVAT"
variants:
  gpu: {{allow_cpu_fallback: true}}
"""
SCENE = scene()
IMAGE = b64encode(SCENE.png).decode()
DISC = SCENE.inside["disc"]


class Functions(dict[tuple[str, VariantName], FunctionProcess]):
    """Started functions, by the CVAT version of the manifest, and by variant.

    A function is built and started when a test asks for it.
    """

    def __init__(self, build_from: Callable[[str], Path], stack: ExitStack) -> None:
        self._built = cache(build_from)
        self._stack = stack

    def __missing__(self, key: tuple[str, VariantName]) -> FunctionProcess:
        cvat, variant = key
        folder = self._built(MANIFEST.replace("CVAT", cvat).replace("BOX", "optional"))
        self[key] = self._stack.enter_context(closing(FunctionProcess(folder, variant)))
        return self[key]


BOTH = ["cpu", pytest.param("gpu", marks=pytest.mark.slow)]
"""The variants. tests/runtimes/test_interactor.py runs both runtimes in the quick suite."""


@pytest.fixture(scope="module")
def functions(build_from: Callable[[str], Path]) -> Iterator[Functions]:
    """The function for CVAT 2.15 and for 2.60 and newer, in both variants."""
    with ExitStack() as stack:
        yield Functions(build_from, stack)


def send(function: FunctionProcess, body: dict[str, Any]) -> Reply:
    return function.send({"image": IMAGE, **body}, "application/json")


def whole(reply: Reply) -> Array:
    """The mask of a reply of either form, over the whole image."""
    assert judge(reply.body, (480, 640)) == []
    if "mask" in reply.body:
        return np.array(reply.body["mask"])
    (shape,) = reply.body["shapes"]
    crop, left, top = rle.decode(shape["points"])
    mask = np.zeros((480, 640), np.uint8)
    mask[top : top + crop.shape[0], left : left + crop.shape[1]] = crop
    return mask


X, Y = DISC
CLICK = {"pos_points": [[X, Y]], "neg_points": []}
CORNERS = [[60.5, 40.25], [239.75, 219.5]]
PAYLOADS: dict[str, dict[str, Any]] = {
    # 2.15 takes the box out of pos_points itself; without one it sends null.
    "2.15": {**CLICK, "obj_bbox": None},
    "2.15, a box": {"pos_points": [], "neg_points": [], "obj_bbox": CORNERS},
    "2.15, a box drawn backwards": {**CLICK, "obj_bbox": CORNERS[::-1]},
    "2.15, a threshold": {**CLICK, "obj_bbox": None, "threshold": 0.5},
    # 2.40 passes obj_bbox on as its page sends it, which may not mention it at all.
    "2.40": CLICK,
    "2.40, null": {**CLICK, "obj_bbox": None},
    "2.40, a box": {**CLICK, "obj_bbox": CORNERS},
    # 2.73 always sends a list, and what the user typed.
    "2.73": {**CLICK, "obj_bbox": []},
    "2.73, a box": {**CLICK, "obj_bbox": CORNERS},
    "2.73, a box alone": {"pos_points": [], "neg_points": [], "obj_bbox": CORNERS},
    "2.73, words": {**CLICK, "obj_bbox": [], "text_prompts": ["red disc"]},
}


@pytest.mark.parametrize("variant", BOTH)
@pytest.mark.parametrize("cvat", ["2.15", "2.60"])
def test_each_cvat_version_gets_the_clicked_disc(
    functions: Functions, cvat: str, variant: VariantName
) -> None:
    function = functions[cvat, variant]
    for name, payload in PAYLOADS.items():
        reply = send(function, payload)
        assert reply.status == 200, name
        assert set(reply.body) == ({"mask", "points"} if cvat == "2.15" else {"shapes"})
        assert iou(whole(reply), SCENE.shapes["disc"]) >= 0.9, name


def test_older_versions_get_a_mask_and_its_outline(
    functions: Functions,
) -> None:
    body = send(functions["2.15", "cpu"], PAYLOADS["2.15"]).body
    assert len(body["points"]) >= 3
    xs, ys = zip(*body["points"], strict=True)
    assert [min(xs), min(ys), max(xs), max(ys)] == pytest.approx([70, 50, 230, 210], abs=3)


@pytest.mark.parametrize("cvat", ["2.15", "2.60"])
def test_an_empty_result_is_a_valid_reply(functions: Functions, cvat: str) -> None:
    reply = send(functions[cvat, "cpu"], {"pos_points": [[X, Y]], "neg_points": [[X, Y]]})
    assert reply.status == 200
    assert judge(reply.body, (480, 640)) == []
    if cvat == "2.60":
        assert reply.body == {"shapes": []}
    else:
        assert not np.any(reply.body["mask"])
        assert reply.body["points"] == []


def test_the_log_says_whether_the_embedding_was_cached(
    functions: Functions,
) -> None:
    function = functions["2.60", "cpu"]
    other = b64encode(scene((300, 400)).png).decode()
    for expected in ("miss", "hit", "hit"):
        send(function, {**CLICK, "image": other})
        assert function.log[-1].startswith(f"info: 200 answered; embedding: {expected}; look up ")
    send(function, {**CLICK, "text_prompts": ["disc"]})
    assert "; text_prompts: ignored; embedding: " in function.log[-1]


@pytest.mark.parametrize("variant", BOTH)
@pytest.mark.parametrize("cvat", ["2.15", "2.60"])
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"pos_points": None, "obj_bbox": []},
        # The first click is negative, or the only prompt was deleted.
        {"pos_points": [], "neg_points": [[1, 1]], "obj_bbox": []},
        {"pos_points": [], "neg_points": [], "obj_bbox": None},
    ],
)
def test_a_request_without_a_positive_prompt_gets_an_empty_reply(
    functions: Functions, cvat: str, variant: VariantName, body: dict[str, Any]
) -> None:
    reply = send(functions[cvat, variant], body)
    assert reply.status == 200
    assert judge(reply.body, (480, 640)) == []
    empty = {"shapes": []} if cvat == "2.60" else {"mask": [[0] * 640] * 480, "points": []}
    assert reply.body == empty
    assert "empty reply: 0 of 1 positive points" in functions[cvat, variant].log[-1]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"pos_points": [[5000, 5000]]}, "pos_points[0]: is far outside of the image"),
        ({"pos_points": [[-200, 10]]}, "pos_points[0]: is far outside of the image"),
        ({**CLICK, "neg_points": [[1e9, 0]]}, "neg_points[0]: is far outside of the image"),
        ({"pos_points": [["150", "130"]]}, "pos_points[0]: has a coordinate that is not a number"),
        ({"pos_points": "150,130"}, "pos_points: must be a list of points"),
        ({"pos_points": [[150]]}, "pos_points[0]: must be a point"),
        ({"pos_points": [150, 130]}, "pos_points[0]: must be a point"),
        ({"pos_points": [[float("nan"), 1]]}, "pos_points[0]: has a coordinate that is not"),
        ({"pos_points": [[True, False]]}, "pos_points[0]: has a coordinate that is not a number"),
        ({"pos_points": [[1, 2]] * 10_000}, "pos_points: has too many points; found: 10000"),
        ({**CLICK, "obj_bbox": [1, 2, 3]}, "obj_bbox: must be four numbers per box"),
        ({**CLICK, "obj_bbox": [[1, 2]]}, "obj_bbox: must be two corners per box"),
        ({**CLICK, "obj_bbox": [[9, 9], [9, 9]]}, "obj_bbox: the box has no area inside"),
        ({**CLICK, "obj_bbox": "all"}, "obj_bbox: must be a list of points"),
        ({**CLICK, "threshold": "high"}, "threshold: must be a number from 0 to 1"),
        ({**CLICK, "image": "?"}, "image: is not base64"),
        ({**CLICK, "image": None}, "image: must be the base64 text of an image file"),
    ],
)
def test_bad_prompts_get_400_with_a_reason(
    functions: Functions, body: dict[str, Any], reason: str
) -> None:
    function = functions["2.60", "cpu"]
    reply = send(function, body)
    assert reply.status == 400
    assert reply.body["error"].startswith(reason)
    assert function.log[-1].startswith("info: 400 bad request: ")


@pytest.mark.slow
def test_a_missing_box_gets_an_empty_reply_if_a_box_is_required(
    build_from: Callable[[str], Path],
) -> None:
    folder = build_from(MANIFEST.replace("CVAT", "2.60").replace("BOX", "always"))
    function = FunctionProcess(folder, "cpu")
    reply = send(function, PAYLOADS["2.73"])
    assert (reply.status, reply.body) == (200, {"shapes": []})
    assert "empty reply: no box" in function.log[-1]
    assert iou(whole(send(function, PAYLOADS["2.73, a box"])), SCENE.shapes["disc"]) >= 0.9
