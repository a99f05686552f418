from pathlib import Path
from typing import Any

import pytest

from builder.diagnostics.collector import Diagnostics
from builder.diagnostics.path import Path_
from builder.manifest.located_yaml import LocatedYaml
from builder.manifest.recovery import read_recovering
from builder.manifest.schema import DetectorManifest

VALID: dict[str, Any] = {
    "name": "boxes",
    "type": "detector",
    "model": "model.onnx",
    "labels": ["cat", "dog"],
    "preprocess": [{"letterbox": {}}],
    "postprocess": [{"yolo": {}}, {"nms": {"iou": 0.5}}, {"rectangle": {}}],
}
"""A manifest with steps in their long form."""


def recover(**changes: Any) -> tuple[DetectorManifest | None, Diagnostics]:
    """Read VALID with some keys changed; a key whose value is None is removed."""
    data = {key: value for key, value in {**VALID, **changes}.items() if value is not None}
    diagnostics = Diagnostics()
    source = LocatedYaml(Path("m.yaml"), data, {}, {})
    return read_recovering(DetectorManifest, data, source, diagnostics), diagnostics


def test_a_valid_manifest_is_read_without_recovery() -> None:
    manifest, diagnostics = recover()
    assert manifest is not None
    assert manifest.name == "boxes"
    assert diagnostics.problems == ()
    assert not diagnostics.is_affected(())


@pytest.mark.parametrize(
    ("changes", "recovered", "neutral"),
    [
        ({"name": "My Boxes"}, ("name",), {"name": "unnamed"}),
        ({"model": 7}, ("model",), {"model": "model.onnx"}),
        ({"labels": 7}, ("labels",), {"labels": ("unnamed",)}),
        ({"labels": None}, ("labels",), {"labels": ("unnamed",)}),
        # The number of labels stays, since it is compared with the model's class count.
        ({"labels": ["cat", 7]}, ("labels", 1), {"labels": ("cat", "unnamed 1")}),
        ({"preprocess": 7}, ("preprocess",), {"preprocess": ()}),
        ({"threshold": "high"}, ("threshold",), {"threshold": 0.25}),
        ({"color": "red"}, ("color",), {"name": "boxes"}),
    ],
)
def test_an_invalid_value_is_reported_and_replaced(
    changes: dict[str, Any], recovered: Path_, neutral: dict[str, Any]
) -> None:
    manifest, diagnostics = recover(**changes)
    assert [problem.path for problem in diagnostics.problems] == [recovered]
    assert diagnostics.is_recovered(recovered)
    assert manifest is not None
    assert {key: getattr(manifest, key) for key in neutral} == neutral


def test_an_invalid_step_keeps_the_others_at_their_indexes() -> None:
    manifest, diagnostics = recover(postprocess=[{"yolo": {}}, 7, {"rectangle": {}}])
    assert manifest is not None
    names = [[name for name, step in entry if step is not None] for entry in manifest.postprocess]
    assert names == [["yolo"], [], ["rectangle"]]
    assert diagnostics.is_recovered(("postprocess", 1))


def test_several_mistakes_are_reported_at_once() -> None:
    manifest, diagnostics = recover(name="X", threshold=2, labels=["a", 7], cvat="2")
    assert manifest is not None
    assert {problem.place for problem in diagnostics.problems} == {
        "name",
        "cvat",
        "labels[1]",
        "threshold",
    }


@pytest.mark.parametrize(
    ("changes", "found", "recovered"),
    [
        (
            {"labels": [{"name": "cat", "id": [True, 2.5, 0]}, "dog"]},
            [("labels", 0, "id", 0), ("labels", 0, "id", 1)],
            ("labels", 0, "id"),
        ),
        (
            {"preprocess": [{"normalize": {"mean": ["a", 1, "b"]}}]},
            [("preprocess", 0, "normalize", "mean", 0), ("preprocess", 0, "normalize", "mean", 2)],
            ("preprocess", 0, "normalize", "mean"),
        ),
        (
            {"labels": [{"color": "red", "attributes": [{"color": "red"}]}, "dog"]},
            [
                # `color` of the label may be a misspelling of `name`.
                ("labels", 0, "attributes", 0, "name"),
                ("labels", 0, "attributes", 0, "input_type"),
                ("labels", 0, "attributes", 0, "color"),
                ("labels", 0, "color"),
            ],
            ("labels", 0),
        ),
    ],
)
def test_several_invalid_values_are_replaced_together(
    changes: dict[str, Any], found: list[Path_], recovered: Path_
) -> None:
    manifest, diagnostics = recover(**changes)
    assert sorted(map(str, (it.path for it in diagnostics.problems))) == sorted(map(str, found))
    assert diagnostics.is_recovered(recovered)
    assert manifest is not None
