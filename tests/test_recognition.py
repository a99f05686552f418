"""From a model file to an answer without an edit: init, build, predict, for every family."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from builder.diagnostics.errors import ModelError
from builder.families.init import ManifestDraft, draft_manifest, write_manifest
from builder.lint.examine import plan
from builder.manifest.variants import VARIANTS, VariantName
from builder.run.judge.detector import judge
from builder.run.smoke import smoke_test
from builder.targets.build import build
from tests import zoo
from tests.builder.models import yolo_model
from tests.local_function import LocalFunction
from tests.paths import ROOT
from tests.zoo import BOX, SCORE, Maker

MODELS = ROOT / "manifests" / "models"
LETTERBOX, STRETCH = ("letterbox", "normalize"), ("resize", "normalize")
OPENCV = ("resize", "channels")


@dataclass(frozen=True)
class Known:
    """What must come of a model.

    Attributes:
        make: writes it.
        decoder: the first step after it.
        preprocess: the steps before it.
        found: label, type and x1 y1 x2 y2 of the one thing that it finds.
        score: of that.
        size: height and width of the image, which is as large as the model's input.
        slack: how far the box may be off: masks have whole pixels.
    """

    make: Maker
    decoder: str
    preprocess: tuple[str, ...]
    found: tuple[str, str, tuple[float, ...]]
    score: float = SCORE
    size: tuple[int, int] = (64, 64)
    slack: float = 0.05


RECTANGLE = ("class_1", "rectangle", BOX)
DOG = ("dog", "rectangle", BOX)
CLASSES = {
    "yolov8": Known(zoo.yolov8, "yolo", LETTERBOX, RECTANGLE),
    "yolov8-metadata": Known(
        lambda path: yolo_model(path, rows=[(32, 16, 32, 16, 1, SCORE)]), "yolo", LETTERBOX, DOG
    ),
    "yolov8-open": Known(zoo.yolov8_open, "yolo", LETTERBOX, DOG),
    "yolov8-obb": Known(zoo.yolov8_obb, "yolo_obb", LETTERBOX, RECTANGLE, slack=0.1),
    "yolov8-segment": Known(
        zoo.yolov8_segment, "yolo_segment", LETTERBOX, ("class_1", "polygon", BOX), slack=1.01
    ),
    "yolov8-pose": Known(
        zoo.yolov8_pose, "yolo_pose", LETTERBOX, ("class_0", "skeleton", (20, 10, 20, 10))
    ),
    "yolov5": Known(zoo.yolov5, "yolo_objectness", LETTERBOX, RECTANGLE),
    "yolov6": Known(zoo.yolov6, "yolo_objectness", LETTERBOX, RECTANGLE),
    "yolox": Known(zoo.yolox, "yolox", ("letterbox", "channels"), RECTANGLE),
    "yolov7-nms": Known(zoo.yolov7_nms, "yolo_end2end", LETTERBOX, RECTANGLE),
    "yolov10": Known(zoo.end2end, "yolo_end2end", LETTERBOX, DOG),
    "nms-segment": Known(
        zoo.end2end_segment, "yolo_end2end_segment", LETTERBOX, ("dog", "polygon", BOX), slack=1.01
    ),
    "nms-obb": Known(zoo.end2end_obb, "yolo_end2end_obb", LETTERBOX, DOG),
    "yolov5-heads": Known(
        # Cell 4, 2 of stride 8: its centre is 36, 20, its anchor 10 x 13.
        *(zoo.yolov5_heads, "yolo_anchors", LETTERBOX),
        ("class_1", "rectangle", (31, 13.5, 41, 26.5)),
        1,
    ),
    "nanodet": Known(
        # From 16, 16: 0 cells left, 1 up, 4 right, 1 down, of 8 pixels each.
        *(zoo.nanodet, "nanodet", ("resize", "channels", "normalize"), RECTANGLE),
    ),
    "detr": Known(zoo.detr, "detr", STRETCH, RECTANGLE, 1),
    "rtdetr": Known(zoo.rtdetr, "rtdetr", STRETCH, RECTANGLE),
    "rfdetr": Known(zoo.rfdetr, "rtdetr", STRETCH, RECTANGLE),
    "rtdetr-ultralytics": Known(zoo.rtdetr_concat, "rtdetr_concat", STRETCH, DOG),
    "ssd": Known(zoo.ssd, "ssd", OPENCV, RECTANGLE),
    "mask-rcnn-openvino": Known(
        zoo.mask_rcnn_openvino,
        "mask_rcnn_openvino",
        OPENCV,
        ("class_1", "polygon", BOX),
        slack=1.01,
    ),
    "openvino-boxes": Known(zoo.openvino_boxes, "openvino_boxes", OPENCV, RECTANGLE),
    "efficient-nms": Known(zoo.efficient_nms, "efficient_nms", LETTERBOX, RECTANGLE),
    "torchvision": Known(zoo.torchvision, "torchvision", ("normalize",), RECTANGLE, 0.7),
    "mmdeploy": Known(zoo.mmdeploy, "mmdeploy", ("letterbox", "channels", "normalize"), RECTANGLE),
    "semantic": Known(
        zoo.semantic, "semantic", STRETCH, ("class_2", "mask", (16, 8, 47, 23)), 1, slack=1.01
    ),
    "semantic-numbers": Known(
        zoo.semantic_numbers, "semantic", STRETCH, ("class_2", "mask", (16, 8, 47, 23)), 1
    ),
    "u2net": Known(zoo.u2net, "saliency", STRETCH, ("foreground", "mask", (16, 8, 47, 23)), 1),
    "selfie": Known(zoo.selfie, "saliency", STRETCH, ("foreground", "mask", (16, 8, 47, 23)), 1),
    "pixellink": Known(
        # Cells 2 to 13 and 2 to 11, of 4 pixels each; a pixel of the image has its nearest cell.
        *(zoo.pixellink, "pixellink", OPENCV, ("text", "mask", (8, 8, 55, 47)), 1),
        slack=1.01,
    ),
    "hrnet": Known(
        # Cell 6, 4 of 4 pixels; neighbours are equal, so nothing is shifted.
        *(zoo.hrnet, "heatmap", LETTERBOX, ("person", "skeleton", (24, 16, 24, 16))),
        size=(64, 48),
    ),
    "rtmpose": Known(
        *(zoo.rtmpose, "simcc", LETTERBOX, ("person", "skeleton", (20, 30, 20, 30))),
        size=(64, 48),
    ),
    "movenet": Known(
        zoo.movenet, "movenet", ("letterbox",), ("person", "skeleton", (16, 32, 16, 32))
    ),
    "movenet-multi": Known(
        zoo.movenet_multi, "movenet_multi", ("letterbox",), ("person", "skeleton", (16, 32, 16, 32))
    ),
    "classifier-logits": Known(
        # exp(9) / (exp(9) + 9)
        *(zoo.classifier, "classify", ("center_crop", "normalize"), ("class_4", "tag", ())),
        0.99889,
    ),
    "classifier-softmax": Known(
        *(zoo.classifier_softmax, "classify", ("center_crop", "normalize"), ("class_4", "tag", ())),
        0.9,
    ),
}


_NO_COUNT = "the number of classes is unknown; 80 labels are written"
_BACKGROUND = "class 0 is assumed to be the background, and gets no label"
_UNSAID = {
    "yolov7-nms": _NO_COUNT,
    "ssd": _NO_COUNT,
    "openvino-boxes": _NO_COUNT,
    "efficient-nms": _NO_COUNT,
    "mmdeploy": _NO_COUNT,
    "semantic": _BACKGROUND,
    "semantic-numbers": _BACKGROUND,
}
"""What a person must be told to look at: finished rows hide how many classes there are."""


@cache
def drafted(folder: Path, name: str) -> ManifestDraft:
    """A model of the table with its manifest."""
    file = CLASSES[name].make(folder / f"{name}.onnx")
    result = draft_manifest([file], folder)
    write_manifest(result.text, folder / f"{name}.yaml", force=False)
    return result


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("zoo")


@pytest.mark.parametrize("name", CLASSES)
def test_the_family_and_its_preprocessing_are_recognized(folder: Path, name: str) -> None:
    known = CLASSES[name]
    result = drafted(folder, name)
    match = result.ranking.matches[0]
    assert result.ranking.sureness in ("certain", "sure", "likely"), result.ranking.rivals
    assert match.postprocess[0].name == known.decoder
    assert tuple(entry.name for entry in match.preprocess) == known.preprocess
    told = [note.what for note in result.notes]
    assert told == ([_UNSAID[name]] if name in _UNSAID else [])


@cache
def built(folder: Path, name: str) -> Path:
    """The function that a model's manifest makes, unedited."""
    drafted(folder, name)
    planned = plan(folder / f"{name}.yaml")
    return build(planned, folder / "build", force=False).folder


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", CLASSES)
def test_the_manifest_builds_and_finds_what_is_known_without_an_edit(
    folder: Path, name: str, variant: VariantName
) -> None:
    known = CLASSES[name]
    function = LocalFunction(built(folder, name), variant)
    _, data = cv2.imencode(".png", np.full((*known.size, 3), 77, np.uint8))
    reply = function(data.tobytes())
    assert reply.status == 200, reply.text
    assert judge(reply.body, function.labels) == []
    (item,) = reply.body
    label, kind, box = known.found
    assert (item["label"], item["type"]) == (label, kind)
    assert around(item) == pytest.approx(box, abs=known.slack)
    assert item["confidence"] == pytest.approx(
        known.score, abs=0.12 if known.score == 0.7 else 0.002
    )


