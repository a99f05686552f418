import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from builder import __version__
from builder.diagnostics.errors import ManifestError
from builder.lint.examine import plan
from builder.plan.content import read
from builder.plan.plan import Plan
from builder.targets.bundle import render
from builder.targets.target import Tree
from tests.builder import models
from tests.builder.conftest import WriteManifest, failure, write_manifest_to


def content(tree: Tree) -> dict[str, bytes]:
    return {path: read(item) for path, item in tree.items()}


def lock(tree: Tree) -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(content(tree)["build.lock"])
    return data


def test_the_files_of_a_function(ready_plan: Plan) -> None:
    tree = render(ready_plan)
    assert [path for path in tree if not path.startswith("nuclio/runtimes/")] == [
        "README.md",
        "build.lock",
        "nuclio/function-gpu.yaml",
        "nuclio/function.yaml",
        "nuclio/main.py",
        "nuclio/model.onnx",
        "nuclio/model_handler.py",
        "nuclio/requirements-cpu.txt",
        "nuclio/requirements-gpu.txt",
        "sbom-cpu.cdx.json",
        "sbom-gpu.cdx.json",
    ]
    assert "nuclio/runtimes/decoders/yolo.py" in tree
    assert "nuclio/runtimes/service.py" in tree


@pytest.mark.parametrize(
    ("variant", "there", "absent"),
    [("cpu", "function.yaml", "function-gpu.yaml"), ("gpu", "function-gpu.yaml", "function.yaml")],
)
def test_the_files_of_one_variant(
    write_manifest: WriteManifest, variant: Any, there: str, absent: str
) -> None:
    tree = render(plan(write_manifest(), (variant,)))
    assert f"nuclio/{there}" in tree
    assert f"nuclio/{absent}" not in tree
    assert [path for path in tree if "requirements" in path] == [
        f"nuclio/requirements-{variant}.txt"
    ]


def test_the_same_manifest_gives_the_same_bytes(write_manifest: WriteManifest) -> None:
    manifest = write_manifest()
    assert content(render(plan(manifest))) == content(render(plan(manifest)))


@pytest.mark.slow
def test_the_bytes_do_not_depend_on_folder_process_or_hash_seed(
    write_manifest: WriteManifest, tmp_path: Path, model_file: Path
) -> None:
    here = content(render(plan(write_manifest())))
    other = tmp_path / "other" / "deep folder"
    other.mkdir(parents=True)
    shutil.copy(model_file, other / "model.onnx")
    write_manifest_to(other)
    program = (
        "from pathlib import Path\n"
        "from builder.lint.examine import plan\n"
        "from builder.plan.content import digest\n"
        "from builder.targets.bundle import render\n"
        "for path, item in render(plan(Path('boxes.yaml'))).items():\n"
        "    print(digest(item), path)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=other,
        env={**os.environ, "PYTHONHASHSEED": "7", "LC_ALL": "C", "TZ": "Asia/Tokyo"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == [
        f"{hashlib.sha256(data).hexdigest()} {path}" for path, data in here.items()
    ], done.stderr


def test_the_lock_holds_the_digest_of_every_other_file(ready_plan: Plan) -> None:
    tree = render(ready_plan)
    files = content(tree)
    del files["build.lock"]
    assert lock(tree)["files"] == {
        path: hashlib.sha256(data).hexdigest() for path, data in files.items()
    }


def test_the_lock_says_what_the_function_was_built_from(ready_plan: Plan) -> None:
    found = lock(render(ready_plan))
    digest = hashlib.sha256(ready_plan.file.read_bytes()).hexdigest()
    assert found["manifest"] == {"boxes.yaml": digest}
    assert found["cvatbuild"] == __version__


@pytest.mark.parametrize("location", ["weights.bin", "model.onnx_data", "m.onnx.data"])
def test_weights_in_another_file_are_carried_and_locked(
    write_manifest: WriteManifest, tmp_path: Path, location: str
) -> None:
    models.external_model(tmp_path / "large.onnx", location)
    tree = render(plan(write_manifest(model="large.onnx")))
    assert tree[f"nuclio/{location}"] == tmp_path / location
    digest = hashlib.sha256((tmp_path / location).read_bytes()).hexdigest()
    assert lock(tree)["files"][f"nuclio/{location}"] == digest


@pytest.mark.parametrize(
    "location",
    [
        "main.py",
        "model_handler.py",
        "function.yaml",
        "model.onnx",
        "requirements-cpu.txt",
        # These are folders, or would hide what the function imports.
        "runtimes",
        "numpy.py",
        "json.py",
        "_nuclio_wrapper.py",
    ],
)
def test_weights_cannot_take_the_name_of_a_file_that_matters(
    write_manifest: WriteManifest, tmp_path: Path, location: str
) -> None:
    models.external_model(tmp_path / "large.onnx", "weights.bin")
    (tmp_path / location).write_bytes((tmp_path / "weights.bin").read_bytes())
    models.redirected_model(tmp_path / "large.onnx", location)
    error = failure(lambda: render(plan(write_manifest(model="large.onnx"))))
    assert error.problems[0].place == "model"


def test_an_ir_is_carried_with_its_weights(write_manifest: WriteManifest, tmp_path: Path) -> None:
    name = models.openvino_model(tmp_path).name
    file = write_manifest(
        model=name, labels=["a", "b", "c"], variants={"gpu": False}, fold_preprocessing=False
    )
    tree = render(plan(file))
    assert tree["nuclio/model.xml"] == tmp_path / "model.xml"
    assert tree["nuclio/model.bin"] == tmp_path / "model.bin"


def test_labels_that_nuclio_could_not_pass_on_are_refused(
    write_manifest: WriteManifest, tmp_path: Path
) -> None:
    # Finished rows hold class numbers as values, so any number of classes is possible.
    models.end2end_model(tmp_path / "many.onnx")
    labels = [f"{number:060d}" for number in range(1000)]
    manifest = write_manifest(
        model="many.onnx", labels=labels, postprocess=["yolo_end2end", "rectangle"]
    )
    error = failure(lambda: render(plan(manifest)))
    assert isinstance(error, ManifestError)
    assert error.problems[0].place == "labels"


def test_the_readme_speaks_of_this_function(write_manifest: WriteManifest, tmp_path: Path) -> None:
    found = plan(
        write_manifest(title="My boxes", description="Finds it.", labels=["a|b", "c", "d"])
    )
    files = content(render(found))
    text = files["README.md"].decode()
    assert text.startswith("# My boxes\n\nFinds it.\n")
    assert "--file boxes/nuclio/function.yaml" in text
    assert "--file boxes/nuclio/function-gpu.yaml" in text
    assert "| 0 | a\\|b | rectangle |" in text
    assert hashlib.sha256(files["nuclio/model.onnx"]).hexdigest() in text
    assert "is part of `model.onnx`, which therefore differs" in " ".join(text.split())
    assert hashlib.sha256((tmp_path / "boxes.yaml").read_bytes()).hexdigest() in text
    assert str(tmp_path) not in text


def test_no_top_level_name_hides_a_module_that_functions_import(ready_plan: Plan) -> None:
    # /opt/nuclio comes first on the path.
    tops = {path.split("/")[1].split(".")[0] for path in render(ready_plan) if "/" in path}
    assert tops.isdisjoint({"numpy", "cv2", "orjson", "onnxruntime", "openvino", "nuclio_sdk"})
    assert tops.isdisjoint(sys.stdlib_module_names)
    assert tops.isdisjoint({"_nuclio_wrapper", "whl", "msgpack"})
