from dataclasses import replace
from pathlib import Path

import pytest

from builder.families.catalog.yolov8 import YOLOV8
from builder.families.ranking import Ranking, recognize
from builder.families.registry import families
from builder.families.sureness import Strength
from builder.model.file import read
from tests import zoo
from tests.builder.families.made import Shape, evidence, matches

HEAD: dict[str, Shape] = {"output0": (1, 7, 84)}


def ranked(*strengths: Strength) -> Ranking:
    """A ranking of matches of these strengths, which are in order."""
    match, *_ = matches(YOLOV8, evidence(HEAD))
    return Ranking(tuple(replace(match, strength=it) for it in strengths), {"model": 0}, ())


@pytest.mark.parametrize(
    ("strengths", "sureness", "rivals"),
    [
        ([], "unknown", 0),
        ([Strength.METADATA], "certain", 0),
        ([Strength.STRUCTURE, Strength.SHAPE], "sure", 0),
        ([Strength.EVIDENCE, Strength.SHAPE], "likely", 0),
        ([Strength.SHAPE], "unsure", 0),
        ([Strength.STRUCTURE, Strength.STRUCTURE, Strength.SHAPE], "unsure", 1),
    ],
)
def test_rivals_make_the_best_match_unsure(
    strengths: list[Strength], sureness: str, rivals: int
) -> None:
    found = ranked(*strengths)
    assert (found.sureness, len(found.rivals)) == (sureness, rivals)
    assert found.best is (found.matches[0] if strengths else None)


def test_matches_of_equal_strength_keep_the_order_of_their_families(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = read(zoo.any_size_map(tmp_path / "m.onnx"))
    names = [it.name for it in recognize([model], run=False).matches]
    assert names[:2] == ["DBNet: text (PP-OCR)", "salient objects or people (u2net, ISNet, selfie)"]
    backwards = families()[::-1]
    monkeypatch.setattr("builder.families.ranking.families", lambda: backwards)
    assert [it.name for it in recognize([model], run=False).matches][:2] == names[1::-1]


def test_a_run_replaces_declared_shapes(tmp_path: Path) -> None:
    model = read(zoo.classifier_softmax(tmp_path / "m.onnx"))
    assert recognize([model], run=False).sureness == "unsure"
    found = recognize([model], run=True)
    assert (found.sureness, found.ran) == ("likely", True)
    assert found.evidence[0].blank_outputs.keys() == {"output"}


@pytest.mark.parametrize("backwards", [False, True])
def test_a_pair_is_put_in_order(tmp_path: Path, backwards: bool) -> None:
    models = [
        read(zoo.sam_encoder(tmp_path / "e.onnx")),
        read(zoo.sam_decoder(tmp_path / "d.onnx")),
    ]
    found = recognize(models[::-1] if backwards else models, run=False)
    assert found.files == (
        {"encoder": 1, "decoder": 0} if backwards else {"encoder": 0, "decoder": 1}
    )


def test_three_models_are_no_function(tmp_path: Path) -> None:
    model = read(zoo.yolov8(tmp_path / "m.onnx"))
    assert recognize([model] * 3, run=False).best is None
    assert recognize([model] * 2, run=False).best is None
