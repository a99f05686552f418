from pathlib import Path

import pytest

from builder.diagnostics.errors import ModelError
from builder.families.evidence import Evidence
from builder.families.unknown import unknown_family
from builder.model.file import Model
from tests.builder.families.made import IMAGE, Shape, evidence


def model(outputs: dict[str, Shape], inputs: dict[str, Shape] | None = None) -> Model:
    found = evidence(outputs, inputs or IMAGE)
    return Model("onnx", found.signature, {}, lambda: found.graph)


def refused(*models: Model) -> ModelError:
    files = [Path(f"{letter}.onnx") for letter, _ in zip("abc", models, strict=False)]
    return unknown_family(files, models, [Evidence.of(it) for it in models])


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
    (problem,) = refused(model(outputs, inputs)).problems
    assert problem.what == "unknown model family"
    assert hint in problem.hint


def test_tensors_are_listed_and_long_lists_are_cut() -> None:
    one = model({"y": (1, 2)})
    (problem,) = refused(one, one).problems
    assert problem.found.count("takes images [1, 3, 64, 64] float32 and gives y [1, 2]") == 2
    assert "one by one" in problem.hint
    many = model({f"output{number}": (1, 2) for number in range(100)})
    assert len(refused(many).problems[0].found) == 600


def test_an_image_without_a_batch_axis_is_an_image() -> None:
    (problem,) = refused(model({"y": (1, 2, 3, 4, 5)}, {"x": (3, 800, 800)})).problems
    assert "image input" not in problem.hint
