import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from builder.diagnostics.errors import ManifestError
from builder.lint.examine import plan
from builder.plan.content import Derived, read
from builder.plan.transforms.precision import with_reduced_precision
from builder.plan.transforms.transform import transformed
from tests.builder.conftest import WriteManifest, failure, png

FP16: dict[str, Any] = {"gpu": {"precision": "fp16"}}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(10):
        (folder / f"{number}.png").write_bytes(png(value=number))
    return folder


def test_float32_and_tf32_need_no_files(write_manifest: WriteManifest) -> None:
    for variants in ({}, {"gpu": {"precision": "tf32"}}):
        given = plan(write_manifest(variants=variants))
        assert with_reduced_precision(given) is given


def test_the_variant_gets_a_file_beside_the_models(write_manifest: WriteManifest) -> None:
    given = plan(write_manifest(variants=FP16))
    found = with_reduced_precision(given)
    assert found.copies == {"model-gpu.onnx": "model.onnx"}
    assert found.versions("model.onnx") == ("model.onnx", "model-gpu.onnx")
    assert found.sources["model-gpu.onnx"] == given.sources["model.onnx"]
    assert found.files["model.onnx"] == given.files["model.onnx"]
    onnx.checker.check_model(onnx.ModelProto.FromString(read(found.files["model-gpu.onnx"])))
    (reduction,) = found.reductions
    assert (reduction.variant, reduction.files) == ("gpu", ("model-gpu.onnx",))


@pytest.mark.parametrize(
    ("variants", "written"),
    [
        ({}, {"model.onnx"}),
        (FP16, {"model.onnx", "model-gpu.onnx"}),
        (FP16 | {"cpu": False}, {"model-gpu.onnx"}),
    ],
)
def test_only_files_that_a_variant_loads_are_written(
    write_manifest: WriteManifest, variants: dict[str, Any], written: set[str]
) -> None:
    found = transformed(plan(write_manifest(variants=variants)))
    assert found.written.keys() == written
    assert found.loaded("gpu") == (("model-gpu.onnx",) if "gpu" in variants else ("model.onnx",))
    # The note about folding names no file that the function does not have.
    assert [name for name in ("model.onnx", "model-gpu.onnx") if name in found.notes[-1]] == sorted(
        written, reverse=True
    )


def test_a_variant_that_is_not_built_gets_no_file(write_manifest: WriteManifest) -> None:
    assert not with_reduced_precision(plan(write_manifest(variants=FP16), ("cpu",))).copies


def test_preprocessing_is_folded_into_both_files(write_manifest: WriteManifest) -> None:
    found = transformed(plan(write_manifest(variants=FP16)))
    both = [
        onnx.ModelProto.FromString(read(found.files[name])) for name in found.versions("model.onnx")
    ]
    assert [it.graph.input[0].name for it in both] == ["images_pixels"] * 2
    assert found.files["model-gpu.onnx"] != found.files["model.onnx"]


def recipe(file: Path) -> tuple[bytes, bytes]:
    """What the converted file depends on, and what its difference depends on."""
    found = with_reduced_precision(plan(file))
    content = found.files[found.reductions[0].files[0]]
    assert isinstance(content, Derived)
    return content.recipe, found.reductions[0].circumstances


def test_only_what_changes_the_file_changes_its_recipe(
    write_manifest: WriteManifest, photos: Path
) -> None:
    int8 = {"cpu": {"precision": "int8", "calibration": "photos"}}
    first = recipe(write_manifest(variants=int8))
    assert recipe(write_manifest(variants=int8, title="Boxes")) == first
    # The threshold changes which objects are compared.
    other = recipe(write_manifest(variants=int8, threshold=0.5))
    assert (other[0], other[1] != first[1]) == (first[0], True)
    # The fifth image does not calibrate, but measures.
    (photos / "4.png").write_bytes(png(value=200))
    measuring = recipe(write_manifest(variants=int8))
    assert (measuring[0], measuring[1] != first[1]) == (first[0], True)
    (photos / "3.png").write_bytes(png(value=200))
    assert recipe(write_manifest(variants=int8))[0] != first[0]


def test_the_images_are_recorded(write_manifest: WriteManifest, photos: Path) -> None:
    int8 = {"precision": "int8", "calibration": "photos"}
    found = with_reduced_precision(plan(write_manifest(variants={"cpu": int8, "gpu": False})))
    assert list(found.reductions[0].calibration) == [
        f"photos/{number}.png" for number in (0, 1, 2, 3, 5, 6, 7, 8, 4, 9)
    ]
    digests = json.loads(found.reductions[0].circumstances)[2]
    assert digests == found.reductions[0].calibration


def test_a_model_without_layers_cannot_be_quantized(
    write_manifest: WriteManifest, photos: Path
) -> None:
    int8 = {"precision": "int8", "calibration": "photos"}
    found = with_reduced_precision(plan(write_manifest(variants={"cpu": int8})))
    with pytest.raises(ManifestError, match=r"model\.onnx has no layers"):
        read(found.files["model-cpu.onnx"])


def test_an_image_that_cannot_be_decoded(write_manifest: WriteManifest, photos: Path) -> None:
    (photos / "4.png").write_bytes(png()[:40])
    found = with_reduced_precision(
        plan(write_manifest(variants={"gpu": {"precision": "fp16", "calibration": "photos"}}))
    )
    (problem,) = failure(found.reductions[0].measure).problems
    assert problem.found == "photos/4.png"


def test_the_difference_is_measured_on_drawn_pictures(write_manifest: WriteManifest) -> None:
    (reduction,) = with_reduced_precision(plan(write_manifest(variants=FP16))).reductions
    difference = reduction.measure()
    # The model finds two boxes in each picture, which its constants give.
    assert (difference.images, difference.objects) == (3, 6)
    assert difference.values == {"box": 0, "lost": 0, "score": 0}
    assert np.isfinite(list(difference.values.values())).all()
