from pathlib import Path

import pytest

from builder.families.unknown import unknown_family
from builder.model.file import Model
from tests.builder.families.made import IMAGE, Shape, evidence


def model(outputs: dict[str, Shape], inputs: dict[str, Shape] | None = None) -> Model:
    found = evidence(outputs, inputs or IMAGE)
    return Model("onnx", found.signature, {}, lambda: found.graph)


@pytest.mark.parametrize(
    ("outputs", "inputs", "hint"),
    [
        ({"features": (1, 256, 64, 64)}, None, "`cvatbuild init ENCODER DECODER`"),
        ({"masks": (1, 1, 64, 64)}, {"features": (1, 256, 64, 64)}, "ENCODER DECODER"),
        ({"y": (1, 2)}, {"x": (1, 40)}, "export it with an image input"),
        ({"y": (1, 2)}, {"x": (4, 3, 64, 64)}, "one image at a time; x takes 4"),
        ({"y": (1, 2)}, {"x": (1, 64, 64, 3)}, "write a manifest by hand"),
    ],
)
def test_the_hint_fits_the_tensors(
    outputs: dict[str, Shape], inputs: dict[str, Shape] | None, hint: str
) -> None:
    (problem,) = unknown_family([Path("m.onnx")], [model(outputs, inputs)]).problems
    assert problem.what == "unknown model family"
    assert hint in problem.hint


def test_tensors_are_listed_and_long_lists_are_cut() -> None:
    one = model({"y": (1, 2)})
    (problem,) = unknown_family([Path("a.onnx"), Path("b.onnx")], [one, one]).problems
    assert problem.found.count("takes images [1, 3, 64, 64] float32 and gives y [1, 2]") == 2
    assert "one by one" in problem.hint
    many = model({f"output{number}": (1, 2) for number in range(100)})
    assert len(unknown_family([Path("a.onnx")], [many]).problems[0].found) == 600
