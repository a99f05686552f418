"""Functions in reduced precision, from the manifest to the reply, with the example models."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from builder.diagnostics.errors import ManifestError
from builder.lint.examine import plan
from builder.manifest.variants import VariantName
from builder.plan.reducer import Reducer
from builder.plan.reduction import NOTHING_COMPARED, PRECISION_LOSS
from builder.run.process import FunctionProcess
from builder.run.smoke import smoke_test
from builder.targets.build import Built, build, diff
from builder.targets.lock import Lock
from tests.paths import ROOT

pytestmark = pytest.mark.slow

VARIANTS = """\
variants:
  cpu: {precision: int8, calibration: photos}
  gpu: {precision: fp16, calibration: photos}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, shapes: ModuleType) -> Path:
    """A folder with twenty drawn scenes as photos."""
    made = tmp_path_factory.mktemp("precision")
    (made / "photos").mkdir()
    for number in range(20):
        scene = shapes.scene(shapes.HELD_OUT_SEED + number, width=400, height=300)
        cv2.imwrite(str(made / "photos" / f"{number:02}.jpg"), scene.image)
    return made


def write(folder: Path, name: str, more: str, example: str = "yolo") -> Path:
    """An example manifest with further keys."""
    text = (ROOT / "manifests" / f"{example}.yaml").read_text("utf-8")
    file = folder / f"{name}.yaml"
    file.write_text(text.replace("models/", f"{ROOT}/manifests/models/") + more, "utf-8")
    return file


def built(file: Path, **options: Any) -> Built:
    return build(plan(file), file.parent / file.stem, force=True, **options)


@pytest.fixture(scope="module")
def reduced(folder: Path) -> Built:
    return built(write(folder, "reduced", VARIANTS), verify=smoke_test)


@pytest.fixture(scope="module")
def exact(folder: Path) -> Built:
    return built(write(folder, "exact", ""))


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_each_variant_has_a_smaller_file_instead_of_the_original(reduced: Built) -> None:
    files = {it.name: it for it in (reduced.folder / "nuclio").glob("*.onnx")}
    assert files.keys() == {"model-cpu.onnx", "model-gpu.onnx"}
    sizes = {name: it.stat().st_size for name, it in files.items()}
    original = (ROOT / "manifests" / "models" / "shapes-detect.onnx").stat().st_size
    # The estimates in builder.backends.precision.FILE_SHARES are 1/3 and 1/2.
    assert 0.25 * original < sizes["model-cpu.onnx"] < 0.4 * original
    assert 0.45 * original < sizes["model-gpu.onnx"] < 0.6 * original


def test_the_lock_has_the_digests_of_files_and_images(reduced: Built, folder: Path) -> None:
    lock = Lock.read(reduced.folder)
    assert lock is not None
    original = digest(ROOT / "manifests" / "models" / "shapes-detect.onnx")
    for name in ("model-cpu.onnx", "model-gpu.onnx"):
        path = f"nuclio/{name}"
        assert lock.files[path] == digest(reduced.folder / path)
        assert lock.sources[path] == original
    photos = sorted((folder / "photos").iterdir())
    assert lock.calibration == {f"photos/{it.name}": digest(it) for it in photos}
    assert {name: it["images"] for name, it in lock.precision.items()} == {"cpu": 4, "gpu": 20}


def test_the_readme_and_the_output_state_the_difference(reduced: Built) -> None:
    lock = Lock.read(reduced.folder)
    assert lock is not None
    readme = " ".join((reduced.folder / "README.md").read_text("utf-8").split())
    for line, variant in zip(reduced.differences, ("cpu", "gpu"), strict=True):
        box = lock.precision[variant]["difference"]["box"]
        assert 0 < box < 3
        assert f"sides of boxes within {box:g} pixels" in line
        assert line.split(": ", 3)[3] in readme
    assert not reduced.warnings


@pytest.mark.parametrize("variant", ["cpu", "gpu"])
def test_the_function_finds_the_objects_of_the_exact_one(
    reduced: Built, exact: Built, folder: Path, variant: VariantName
) -> None:
    found = []
    for function in (exact, reduced):
        with FunctionProcess(function.folder, variant, allow_fallback=True) as started:
            found.append(
                [
                    started((folder / "photos" / f"{number:02}.jpg").read_bytes()).body
                    for number in range(4, 20, 5)
                ]
            )
    count = 0
    for one, other in zip(*found, strict=True):
        assert len(one) == len(other)
        for item in one:
            near = [
                it
                for it in other
                if it["label"] == item["label"]
                and np.abs(np.subtract(it["points"], item["points"])).max() < 4
                and abs(it["confidence"] - item["confidence"]) < 0.1
            ]
            assert near
            count += 1
    assert count > 5


