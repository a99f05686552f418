import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from builder.evaluation.parity.reference_file import read
from tests.builder.conftest import failure
from tests.paths import ROOT


def test_a_file_with_every_key_is_read(tmp_path: Path) -> None:
    file = tmp_path / "reference.json"
    file.write_text(
        '{"version": 1, "reference": "ours 1.0", "threshold": 0.25, "images": {"a.png": '
        '{"width": 2, "height": 1, "detections": [{"label": "a", "mask": [1, 1]}]}}}'
    )
    found = read(file)
    assert (found.reference, found.threshold) == ("ours 1.0", 0.25)
    assert found.images["a.png"].detections[0].mask == [1, 1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "reference.json: invalid JSON"),
        ("[" * 100_000, "reference.json: invalid JSON"),
        ("[]", "reference.json: "),
        ('{"version": 2, "images": {}}', "version"),
        ('{"images": {}}', "version"),
        ('{"version": 1, "images": {"a": {"width": 4, "height": 0}}}', "images.a.height"),
    ],
)
def test_a_file_of_another_content_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    file = tmp_path / "reference.json"
    file.write_text(text)
    assert expected in str(failure(lambda: read(file)))


@pytest.mark.parametrize(
    ("keys", "place", "allowed", "hint"),
    [
        ({"bbox": [0, 0, 1, 1]}, "images.a.detections[0].bbox", "rotated_box", "'box'"),
        ({"qqq": 1}, "images.a.detections[0].qqq", "keypoints", "docs/parity.md"),
    ],
)
def test_an_unknown_key_is_refused_with_the_allowed_ones(
    tmp_path: Path, keys: dict[str, Any], place: str, allowed: str, hint: str
) -> None:
    error = failure(lambda: read(written(tmp_path, keys)))
    (problem,) = error.problems
    assert place in str(error)
    assert (problem.what, allowed in problem.allowed, hint in problem.hint) == (
        "unknown key",
        True,
        True,
    )


@pytest.mark.parametrize("box", [[10, 10, 5, 15], [10, 10, 15, 5]])
def test_a_box_with_its_corners_out_of_order_is_refused(tmp_path: Path, box: list[int]) -> None:
    error = failure(lambda: read(written(tmp_path, {"box": box})))
    assert "images.a.detections[0].box" in str(error)
    assert "x2 must be at least x1" in str(error)


def written(folder: Path, keys: dict[str, Any]) -> Path:
    """A file with one detection that has these keys."""
    answers = {"width": 20, "height": 20, "detections": [{"label": "a", **keys}]}
    file = folder / "reference.json"
    file.write_text(json.dumps({"version": 1, "images": {"a": answers}}))
    return file


PAGE = (ROOT / "docs" / "parity.md").read_text("utf-8")


def block(language: str) -> str:
    """The code block of docs/parity.md in a language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def test_the_example_of_the_docs_is_valid(tmp_path: Path) -> None:
    file = tmp_path / "reference.json"
    file.write_text(block("json"))
    (answers,) = read(file).images.values()
    assert [it.label for it in answers.detections] == ["car", "ship", "road", "hand", "night"]


@pytest.mark.parametrize("first", [False, True])
def test_the_converter_of_the_docs_writes_what_is_read(tmp_path: Path, first: bool) -> None:
    bitmap = np.zeros((3, 4), bool)
    bitmap[1, 1:3] = True
    bitmap[0, 0] = first
    found = {"name": "cat", "conf": 0.5, "xyxy": [0, 1, 2, 3], "xywhr": [1, 1, 2, 2, math.pi / 2]}
    module: dict[str, Any] = {}
    exec(block("python"), module)
    module["save"](tmp_path / "out.json", {"a.png": (4, 3, [{**found, "mask": bitmap}])})
    (detection,) = read(tmp_path / "out.json").images["a.png"].detections
    assert (detection.label, detection.confidence, detection.box) == ("cat", 0.5, (0, 1, 2, 3))
    assert detection.rotated_box == (1, 1, 2, 2, 90)
    assert detection.mask is not None
    values = np.repeat(np.arange(len(detection.mask)) % 2 == 1, detection.mask)
    assert np.array_equal(values.reshape(3, 4), bitmap)
