import hashlib
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import yaml

from builder.diagnostics.errors import CommandLineError, ManifestError, OutputError
from builder.lint.examine import plan
from builder.run.smoke import smoke_test
from builder.targets.build import build, check_names, diff, output_folder
from tests.builder import models
from tests.builder.conftest import WriteManifest, failure
from tests.grids import quick_and_slow


@pytest.mark.parametrize(
    ("manifest", "folder"),
    [
        ("manifests/yolo.yaml", "build"),
        ("manifests/deep/er/yolo.yaml", "build"),
        ("manifests/manifests/yolo.yaml", "manifests/build"),
        ("yolo.yaml", "build"),
        ("other/yolo.yaml", "other/build"),
        ("my-manifests/yolo.yaml", "my-manifests/build"),
    ],
)
def test_where_functions_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, manifest: str, folder: str
) -> None:
    root = tmp_path.resolve()
    assert output_folder(root / manifest, None) == root / folder
    # Below the current folder paths are short, as people write them.
    monkeypatch.chdir(root)
    assert output_folder(Path(manifest), None) == Path(folder)
    assert output_folder(root / manifest, None) == Path(folder)


def test_a_folder_that_is_given_is_used_as_it_is(tmp_path: Path) -> None:
    assert output_folder(tmp_path / "manifests/a.yaml", Path("x/../y")) == Path("x/../y")


def test_two_manifests_of_one_name_are_refused(write_manifest: WriteManifest) -> None:
    one, two = write_manifest("one.yaml"), write_manifest("two.yaml")
    other = write_manifest("other.yaml", name="other")
    check_names([plan(one), plan(other)])
    twice = failure(lambda: check_names([plan(one), plan(one)]))
    assert twice.problems[0].what == "is given twice"
    assert twice.problems[0].file == one
    error = failure(lambda: check_names([plan(one), plan(other), plan(two)]))
    assert isinstance(error, CommandLineError)
    assert str(one) in error.problems[0].what
    assert str(two) in error.problems[0].what


def test_a_build_is_complete_according_to_its_lock(
    write_manifest: WriteManifest, tmp_path: Path
) -> None:
    done = build(plan(write_manifest()), tmp_path / "out", force=False, verify=smoke_test)
    assert done.folder == tmp_path / "out" / "boxes"
    assert done.warnings == ()
    files = yaml.safe_load((done.folder / "build.lock").read_text())["files"]
    present = {
        path.relative_to(done.folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in done.folder.rglob("*")
        if path.is_file() and path.name not in ("build.lock", "measured.md")
    }
    assert present == files


def test_a_function_that_does_not_work_does_not_replace_one_that_does(
    write_manifest: WriteManifest, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    folder = build(plan(write_manifest()), out, force=False).folder
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    # The file leaves the number of rows open, and gives only 3 when it runs.
    bad = models.save(
        tmp_path / "bad.onnx",
        {"output0": np.zeros((1, 3, 40), np.float32)},
        {"images": (1, 3, 64, 64)},
    )
    model = onnx.load(bad)
    model.graph.output[0].type.tensor_type.shape.dim[1].ClearField("dim_value")
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_param = "rows"
    onnx.save_model(model, bad)
    manifest = write_manifest(model="bad.onnx")
    error = failure(lambda: build(plan(manifest), out, force=False, verify=smoke_test))
    assert isinstance(error, ManifestError)
    assert error.problems[0].file == manifest
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert [path.name for path in out.iterdir()] == ["boxes"]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"title": 'A "title"', "description": "é"},
        {"variants": {"gpu": False}},
        {"variants": {"cpu": False}},
    ],
)
def test_nothing_differs_after_a_build(
    write_manifest: WriteManifest, tmp_path: Path, changes: dict[str, Any]
) -> None:
    manifest = write_manifest(**changes)
    build(plan(manifest), tmp_path / "out", force=False)
    assert diff(plan(manifest), tmp_path / "out") == ""


@pytest.mark.parametrize(
    "location",
    quick_and_slow(["weights.bin", "large.onnx.data", "model.onnx_data", "w"], ["weights.bin"]),
)
def test_nothing_differs_after_a_build_with_weights_in_another_file(
    write_manifest: WriteManifest, tmp_path: Path, location: str
) -> None:
    models.external_model(tmp_path / "large.onnx", location)
    manifest = write_manifest(model="large.onnx")
    build(plan(manifest), tmp_path / "out", force=False, verify=smoke_test)
    assert diff(plan(manifest), tmp_path / "out") == ""


def changed_lines(text: str) -> set[str]:
    return {
        line
        for line in text.splitlines()
        if line[:1] in "+-" and not line.startswith(("+++", "---"))
    }


def test_a_change_of_the_manifest_shows(write_manifest: WriteManifest, tmp_path: Path) -> None:
    build(plan(write_manifest()), tmp_path / "out", force=False)
    text = diff(plan(write_manifest(title="Changed")), tmp_path / "out")
    assert '-    name: "boxes"' in text
    assert '+    name: "Changed"' in text
    assert "--- boxes/nuclio/function.yaml" in text
    assert "+++ boxes/nuclio/function-gpu.yaml" in text
    assert "boxes/nuclio/main.py" not in text


