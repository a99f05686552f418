from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from builder.families.catalog.yolov8 import YOLOV8
from builder.families.draft import DraftRequest, common_stem, draft_text, function_name
from builder.families.match import DraftStep, Match, Setting, step
from builder.families.ranking import Ranking
from builder.manifest.schema import RESERVED_NAMES
from builder.model.file import Model
from runtimes.decoders.yolo_anchors import YoloAnchors
from runtimes.preprocess.resize import Letterbox
from runtimes.refine.clean import FillHoles
from tests.builder.families.made import Shape, evidence, matches

HEAD: dict[str, Shape] = {"output0": (1, 7, 84)}


def drafted(match: Match, *, metadata: dict[str, str] | None = None, **request: Any) -> str:
    """The manifest for a match of a model `best.onnx`."""
    found = evidence(HEAD, metadata=metadata)
    form = request.pop("form", "onnx")
    model = Model(form, found.signature, {}, lambda: found.graph)
    rivals = request.pop("rivals", ())
    ranking = Ranking((match, *rivals), {"model": 0}, (found,))
    given = DraftRequest((Path("best.onnx"),), (model,), ranking, Path(), **request)
    text, _ = draft_text(given)
    return text


MATCH = matches(YOLOV8, evidence(HEAD))[0]


@pytest.mark.parametrize(
    ("names", "stem"),
    [
        (["best.onnx"], "best"),
        (["sam_encoder.onnx", "sam_decoder.onnx"], "sam"),
        (["mobile-sam.encoder.onnx", "mobile-sam.decoder.onnx"], "mobile-sam"),
        (["encoder.onnx", "decoder.onnx"], "encoder"),
        (["a1.onnx", "a2.onnx"], "a1"),
    ],
)
def test_the_stem_is_what_the_files_share(names: list[str], stem: str) -> None:
    assert common_stem([Path(name) for name in names]) == stem


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("best", "best"),
        ("Best (1) Äpfel", "best-1-pfel"),
        ("2024_run", "model-2024-run"),
        ("---", "model"),
        ("dashboard", "dashboard-model"),
        ("x" * 200, "x" * 50),
        ("日本", "model"),
    ],
)
def test_the_function_is_named_after_the_file(stem: str, name: str) -> None:
    assert function_name(stem) == name


@pytest.mark.parametrize("name", sorted(RESERVED_NAMES))
def test_reserved_names_are_not_used(name: str) -> None:
    assert function_name(name) == f"{name}-model"


@pytest.mark.parametrize(
    ("entry", "spelled"),
    [
        (step(Letterbox), "letterbox"),
        (step(Letterbox, size=640), "letterbox: 640"),
        (step(Letterbox, size=[48, 64]), "letterbox: [48, 64]"),
        (step(Letterbox, fill=0), "letterbox: {fill: 0}"),
        (step(Letterbox, size=640, fill=0), "letterbox: {size: 640, fill: 0}"),
        (step(FillHoles, area=100), "fill_holes: 100"),
        (step(YoloAnchors, form="v5", activated=True), "yolo_anchors: {form: v5, activated: true}"),
    ],
)
def test_a_step_is_written_in_its_shortest_form(entry: DraftStep, spelled: str) -> None:
    text = drafted(replace(MATCH, preprocess=(entry,)))
    assert f"  - {spelled}\n" in text


def test_reasons_are_comments_and_guesses_are_marked() -> None:
    steps = (step(Letterbox, "seen"), step(FillHoles, "thought", guessed=True))
    _, listed = drafted(replace(MATCH, preprocess=steps)).split("preprocess:\n")
    comments = [line.split("# ")[1] for line in listed.splitlines()[:2]]
    assert comments == ["seen", "guessed: thought"]


def test_without_preprocessing_the_list_is_empty() -> None:
    assert yaml.safe_load(drafted(replace(MATCH, preprocess=())))["preprocess"] == []


@pytest.mark.parametrize(
    ("value", "threshold"), [("0.4", 0.4), ("1", 1), ("1.5", 0.25), ("high", 0.25), ("nan", 0.25)]
)
def test_the_threshold_is_the_files_or_the_default(value: str, threshold: float) -> None:
    text = drafted(MATCH, metadata={"confidence_threshold": value})
    assert yaml.safe_load(text)["threshold"] == threshold


def test_a_familys_settings_win() -> None:
    settings = (Setting("threshold", 0.5, "the family's"),)
    text = drafted(replace(MATCH, settings=settings), metadata={"confidence_threshold": "0.4"})
    assert yaml.safe_load(text)["threshold"] == 0.5


@pytest.mark.parametrize(
    ("request_", "variants"),
    [
        ({}, None),
        ({"form": "ir"}, {"gpu": False}),
        ({"openvino_error": "no such layer"}, {"cpu": {"runtime": "onnxruntime"}}),
    ],
)
def test_variants_are_those_that_load_the_model(request_: dict[str, Any], variants: Any) -> None:
    assert yaml.safe_load(drafted(MATCH, **request_)).get("variants") == variants


def test_rivals_are_comments_that_can_be_put_in_place() -> None:
    rival = replace(MATCH, name="Rival", preprocess=(step(Letterbox, size=640),))
    text = drafted(MATCH, rivals=(rival,))
    assert "# Rival: " in text
    line = next(line for line in text.splitlines() if line.startswith("#   preprocess: "))
    assert yaml.safe_load(line.removeprefix("#")) == {"preprocess": [{"letterbox": 640}]}
    assert "#   3 labels" in text
    assert yaml.safe_load(text) == yaml.safe_load(drafted(MATCH))