def around(item: dict[str, Any]) -> tuple[float, ...]:
    """x1 y1 x2 y2 around an item; of a mask, the first and last column and row."""
    if item["type"] == "tag":
        return ()
    if item["type"] == "mask":
        return tuple(item["mask"][-4:])
    if item["type"] == "skeleton":
        points = [element["points"] for element in item["elements"]]
        xs, ys = zip(*points, strict=True)
        return min(xs), min(ys), max(xs), max(ys)
    points = item["points"]
    xs, ys = points[0::2], points[1::2]
    return min(xs), min(ys), max(xs), max(ys)


AMBIGUOUS: dict[str, tuple[Maker, set[str]]] = {
    "three classes, or two and an angle": (
        zoo.three_classes_or_two_turned,
        {"yolo", "yolo_obb"},
    ),
    "logits of DETR or of RT-DETR": (zoo.logits_and_boxes, {"detr", "rtdetr"}),
    "a vector, or 512 classes": (zoo.vector_or_classes, {"classify", "embedding"}),
    "logits or probabilities": (zoo.scores_or_logits, {"classify"}),
    "keypoints or classes": (zoo.square_maps, {"heatmap", "semantic"}),
    "YOLOv3 or YOLOv4": (zoo.darknet_heads, {"yolo_anchors"}),
    "CenterNet or YOLO": (zoo.centernet, {"yolo_end2end"}),
    "text or objects": (zoo.any_size_map, {"dbnet", "saliency"}),
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_where_two_families_fit_it_says_so_and_lists_both(tmp_path: Path, name: str) -> None:
    make, decoders = AMBIGUOUS[name]
    file = make(tmp_path / "model.onnx")
    result = draft_manifest([file], tmp_path)
    ranking = result.ranking
    assert ranking.sureness == "unsure"
    assert ranking.rivals
    candidates = (ranking.matches[0], *ranking.rivals)
    assert {match.postprocess[0].name for match in candidates} == decoders
    assert any("ambiguous" in note.what for note in result.notes)
    for rival in ranking.rivals:
        assert f"# {rival.name}" in result.text
    # The likeliest is written all the same, and can be built.
    if ranking.matches[0].type == "detector":
        write_manifest(result.text, tmp_path / "model.yaml", force=False)
        assert plan(tmp_path / "model.yaml").name == "model"


SHIPPED = {
    "shapes-detect": ("yolo", "certain"),
    "shapes-segment": ("yolo_segment", "certain"),
    "shapes-pose": ("yolo_pose", "certain"),
    "shapes-obb": ("yolo_obb", "certain"),
    "shapes-semantic": ("semantic", "certain"),
    "shapes-tags": ("classify", "certain"),
    "shapes-rcnn": ("torchvision", "sure"),
}


@cache
def shipped(folder: Path, name: str) -> Path:
    """The function of a shipped model, by a manifest of its own."""
    result = draft_manifest([MODELS / f"{name}.onnx"], folder)
    assert (result.ranking.matches[0].postprocess[0].name, result.ranking.sureness) == SHIPPED[name]
    write_manifest(result.text, folder / f"{name}.yaml", force=False)
    planned = plan(folder / f"{name}.yaml")
    return build(planned, folder / "build", force=False).folder


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_models_find_shapes_on_the_photo_without_an_edit(
    folder: Path, name: str, variant: VariantName, shapes: ModuleType
) -> None:
    function = LocalFunction(shipped(folder, name), variant)
    photo = (MODELS.parent.parent / "docs" / "shapes.jpg").read_bytes()
    if name == "shapes-obb":
        _, png = cv2.imencode(".png", shapes.scene(7, classes=(shapes.BAR,)).image)
        photo = png.tobytes()
    reply = function(photo)
    assert reply.status == 200
    assert judge(reply.body, function.labels) == []
    assert reply.body


def test_real_weights_of_yolov8_are_recognized_and_find_a_face(
    nudenet: Path, tmp_path: Path
) -> None:
    from skimage import data

    result = draft_manifest([nudenet], tmp_path)
    assert result.ranking.sureness == "certain"
    assert result.ranking.matches[0].postprocess[0].name == "yolo"
    write_manifest(result.text, tmp_path / "nudenet.yaml", force=False)
    folder = build(plan(tmp_path / "nudenet.yaml"), tmp_path, force=False).folder
    _, png = cv2.imencode(".png", data.astronaut()[:, :, ::-1])
    (face,) = LocalFunction(folder, "cpu")(png.tobytes()).body
    assert face["label"] == "FACE_FEMALE"
    # Where a person sees the face.
    assert face["points"] == pytest.approx([173, 83, 274, 180], abs=6)


def test_real_weights_of_a_dbnet_are_recognized_and_find_text(tmp_path: Path) -> None:
    (model,) = plan(MODELS.parent / "text.yaml").models
    result = draft_manifest([model.files[model.name]], tmp_path)
    assert result.ranking.sureness == "sure"
    assert result.ranking.matches[0].postprocess[0].name == "dbnet"
    write_manifest(result.text, tmp_path / "text.yaml", force=False)
    folder = build(plan(tmp_path / "text.yaml"), tmp_path, force=False).folder
    page = np.full((200, 600, 3), 255, np.uint8)
    cv2.putText(page, "Some words", (100, 120), cv2.FONT_HERSHEY_SIMPLEX, 2, (0, 0, 0), 4)
    _, png = cv2.imencode(".png", page)
    items = LocalFunction(folder, "cpu")(png.tobytes()).body
    assert items
    left, top, right, bottom = np.array([around(item) for item in items]).T
    assert 60 < left.min() < 110 < 400 < right.max() < 560
    assert 40 < top.min() < 90 < 115 < bottom.max() < 160


PAIRS: dict[str, tuple[Maker, Maker, str, str, list[str]]] = {
    "sam": (zoo.sam_encoder, zoo.sam_decoder, "interactor", "sam", ["letterbox", "normalize"]),
    "sam2": (zoo.sam2_encoder, zoo.sam2_decoder, "interactor", "sam2", ["resize", "normalize"]),
    "nanotrack": (zoo.crop_encoder, zoo.crop_head, "tracker", "siamrpn", ["channels"]),
}


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("name", PAIRS)
def test_encoder_and_decoder_are_told_apart_in_any_order(
    tmp_path: Path, name: str, backwards: bool
) -> None:
    encoder, decoder, kind, step, preprocess = PAIRS[name]
    files = [encoder(tmp_path / "pair_encoder.onnx"), decoder(tmp_path / "pair_decoder.onnx")]
    result = draft_manifest(files[::-1] if backwards else files, tmp_path)
    assert result.ranking.sureness == "sure"
    data = yaml.safe_load(result.text)
    assert (data["name"], data["type"]) == ("pair", kind)
    assert (data["encoder"], data["decoder"]) == ("pair_encoder.onnx", "pair_decoder.onnx")
    assert "labels" not in data
    assert "model" not in data
    assert named(data["postprocess"])[0] == step
    assert named(data["preprocess"]) == preprocess


def named(steps: list[Any]) -> list[str]:
    """The names of a manifest's steps."""
    return [step if isinstance(step, str) else next(iter(step)) for step in steps]


TRACKERS = {
    "transt": zoo.compared(pred_logits=(1, 64, 2), pred_boxes=(1, 64, 4)),
    "ostrack": zoo.compared(score=(1, 1, 4, 4), size=(1, 2, 4, 4), offset=(1, 2, 4, 4)),
    "siamrpn": zoo.compared(cls=(1, 10, 5, 5), loc=(1, 20, 5, 5)),
    "siamfc": zoo.compared(response=(1, 1, 17, 17)),
}


@pytest.mark.parametrize("step", TRACKERS)
def test_trackers_are_known_by_their_answers(tmp_path: Path, step: str) -> None:
    result = draft_manifest([TRACKERS[step](tmp_path / "m.onnx")], tmp_path)
    assert result.ranking.sureness == "sure"
    data = yaml.safe_load(result.text)
    assert (data["type"], data["model"]) == ("tracker", "m.onnx")
    assert named(data["postprocess"]) == [step]
    assert data["supported_shape_types"] == ["rectangle"]


@pytest.mark.parametrize("make", [zoo.sam_encoder, zoo.sam_decoder, zoo.crop_head])
def test_a_half_alone_is_no_function_and_is_told_so(tmp_path: Path, make: Maker) -> None:
    with pytest.raises(ModelError, match="an encoder and its decoder together"):
        draft_manifest([make(tmp_path / "m.onnx")], tmp_path)


def test_two_models_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    files = [zoo.yolov8(tmp_path / "a.onnx"), zoo.detr(tmp_path / "b.onnx")]
    with pytest.raises(ModelError, match="one by one"):
        draft_manifest(files, tmp_path)


def test_an_embedding_becomes_reid_without_an_edit(tmp_path: Path) -> None:
    result = draft_manifest([zoo.reid(tmp_path / "people.onnx")], tmp_path)
    assert result.ranking.sureness == "sure"
    write_manifest(result.text, tmp_path / "people.yaml", force=False)
    # The build's own trial sends it crops of two blank images.
    planned = plan(tmp_path / "people.yaml", ("cpu",))
    assert build(planned, tmp_path, force=False, verify=smoke_test).warnings == ()