def test_diff_converts_and_measures_nothing(
    reduced: Built, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("nothing needs to be computed")

    monkeypatch.setattr(Reducer, "_converted", refuse)
    monkeypatch.setattr(Reducer, "measure", refuse)
    assert diff(plan(folder / "reduced.yaml"), folder / "reduced") == ""


def test_the_same_build_gives_the_same_bytes(folder: Path) -> None:
    file = write(folder, "twice", VARIANTS)
    one, other = (
        {it: digest(it) for it in built(file).folder.rglob("*") if it.is_file()} for _ in range(2)
    )
    assert one == other


@pytest.mark.parametrize("variant", ["cpu", "gpu"])
def test_a_difference_above_the_limit_fails_the_build(folder: Path, variant: VariantName) -> None:
    text = VARIANTS.replace("photos}", "photos, max_difference: {box: 0}}")
    file = write(folder, f"strict-{variant}", text)
    with pytest.raises(ManifestError) as caught:
        build(plan(file, (variant,)), folder / "strict", force=True)
    (problem,) = caught.value.problems
    assert problem.rule is PRECISION_LOSS
    assert problem.place == f"variants.{variant}.precision"
    assert problem.line
    assert not (folder / "strict").exists()


def test_infinite_values_fail_the_build(folder: Path) -> None:
    model = onnx.load(ROOT / "manifests" / "models" / "shapes-detect.onnx")
    weights = {it.name: it for it in model.graph.initializer}
    first, second = [it for it in model.graph.node if it.op_type == "Conv"][:2]
    # The first layer gives a million times as much, the second one takes it back.
    factors = dict.fromkeys(first.input[1:], 1e6) | {second.input[1]: 1e-6}
    for name, factor in factors.items():
        values = numpy_helper.to_array(weights[name]) * np.float32(factor)
        weights[name].CopyFrom(numpy_helper.from_array(values, name))
    onnx.save(model, folder / "large.onnx")
    text = (ROOT / "manifests" / "yolo.yaml").read_text("utf-8")
    file = folder / "large.yaml"
    file.write_text(
        text.replace("models/shapes-detect.onnx", "large.onnx")
        + "variants: {gpu: {precision: fp16}, cpu: false}\n",
        "utf-8",
    )
    with pytest.raises(ManifestError) as caught:
        built(file)
    (problem,) = caught.value.problems
    assert problem.rule is PRECISION_LOSS
    assert problem.found == "in output0"


def test_without_images_the_difference_is_measured_on_drawn_pictures(folder: Path) -> None:
    found = built(write(folder, "drawn", "variants: {gpu: {precision: fp16}}\n"))
    assert "drawn pictures" in (found.folder / "README.md").read_text("utf-8")
    rules = {it.rule for it in found.warnings}
    assert rules <= {NOTHING_COMPARED}


@pytest.mark.parametrize("example", ["masks", "semantic", "rcnn", "tags", "reid-demo", "sam-demo"])
def test_other_functions_in_half_precision_pass_the_smoke_test(folder: Path, example: str) -> None:
    text = "variants: {cpu: false, gpu: {precision: fp16, calibration: photos}}\n"
    found = built(write(folder, f"half-{example}", text, example), verify=smoke_test)
    assert found.differences[0].startswith(f"{found.folder.name}: gpu: fp16: ")


@pytest.mark.parametrize("example", ["masks", "semantic", "rcnn", "tags"])
@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
def test_other_functions_in_8_bits_pass_the_smoke_test(
    folder: Path, example: str, runtime: str
) -> None:
    keys = f"precision: int8, calibration: photos, runtime: {runtime}"
    text = f"variants: {{gpu: false, cpu: {{{keys}}}}}\n"
    found = built(write(folder, f"int8-{example}-{runtime}", text, example), verify=smoke_test)
    assert found.differences[0].startswith(f"{found.folder.name}: cpu: int8: ")


def test_commands_work_with_the_variants_files(reduced: Built, folder: Path) -> None:
    def run(*arguments: object) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "builder", *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=300,
            check=True,
        )
        return done.stdout

    photo = folder / "photos" / "04.jpg"
    line = json.loads(run("predict", reduced.folder, photo, "--variant", "cpu", "--json"))
    assert line["status"] == 200
    bench = run("bench", reduced.folder, photo, "--variant", "cpu", "--json")
    assert json.loads(bench.splitlines()[0])


def test_the_model_handler_names_the_precision(reduced: Built) -> None:
    text = (reduced.folder / "nuclio" / "model_handler.py").read_text("utf-8")
    assert 'suffix="-cpu"' in text
    assert 'precision="fp16"' in text
