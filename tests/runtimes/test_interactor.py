import json
from base64 import b64encode
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import orjson
import pytest

from runtimes import image, rle
from runtimes.arrays import Array, Size
from runtimes.backends.onnxruntime_cuda import OnnxRuntime
from runtimes.backends.openvino_cpu import OpenVino
from runtimes.backends.session import Backend
from runtimes.clock import Clock
from runtimes.errors import BadModel, BadRequest
from runtimes.interactor import Interactor, OpenInteractor
from runtimes.network import Network
from runtimes.preprocess.resize import Letterbox, Resize
from runtimes.preprocess.values import Channels, Layout, Normalize
from runtimes.prompted import Prompted
from runtimes.refine.clean import FillHoles, LargestComponent, Smooth
from runtimes.segmenters.points import ImageAndPoints
from runtimes.segmenters.sam import Sam
from runtimes.segmenters.sam2 import Sam2
from runtimes.signature import Signature
from runtimes.step import Refine
from tests.grids import grid
from tests.scenes import Scene, iou, scene

BACKENDS: list[Backend] = [OpenVino(), OnnxRuntime(device="cpu")]
both_backends = pytest.mark.parametrize("backend", BACKENDS, ids=["openvino", "onnxruntime"])

VALUES = (
    Channels("rgb"),
    Normalize(1, (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
    Layout("nchw"),
)
PADDED = (Letterbox(1024, (124, 116, 104), "top_left"), *VALUES)
STRETCHED = (Resize(1024), *VALUES)

Layout_ = tuple[Prompted, str, str | None, tuple[Any, ...]]
LAYOUTS: dict[str, Layout_] = {
    "sam": (Sam(), "sam-encoder", "sam", PADDED),
    "sam, one mask": (Sam(), "sam-encoder", "sam-single", PADDED),
    "sam, large masks": (Sam(), "sam-encoder", "sam-large", PADDED),
    "sam-hq": (Sam(), "hq-encoder", "hq", PADDED),
    "sam2": (Sam2(), "sam2-encoder", "sam2", STRETCHED),
    "one model": (ImageAndPoints(), "only", None, (Resize(512), *VALUES)),
}


def start(
    backend: Backend,
    folder: Path,
    layout: str = "sam",
    *refinements: Refine,
    masks: Literal["best", "all"] = "best",
    **fields: Any,
) -> OpenInteractor:
    """An interactor with one of the networks that segment the clicked shape."""
    step, encoder, decoder, preprocess = LAYOUTS[layout]
    # Bound to ONNX Runtime's signatures of the files, as in the builder.
    runtime = OnnxRuntime(device="cpu")
    seen: Signature = runtime.open(folder / f"{encoder}.onnx").signature
    if decoder is None:
        bound = type(step)(masks=masks).bind(seen, None)
        image = "batched_images"
    else:
        taking = runtime.open(folder / f"{decoder}.onnx").signature
        bound, image = type(step)(masks=masks).bind(taking, seen), "image"
    return Interactor(
        network=Network(f"{encoder}.onnx", image, preprocess),
        decoder=f"{decoder}.onnx" if decoder else None,
        segmenter=bound,
        refine=refinements,
        **{"threshold": 0.0, "box": "optional", **fields},
    ).start(backend, folder)


STARTED: dict[str, OpenInteractor] = {}


def shared(backend: Backend, folder: Path, *steps: Any, **fields: Any) -> OpenInteractor:
    """A shared interactor, for tests that do not depend on its cache."""
    name = repr((backend, folder, steps, sorted(fields.items())))
    if name not in STARTED:
        STARTED[name] = start(backend, folder, *steps, **fields)
    return STARTED[name]


def text_of(shown: Scene) -> str:
    return b64encode(shown.png).decode()


def ask(interactor: OpenInteractor, shown: Scene, **request: Any) -> Any:
    """The reply after a round trip through JSON."""
    request = {"pos_points": [], "neg_points": [], "obj_bbox": None, **request}
    return json.loads(orjson.dumps(interactor({"image": text_of(shown), **request}, Clock())))


def masks_of(reply: Any, size: Size) -> list[Array]:
    """The masks of a reply in the newer form, (H, W) each."""
    found = []
    for shape in reply["shapes"]:
        assert shape["type"] == "mask"
        crop, left, top = rle.decode(shape["points"])
        whole = np.zeros(size, np.uint8)
        whole[top : top + crop.shape[0], left : left + crop.shape[1]] = crop
        found.append(whole)
    return found


@grid(("backend", BACKENDS), ("layout", LAYOUTS), pairs=False)
def test_a_click_on_a_shape_returns_that_shape(
    backend: Backend, click_models: Path, layout: str
) -> None:
    interactor = shared(backend, click_models, layout)
    sizes = [(480, 640), (900, 600)] if layout in ("sam", "sam2") else [(480, 640)]
    for size in sizes:
        shown = scene(size)
        for name, truth in shown.shapes.items():
            reply = ask(interactor, shown, pos_points=[shown.inside[name]])
            (found,) = masks_of(reply, size)
            assert iou(found, truth) >= 0.9, name


@both_backends
def test_two_positive_points_return_two_shapes_and_a_negative_point_removes_one(
    backend: Backend, click_models: Path
) -> None:
    interactor, shown = shared(backend, click_models), scene()
    disc, bar, ring = (shown.inside[name] for name in ("disc", "bar", "ring"))
    (both,) = masks_of(ask(interactor, shown, pos_points=[disc, bar]), (480, 640))
    assert iou(both, shown.shapes["disc"] | shown.shapes["bar"]) >= 0.9
    # Disc and bar are of one color: a negative click on the ring changes nothing, one on the bar
    # takes away all that looks like it.
    (same,) = masks_of(ask(interactor, shown, pos_points=[disc], neg_points=[ring]), (480, 640))
    assert iou(same, shown.shapes["disc"]) >= 0.9
    (left,) = masks_of(
        ask(interactor, shown, pos_points=[disc, ring], neg_points=[bar]), (480, 640)
    )
    assert iou(left, shown.shapes["ring"]) >= 0.85
    assert iou(left, shown.shapes["disc"]) < 0.2


@both_backends
@pytest.mark.parametrize("layout", ["sam", "sam2"])
@pytest.mark.parametrize(
    "box", [[[60, 40], [240, 220]], [60, 40, 240, 220], [[240, 220], [60, 40]]]
)
def test_a_box_returns_the_object_inside_it(
    backend: Backend, click_models: Path, layout: str, box: Any
) -> None:
    shown = scene()
    (found,) = masks_of(ask(shared(backend, click_models, layout), shown, obj_bbox=box), (480, 640))
    assert iou(found, shown.shapes["disc"]) >= 0.9


@both_backends
def test_several_boxes_return_a_mask_each(backend: Backend, click_models: Path) -> None:
    shown = scene()
    boxes = [[60, 40], [240, 220], [370, 270], [590, 450]]
    reply = ask(shared(backend, click_models), shown, obj_bbox=boxes)
    found = masks_of(reply, (480, 640))
    assert len(found) == 2
    for name in ("disc", "triangle"):
        assert max(iou(mask, shown.shapes[name]) for mask in found) >= 0.9


def test_the_newer_reply_is_a_list_of_masks_with_scores_as_text(click_models: Path) -> None:
    shown = scene()
    reply = ask(shared(BACKENDS[1], click_models), shown, pos_points=[shown.inside["disc"]])
    assert set(reply) == {"shapes"}
    (shape,) = reply["shapes"]
    assert set(shape) == {"type", "points", "attributes"}
    (attribute,) = shape["attributes"]
    assert set(attribute) == {"spec_id", "value"}
    assert attribute["spec_id"] == 0
    assert isinstance(attribute["value"], str)
    assert 0.9 < float(attribute["value"]) <= 1
    assert all(type(number) is int for number in shape["points"])


@grid(("backend", BACKENDS), ("size", [(480, 640), (333, 250)]), pairs=False)
def test_the_older_reply_is_a_mask_of_the_images_size(
    backend: Backend, click_models: Path, size: Size
) -> None:
    shown = scene(size)
    interactor = shared(backend, click_models, reply="mask")
    for name in ("disc", "ring"):
        reply = ask(interactor, shown, pos_points=[shown.inside[name]])
        assert set(reply) == {"mask", "points"}
        mask = np.array(reply["mask"])
        assert mask.shape == size
        assert set(np.unique(mask)) == {0, 1}
        assert iou(mask, shown.shapes[name]) >= 0.9
    outline = np.array(reply["points"])
    filled = np.zeros(size, np.uint8)
    cv2.fillPoly(filled, [np.round(outline - 0.5).astype(np.int32)], 1)
    outer, _ = cv2.findContours(
        shown.shapes["ring"].astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    whole = cv2.fillPoly(np.zeros(size, np.uint8), outer, 1)
    assert iou(filled, np.asarray(whole)) >= 0.9


def test_both_replies_have_the_same_pixels(click_models: Path) -> None:
    shown = scene()
    asked = {"pos_points": [shown.inside["triangle"]]}
    new = ask(shared(BACKENDS[1], click_models), shown, **asked)
    old = ask(shared(BACKENDS[1], click_models, reply="mask"), shown, **asked)
    assert masks_of(new, (480, 640))[0].tolist() == old["mask"]


def test_the_older_reply_unites_the_objects_of_several_boxes(click_models: Path) -> None:
    shown = scene()
    boxes = [[60, 40], [240, 220], [370, 270], [590, 450]]
    interactor = shared(BACKENDS[1], click_models, reply="mask", masks="all")
    mask = np.array(ask(interactor, shown, obj_bbox=boxes)["mask"])
    assert iou(mask, shown.shapes["disc"] | shown.shapes["triangle"]) >= 0.9


@pytest.mark.parametrize(
    ("reply", "nothing"),
    [("shapes", {"shapes": []}), ("mask", {"mask": [[0] * 640] * 480, "points": []})],
)
def test_a_request_without_a_result_is_answered(
    click_models: Path, reply: str, nothing: Any
) -> None:
    shown = scene()
    point = shown.inside["disc"]
    interactor = shared(BACKENDS[1], click_models, reply=reply)
    assert ask(interactor, shown, pos_points=[point], neg_points=[point]) == nothing
    # Masks of which the model is less sure than the threshold are not offered.
    sure = shared(BACKENDS[1], click_models, reply=reply, threshold=1.0)
    assert ask(sure, shown, pos_points=[point]) == nothing
    assert ask(interactor, shown, pos_points=[point], threshold=1) == nothing
    assert ask(sure, shown, pos_points=[point], threshold=0.5) != nothing


def test_all_masks_are_returned_highest_score_first(click_models: Path) -> None:
    shown = scene()
    interactor = shared(BACKENDS[1], click_models, masks="all")
    reply = ask(interactor, shown, pos_points=[shown.inside["disc"]])
    scores = [float(shape["attributes"][0]["value"]) for shape in reply["shapes"]]
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)


def test_refinements_are_applied(click_models: Path) -> None:
    shown = scene()
    bare, steps = (
        ask(
            shared(BACKENDS[1], click_models, "sam", *it), shown, pos_points=[(460, 58), (150, 130)]
        )
        for it in ((), (LargestComponent(), FillHoles(100_000), Smooth(3)))
    )
    (first,), (second,) = masks_of(bare, (480, 640)), masks_of(steps, (480, 640))
    assert iou(first, shown.shapes["ring"] | shown.shapes["disc"]) >= 0.9
    y, x = np.mgrid[:480, :640] + 0.5
    assert iou(second, np.hypot(x - 460, y - 130) < 100) >= 0.95


def logged(interactor: OpenInteractor, text: str, **request: Any) -> str:
    clock = Clock()
    interactor({"image": text, "pos_points": [[150, 130]], **request}, clock)
    return str(clock)


@grid(("backend", BACKENDS), ("layout", ["sam", "one model"]), pairs=False)
def test_a_second_click_on_an_image_uses_the_cached_embedding(
    backend: Backend, click_models: Path, layout: str
) -> None:
    interactor = start(backend, click_models, layout)
    one, other = scene(), scene((300, 400))
    replies = [
        ask(interactor, shown, pos_points=[shown.inside["disc"]])
        for shown in (one, other, one, other)
    ]
    assert replies[0] == replies[2]
    assert replies[1] == replies[3]
    third = scene((200, 400))
    first = logged(interactor, text_of(third))
    assert first.startswith("embedding: miss; look up ")
    assert "preprocess" in first
    second = logged(interactor, text_of(third))
    assert second.startswith("embedding: hit; look up ")
    assert not {"decode ", "preprocess", "inference"} & {it.split()[0] for it in second.split(", ")}
    assert (", inference " in first) == (layout == "sam")


def test_a_cached_image_is_not_decoded_again(
    click_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interactor, text = start(BACKENDS[1], click_models), text_of(scene())
    logged(interactor, text)

    def refuse(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr("runtimes.image.decode", refuse)
    logged(interactor, text)
    with pytest.raises(AssertionError):
        logged(interactor, text_of(scene((300, 400))))


def test_invalid_prompts_are_refused_before_the_encoder_runs(click_models: Path) -> None:
    interactor, text = start(BACKENDS[1], click_models), text_of(scene())
    clock = Clock()
    with pytest.raises(BadRequest):
        interactor({"image": text, "pos_points": [[5000, 5000]]}, clock)
    assert "inference" not in clock.stages
    # It was not remembered either.
    assert logged(interactor, text).startswith("embedding: miss")


def test_text_prompts_are_ignored_and_logged(click_models: Path) -> None:
    interactor, shown = start(BACKENDS[1], click_models), scene()
    with_words = logged(interactor, text_of(shown), text_prompts=["a disc"])
    assert with_words.startswith("text_prompts: ignored; embedding: miss; ")
    assert "text_prompts" not in logged(interactor, text_of(shown), text_prompts=[])
    point = {"pos_points": [shown.inside["disc"]]}
    assert ask(interactor, shown, **point, text_prompts=["x"]) == ask(interactor, shown, **point)


@pytest.mark.parametrize(
    ("fields", "request_", "where", "what"),
    [
        (
            {"box": "never"},
            {"pos_points": [[1, 1]], "obj_bbox": [0, 0, 9, 9]},
            "obj_bbox",
            "this function does not take a box",
        ),
        ({}, {"neg_points": [[1, "2"]]}, "neg_points[0]", "not a number"),
        ({}, {"neg_points": [[1, 1]], "image": None}, "image", "must be the base64 text"),
        ({}, {"neg_points": [[1, 1]], "image": "aGVsbG8="}, "image", "is not an image"),
        ({}, {"pos_points": [[1000, 1]]}, "pos_points[0]", "is far outside of the image"),
        ({}, {"pos_points": [["1", "2"]]}, "pos_points[0]", "not a number"),
        ({}, {"pos_points": [[1, 2]] * 10_000}, "pos_points", "has too many points"),
        ({}, {"pos_points": [[1, 1]], "threshold": 2}, "threshold", "must be a number from 0"),
        ({}, {"pos_points": [[1, 1]], "image": None}, "image", "must be the base64 text"),
        ({}, {"pos_points": [[1, 1]], "image": "aGVsbG8="}, "image", "is not an image"),
        ({}, {"pos_points": [[1, 1]], "image": "\ud800"}, "image", "is not base64"),
    ],
)
def test_bad_prompts_are_refused_with_a_reason(
    click_models: Path, fields: Any, request_: Any, where: str, what: str
) -> None:
    interactor = shared(BACKENDS[1], click_models, **fields)
    with pytest.raises(BadRequest) as caught:
        interactor({"image": text_of(scene()), **request_}, Clock())
    assert caught.value.where == where
    assert what in caught.value.what


LACKING: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({}, {}, "0 of 1 positive points"),
    ({}, {"obj_bbox": []}, "0 of 1 positive points"),
    ({}, {"neg_points": [[1, 1]], "obj_bbox": None}, "0 of 1 positive points"),
    ({}, {"neg_points": [[5000, 1]]}, "0 of 1 positive points"),
    ({"min_pos_points": 0}, {"neg_points": [[1, 1]]}, "0 of 1 positive points"),
    ({"min_pos_points": 4}, {"pos_points": [[1, 1]] * 3}, "3 of 4 positive points"),
    ({"box": "always"}, {"pos_points": [[1, 1]]}, "no box"),
    ({"box": "always"}, {"pos_points": [[1, 1]], "obj_bbox": []}, "no box"),
]
"""Fields of the function, prompts of the request, what the log says."""


@both_backends
@pytest.mark.parametrize("reply", ["shapes", "mask"])
def test_a_request_without_required_prompts_gets_an_empty_reply(
    backend: Backend, click_models: Path, reply: str
) -> None:
    shown = scene((300, 400))
    # 2.15 and newer versions need a mask as large as the image.
    empty = {"shapes": []} if reply == "shapes" else {"mask": [[0] * 400] * 300, "points": []}
    for fields, prompts, lacking in LACKING:
        interactor = shared(backend, click_models, reply=reply, **fields)
        clock = Clock()
        found = interactor({"image": text_of(shown), **prompts}, clock)
        assert json.loads(orjson.dumps(found)) == empty
        assert clock.notes == [f"empty reply: {lacking}"]
        assert not {"inference", "preprocess", "decoder"} & set(clock.stages)


def test_an_empty_reply_for_a_known_image_decodes_nothing(click_models: Path) -> None:
    interactor, shown = start(BACKENDS[1], click_models, reply="mask"), scene((300, 400))
    ask(interactor, shown, pos_points=[[150, 130]])
    clock = Clock()
    reply = interactor({"image": text_of(shown), "neg_points": [[1, 1]]}, clock)
    assert clock.stages == {}
    assert np.array(json.loads(orjson.dumps(reply))["mask"]).shape == (300, 400)


def test_a_box_replaces_the_minimum_number_of_points(click_models: Path) -> None:
    interactor = shared(BACKENDS[1], click_models, min_pos_points=3)
    assert ask(interactor, scene(), obj_bbox=[60, 40, 240, 220])["shapes"]


def test_the_description_lists_input_prompts_and_threshold(click_models: Path) -> None:
    interactor = shared(BACKENDS[1], click_models, threshold=0.5, min_pos_points=2)
    assert interactor.describe() == (
        "input image [1, 3, 1024, 1024] float32; at least 2 points; box optional; threshold 0.5"
    )
    assert interactor.session.device.startswith("ONNX Runtime")
    assert interactor.session.warning == ""


@pytest.mark.parametrize(
    ("decoder", "what"),
    [("absent.onnx", "is missing"), ("sam-encoder.onnx", "has no input called")],
)
def test_a_decoder_that_does_not_fit_fails_the_start(
    click_models: Path, decoder: str, what: str
) -> None:
    network = Network("sam-encoder.onnx", "image", PADDED)
    signature = OnnxRuntime(device="cpu").open(click_models / "sam.onnx").signature
    seen = OnnxRuntime(device="cpu").open(click_models / "sam-encoder.onnx").signature
    step = Sam().bind(signature, seen)
    with pytest.raises(BadModel, match=what):
        Interactor(0.0, network, decoder, step).start(BACKENDS[1], click_models)


@both_backends
def test_an_examination_returns_scores_and_areas_of_all_masks(
    backend: Backend, click_models: Path
) -> None:
    shown = scene((480, 640))
    interactor = shared(backend, click_models, masks="all", threshold=1.0)
    examined = interactor.examine(image.pixels(shown.png))
    reply = ask(interactor, shown, pos_points=[[320, 240]], threshold=0)
    assert examined["image"].tolist() == [480, 640]
    areas = [mask.sum() for mask in masks_of(reply, (480, 640))]
    assert [area for area in examined["areas"].tolist() if area] == areas
    assert len(examined["scores"]) == len(examined["areas"])
