"""Every family from a model file to a reply: init, build and predict without an edit."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from builder.diagnostics.errors import ManifestError, ModelError
from builder.diagnostics.rule import Rule
from builder.families.init import ManifestDraft, draft_manifest, write_manifest
from builder.lint import preprocessing
from builder.lint.examine import plan
from builder.manifest.variants import VARIANTS, VariantName
from builder.plan.plan import Plan
from builder.run.judge.detector import judge
from builder.run.smoke import smoke_test
from builder.targets.build import build
from tests import zoo
from tests.local_function import LocalFunction
from tests.paths import ROOT
from tests.zoo import ENTRIES, PAIRS, TRACKERS, Maker

MODELS = ROOT / "manifests" / "models"


@cache
def drafted(folder: Path, name: str) -> ManifestDraft:
    """A model of the zoo with its manifest."""
    file = ENTRIES[name].make(folder / f"{name}.onnx")
    result = draft_manifest([file], folder)
    write_manifest(result.text, folder / f"{name}.yaml", force=False)
    return result


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("zoo")


@pytest.mark.parametrize("name", ENTRIES)
def test_the_family_and_its_preprocessing_are_recognized(folder: Path, name: str) -> None:
    entry = ENTRIES[name]
    result = drafted(folder, name)
    match = result.ranking.matches[0]
    levels = ("unsure",) if entry.guessed else ("certain", "sure", "likely")
    assert result.ranking.sureness in levels, result.ranking.rivals
    assert ("\nguessed: true" in result.text) == entry.guessed
    assert match.postprocess[0].name == entry.decoder
    assert tuple(step.name for step in match.preprocess) == entry.preprocess
    expected = [entry.note] if entry.note else []
    if entry.guessed:
        expected.append(f"the model family is a guess: {match.name}")
    assert [note.what for note in result.notes] == expected


@cache
def planned(folder: Path, name: str) -> Plan:
    """The plan of a model's manifest, unedited."""
    drafted(folder, name)
    return plan(folder / f"{name}.yaml", accept_guess=ENTRIES[name].guessed)


PREPROCESSING_RULES = [it for it in vars(preprocessing).values() if isinstance(it, Rule)]


@pytest.mark.parametrize("name", ENTRIES)
def test_the_drafted_preprocessing_passes_check(folder: Path, name: str) -> None:
    rules = [problem.rule for problem in planned(folder, name).warnings]
    assert [rule for rule in rules if rule in PREPROCESSING_RULES] == []


def one_variant_quick(names: Iterable[str]) -> pytest.MarkDecorator:
    """Both variants for each name: one of them quick, in turns, the other one slow."""
    return pytest.mark.parametrize(
        ("name", "variant"),
        [
            pytest.param(name, variant, marks=[pytest.mark.slow] if (number + place) % 2 else [])
            for number, name in enumerate(names)
            for place, variant in enumerate(VARIANTS)
        ],
    )


@cache
def built(folder: Path, name: str) -> Path:
    """The function that a model's manifest makes, unedited."""
    return build(planned(folder, name), folder / "build", force=False).folder


@one_variant_quick(ENTRIES)
def test_the_built_function_finds_the_known_object(
    folder: Path, name: str, variant: VariantName
) -> None:
    entry = ENTRIES[name]
    function = LocalFunction(built(folder, name), variant)
    _, data = cv2.imencode(".png", np.full((*entry.size, 3), 77, np.uint8))
    reply = function(data.tobytes())
    assert reply.status == 200, reply.text
    assert judge(reply.body, function.labels) == []
    (item,) = reply.body
    label, kind, box = entry.found
    assert (item["label"], item["type"]) == (label, kind)
    assert around(item) == pytest.approx(box, abs=entry.slack)
    assert item["confidence"] == pytest.approx(
        entry.score, abs=0.12 if entry.score == 0.7 else 0.002
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
def test_rivals_are_reported_and_listed(tmp_path: Path, name: str) -> None:
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
        with pytest.raises(ManifestError, match="guessed"):
            plan(tmp_path / "model.yaml")
        assert plan(tmp_path / "model.yaml", accept_guess=True).name == "model"


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
    ready = plan(folder / f"{name}.yaml")
    return build(ready, folder / "build", force=False).folder


@one_variant_quick(SHIPPED)
def test_shipped_models_find_shapes_in_the_photo(
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


@pytest.mark.slow
def test_real_weights_of_a_dbnet_are_recognized_and_find_text(tmp_path: Path) -> None:
    model, reader = (model.files[model.name] for model in plan(MODELS.parent / "text.yaml").models)
    pair = draft_manifest([reader, model], tmp_path)
    assert pair.ranking.sureness == "sure"
    assert "- text_attribute: text\n" in pair.text
    result = draft_manifest([model], tmp_path)
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


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("name", PAIRS)
def test_encoder_and_decoder_are_recognized_in_any_order(
    tmp_path: Path, name: str, backwards: bool
) -> None:
    pair = PAIRS[name]
    encoder = pair.encoder(tmp_path / "pair_encoder.onnx")
    files = [encoder, pair.decoder(tmp_path / "pair_decoder.onnx")]
    result = draft_manifest(files[::-1] if backwards else files, tmp_path)
    assert result.ranking.sureness == "sure"
    data = yaml.safe_load(result.text)
    assert (data["name"], data["type"]) == ("pair", pair.type)
    assert (data["encoder"], data["decoder"]) == ("pair_encoder.onnx", "pair_decoder.onnx")
    assert "labels" not in data
    assert "model" not in data
    assert named(data["postprocess"])[0] == pair.step
    assert named(data["preprocess"]) == [*pair.preprocess]


def named(steps: list[Any]) -> list[str]:
    """The names of a manifest's steps."""
    return [step if isinstance(step, str) else next(iter(step)) for step in steps]


@pytest.mark.parametrize("step", TRACKERS)
def test_trackers_are_recognized_by_their_outputs(tmp_path: Path, step: str) -> None:
    result = draft_manifest([TRACKERS[step](tmp_path / "m.onnx")], tmp_path)
    assert result.ranking.sureness == "sure"
    data = yaml.safe_load(result.text)
    assert (data["type"], data["model"]) == ("tracker", "m.onnx")
    assert named(data["postprocess"]) == [step]
    assert data["supported_shape_types"] == ["rectangle"]


@pytest.mark.parametrize("make", [zoo.sam_encoder, zoo.sam_decoder, zoo.crop_head])
def test_half_of_a_pair_is_refused_with_a_hint(tmp_path: Path, make: Maker) -> None:
    with pytest.raises(ModelError, match="an encoder and its decoder together"):
        draft_manifest([make(tmp_path / "m.onnx")], tmp_path)


def test_two_unrelated_models_are_refused(tmp_path: Path) -> None:
    files = [zoo.yolov8(tmp_path / "a.onnx"), zoo.detr(tmp_path / "b.onnx")]
    with pytest.raises(ModelError, match="one by one"):
        draft_manifest(files, tmp_path)


@pytest.mark.slow
def test_an_embedding_becomes_a_reid_function(tmp_path: Path) -> None:
    result = draft_manifest([zoo.reid(tmp_path / "people.onnx")], tmp_path)
    assert result.ranking.sureness == "sure"
    write_manifest(result.text, tmp_path / "people.yaml", force=False)
    # The build's own trial sends it crops of two blank images.
    ready = plan(tmp_path / "people.yaml", ("cpu",))
    assert build(ready, tmp_path, force=False, verify=smoke_test).warnings == ()
