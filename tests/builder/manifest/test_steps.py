import ast
import subprocess
import sys
from pathlib import Path

import pytest

import runtimes
import runtimes.refine
from builder.manifest.steps import entry_model, known_steps, long_form, order_error
from runtimes.attributes.given import ConstantAttribute, ScoreAttribute
from runtimes.attributes.measured import ChoiceAttribute
from runtimes.decoders.heatmap import Heatmap
from runtimes.decoders.yolo import Yolo
from runtimes.refine.suppress import Nms
from runtimes.shapes.rectangle import Rectangle
from runtimes.step import Step
from tests.builder.conftest import WriteManifest

NEW_STEP = '''\
from dataclasses import dataclass

from runtimes.instances import Instances
from runtimes.refine.suppress import TopK
from runtimes.step import Count, Refine


@dataclass(frozen=True, slots=True)
class EveryOther(Refine):
    """Keep every other instance."""

    first: Count = 1
    """The first that stays."""

    def __call__(self, instances: Instances) -> Instances:
        """See Refine."""
        return instances
'''


KINDS = {"Preprocess", "Decoder", "Refine", "Attribute", "Shape"}


def classes_in(package: str) -> set[str]:
    """Names of the classes in the source of a package of `runtimes` that call themselves steps."""
    folder = Path(runtimes.__path__[0]) / package
    return {
        node.name
        for file in folder.glob("*.py")
        for node in ast.parse(file.read_text("utf-8")).body
        if isinstance(node, ast.ClassDef)
        and KINDS & {base.id for base in node.bases if isinstance(base, ast.Name)}
    }


@pytest.mark.parametrize(
    ("section", "packages"),
    [
        ("preprocess", ["preprocess"]),
        ("detector", ["decoders", "refine", "attributes", "shapes"]),
    ],
)
def test_every_step_in_the_source_is_known(section: str, packages: list[str]) -> None:
    written = {name for package in packages for name in classes_in(package)}
    assert written
    assert {step.__name__ for step in known_steps(section).values()} == written


@pytest.mark.parametrize(
    ("section", "name", "spelled"),
    [
        ("preprocess", "letterbox", "Letterbox"),
        ("preprocess", "center_crop", "CenterCrop"),
        ("detector", "yolo", "Yolo"),
        ("detector", "yolo_end2end", "YoloEnd2end"),
        ("detector", "top_k", "TopK"),
        ("detector", "score_attribute", "ScoreAttribute"),
        ("detector", "rectangle", "Rectangle"),
    ],
)
def test_steps_are_known_by_their_name_in_snake_case(section: str, name: str, spelled: str) -> None:
    assert known_steps(section)[name].__name__ == spelled


def test_base_classes_are_not_steps() -> None:
    names = {*known_steps("preprocess"), *known_steps("detector")}
    assert names.isdisjoint({"step", "decoder", "refine", "attribute", "shape", "preprocess"})


def test_a_new_class_in_a_new_module_is_known_without_any_registration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "every_other_for_test.py").write_text(NEW_STEP)
    paths = [*runtimes.refine.__path__, str(tmp_path)]
    monkeypatch.setattr(runtimes.refine, "__path__", paths)
    known_steps.cache_clear()
    entry_model.cache_clear()
    try:
        found = known_steps("detector")
        assert found["every_other"].__module__ == "runtimes.refine.every_other_for_test"
        # TopK is imported there, but stands elsewhere.
        assert found["top_k"].__module__ == "runtimes.refine.suppress"
        assert long_form("detector", {"every_other": 3}) == {"every_other": {"first": 3}}
        entry = entry_model("detector").model_validate_json('{"every_other": {"first": 3}}')
        assert entry.every_other.first == 3  # type: ignore[attr-defined]
        assert {type(step) for step in found.values()} == {type}
    finally:
        known_steps.cache_clear()
        entry_model.cache_clear()
        sys.modules.pop("runtimes.refine.every_other_for_test", None)
        vars(runtimes.refine).pop("every_other_for_test", None)


