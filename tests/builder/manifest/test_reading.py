from pathlib import Path
from typing import Any

import pytest
import yaml

from builder.manifest.steps import known_steps
from runtimes.decoders.yolo import Yolo
from runtimes.refine.suppress import MinSize, Nms
from runtimes.shapes.rectangle import Rectangle
from tests.builder.conftest import failure, read_valid
from tests.builder.manifest.conftest import Read, Refused


def test_steps_have_their_order_and_paths(read: Read) -> None:
    found = read(postprocess=[{"yolo": "out"}, "min_size", "nms", "min_size", "rectangle"])
    assert found.steps("postprocess") == {
        ("postprocess", 0, "yolo"): Yolo("out"),
        ("postprocess", 1, "min_size"): MinSize(),
        ("postprocess", 2, "nms"): Nms(),
        ("postprocess", 3, "min_size"): MinSize(),
        ("postprocess", 4, "rectangle"): Rectangle(),
    }


@pytest.mark.parametrize(
    "entries",
    [
        ["nms", "rectangle"],
        ["nms", "yolo", "rectangle"],
        ["yolo", "yolo", "rectangle"],
        ["yolo", "yolo_end2end", "rectangle"],
        ["yolo", "rectangle", "nms"],
        ["rectangle", "yolo"],
        ["yolo", "nms"],
        ["yolo"],
        ["rectangle"],
    ],
)
def test_the_order_is_one_decoder_then_refinements_then_shapes(
    refused: Refused, entries: list[str]
) -> None:
    assert refused(postprocess=entries).place == "postprocess"


def test_refinements_are_optional(read: Read) -> None:
    assert list(read(postprocess=["yolo_end2end", "rectangle"]).steps("postprocess").values()) == [
        known_steps("detector")["yolo_end2end"](),
        Rectangle(),
    ]


@pytest.mark.parametrize("entry", [{}, {"nms": 0.5, "top_k": 3}])
def test_an_entry_is_exactly_one_step(refused: Refused, entry: dict[str, Any]) -> None:
    problem = refused(postprocess=["yolo", entry, "rectangle"])
    assert problem.place == "postprocess[1]"
    assert f"{len(entry)} steps" in problem.what


@pytest.mark.parametrize("text", ["", "[]", "- a\n", "just text\n", "5\n"])
def test_a_file_that_is_not_a_manifest(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.yaml").write_text(text)
    (problem,) = failure(lambda: read_valid(tmp_path / "m.yaml")).problems
    assert problem.what == "is not a manifest"


def test_paths_are_relative_to_the_manifest(read: Read, tmp_path: Path) -> None:
    manifest = read()
    assert manifest.resolve("sub/labels.txt") == tmp_path / "sub" / "labels.txt"
    assert manifest.resolve("/abs/labels.txt") == Path("/abs/labels.txt")


def test_reading_does_not_change_the_yaml_data(read: Read, tmp_path: Path) -> None:
    found = read()
    assert found.yaml.data == yaml.safe_load((tmp_path / "boxes.yaml").read_text())