def test_an_edit_of_a_file_shows_the_other_way_round(
    write_manifest: WriteManifest, tmp_path: Path
) -> None:
    manifest = write_manifest()
    folder = build(plan(manifest), tmp_path / "out", force=False).folder
    main = folder / "nuclio" / "main.py"
    main.write_text(main.read_text() + "x = 1\n")
    assert changed_lines(diff(plan(manifest), tmp_path / "out")) == {"-x = 1"}


def test_a_line_with_other_ends_of_lines_in_it_is_one_line(
    write_manifest: WriteManifest, tmp_path: Path
) -> None:
    manifest = write_manifest()
    folder = build(plan(manifest), tmp_path / "out", force=False).folder
    main = folder / "nuclio" / "main.py"
    main.write_text(main.read_text() + "x = 'a\u2028b\x0cc'\n")
    text = diff(plan(manifest), tmp_path / "out")
    assert [line for line in text.split("\n") if line.startswith("-x")] == ["-x = 'a\u2028b\x0cc'"]


@pytest.mark.parametrize("path", ["README.md", "build.lock", "nuclio/function.yaml"])
def test_a_file_that_was_deleted_shows_as_new(
    write_manifest: WriteManifest, tmp_path: Path, path: str
) -> None:
    manifest = write_manifest()
    folder = build(plan(manifest), tmp_path / "out", force=False).folder
    (folder / path).unlink()
    text = diff(plan(manifest), tmp_path / "out")
    assert f"--- /dev/null\n+++ boxes/{path}\n" in text
    assert not any(line.startswith("-") for line in changed_lines(text))


def test_before_the_first_build_everything_is_new_and_nothing_is_written(
    write_manifest: WriteManifest, tmp_path: Path
) -> None:
    text = diff(plan(write_manifest()), tmp_path / "out")
    assert "+++ boxes/README.md" in text
    assert "+++ boxes/nuclio/model_handler.py" in text
    assert "runtimes/step.py\n+++" not in text
    assert not (tmp_path / "out").exists()


def test_files_of_others_do_not_show(write_manifest: WriteManifest, tmp_path: Path) -> None:
    manifest = write_manifest()
    folder = build(plan(manifest), tmp_path / "out", force=False).folder
    for name in ("notes.txt", "nuclio/notes.py", "nuclio/functions.yaml"):
        (folder / name).write_text("mine\n")
    assert diff(plan(manifest), tmp_path / "out") == ""
    # For a build leaves them alone.
    build(plan(manifest), tmp_path / "out", force=False)
    assert (folder / "nuclio/functions.yaml").read_text() == "mine\n"


def test_another_model_shows_by_its_digest(write_manifest: WriteManifest, tmp_path: Path) -> None:
    manifest = write_manifest()
    build(plan(manifest), tmp_path / "out", force=False)
    models.yolo_model(tmp_path / "new.onnx", rows=())
    # Replaced, not written over: the built function may share the old file.
    (tmp_path / "new.onnx").replace(tmp_path / "model.onnx")
    digest = hashlib.sha256((tmp_path / "model.onnx").read_bytes()).hexdigest()
    assert f"+  nuclio/model.onnx: {digest}" in diff(plan(manifest), tmp_path / "out")


def test_one_variant_and_then_both(write_manifest: WriteManifest, tmp_path: Path) -> None:
    manifest, out = write_manifest(), tmp_path / "out"
    folder = build(plan(manifest, ("cpu",)), out, force=False).folder
    names = {path.name for path in (folder / "nuclio").iterdir()}
    assert "function.yaml" in names
    assert "function-gpu.yaml" not in names
    build(plan(manifest), out, force=False)
    both = {path.name for path in (folder / "nuclio").iterdir()}
    assert both == {*names, "function-gpu.yaml", "requirements-gpu.txt"}
    build(plan(manifest, ("cpu",)), out, force=False)
    assert {path.name for path in (folder / "nuclio").iterdir()} == names


def test_a_hand_edit_is_kept_unless_forced(write_manifest: WriteManifest, tmp_path: Path) -> None:
    manifest, out = write_manifest(), tmp_path / "out"
    folder = build(plan(manifest), out, force=False).folder
    (folder / "nuclio/function.yaml").write_text("mine")
    error = failure(lambda: build(plan(manifest), out, force=False))
    assert isinstance(error, OutputError)
    assert (folder / "nuclio/function.yaml").read_text() == "mine"
    build(plan(manifest), out, force=True)
    assert diff(plan(manifest), out) == ""


def test_a_built_directory_can_be_moved(write_manifest: WriteManifest, tmp_path: Path) -> None:
    manifest = write_manifest()
    build(plan(manifest), tmp_path / "out", force=False)
    shutil.move(tmp_path / "out", tmp_path / "moved")
    assert diff(plan(manifest), tmp_path / "moved") == ""


def test_without_a_current_folder_the_output_is_named_in_full(
    write_manifest: WriteManifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = write_manifest()
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert output_folder(manifest, None) == manifest.parent.resolve() / "build"