@pytest.mark.slow
def test_a_new_class_reaches_manifest_and_function(
    tmp_path: Path, write_manifest: WriteManifest
) -> None:
    package = tmp_path / "more"
    package.mkdir()
    (package / "every_other_for_test.py").write_text(NEW_STEP)
    manifest = write_manifest(postprocess=["yolo", {"every_other": 3}, "rectangle"])
    program = (
        "import sys, runtimes.refine\n"
        "from pathlib import Path\n"
        "runtimes.refine.__path__.append(sys.argv[1])\n"
        "from builder.targets.build import build\n"
        "from builder.lint.examine import plan\n"
        "build(plan(Path(sys.argv[2])), Path(sys.argv[3]), force=False)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, package, manifest, tmp_path / "out"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    nuclio = tmp_path / "out" / "boxes" / "nuclio"
    assert "EveryOther(first=3)" in (nuclio / "model_handler.py").read_text()
    copied = nuclio / "runtimes" / "refine" / "every_other_for_test.py"
    assert copied.read_text() == NEW_STEP


@pytest.mark.parametrize(
    ("entry", "form"),
    [
        ("nms", {"nms": {}}),
        ({"nms": None}, {"nms": {}}),
        ({"nms": 0.5}, {"nms": {"iou": 0.5}}),
        ({"nms": {"max": 3}}, {"nms": {"max": 3}}),
        ({"nms": [1]}, {"nms": {"iou": [1]}}),
        ("score_attribute", {"score_attribute": {}}),
        ({"score_attribute": "sure"}, {"score_attribute": {"attribute": "sure"}}),
        ({"number_attribute": {"attribute": "age"}}, {"number_attribute": {"attribute": "age"}}),
        ({"unknown": 5}, {"unknown": 5}),
        ("unknown", {"unknown": {}}),
        ({}, {}),
        (5, 5),
        (None, None),
        (["nms"], ["nms"]),
    ],
)
def test_entries_are_converted_to_the_long_form(entry: object, form: object) -> None:
    assert long_form("detector", entry) == form


def test_a_step_without_fields_takes_no_value() -> None:
    assert long_form("detector", {"rectangle": 5}) == {"rectangle": 5}


SCORE = ScoreAttribute()
CHOICE = ChoiceAttribute("hue", ("red", "green"))


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([Yolo(), Rectangle()], ""),
        ([Yolo(), Nms(), Nms(), Rectangle(), Rectangle()], ""),
        ([Nms(), Rectangle()], "0 decoders"),
        ([Yolo(), Yolo(), Rectangle()], "2 decoders"),
        ([Nms(), Yolo(), Rectangle()], "first"),
        ([Yolo(), Nms()], "no shape"),
        ([Yolo(), Rectangle(), Nms()], "before"),
        ([Yolo(), SCORE, Rectangle()], ""),
        ([Yolo(), Nms(), SCORE, CHOICE, Rectangle()], ""),
        ([Yolo(), SCORE, Nms(), Rectangle()], ""),
        ([SCORE, Yolo(), Rectangle()], "first"),
        ([SCORE, Rectangle()], "0 decoders"),
        ([Yolo(), SCORE], "no shape"),
        ([Yolo(), Rectangle(), SCORE], "before"),
    ],
)
def test_an_invalid_order_is_reported(steps: list[Step], words: str) -> None:
    said = order_error("detector", steps)
    assert words in said
    assert bool(said) == bool(words)


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([CHOICE], ""),
        ([Heatmap()], ""),
        ([Heatmap(), CHOICE, SCORE], ""),
        ([CHOICE, ConstantAttribute("source", "x"), Heatmap()], ""),
        ([Heatmap(), Heatmap()], "2 decoders"),
        ([CHOICE, Rectangle()], "move others to the top"),
        ([Heatmap(), Nms()], "move others to the top"),
    ],
)
def test_invalid_steps_of_a_second_model_are_reported(steps: list[Step], words: str) -> None:
    said = order_error("detector", steps, is_second=True)
    assert words in said
    assert bool(said) == bool(words)


def test_the_short_form_of_each_tracker_sets_the_window() -> None:
    for name in known_steps("tracker"):
        assert long_form("tracker", {name: 0.5}) == {name: {"window": 0.5}}
