from pathlib import Path

import pytest

from builder.diagnostics.errors import BuiltError, CommandLineError
from builder.manifest.variants import VariantName
from builder.plan.difference import Difference
from builder.plan.reduction import Reduction
from builder.targets.built import built_variants, describe
from builder.targets.lock import LOCK, Lock, recorded
from tests.builder.conftest import failure


def problem_of(folder: Path, variant: VariantName = "cpu") -> str:
    error = failure(lambda: describe(folder, variant))
    assert isinstance(error, BuiltError | CommandLineError)
    return str(error)


@pytest.mark.parametrize("variant", ["cpu", "gpu"])
def test_a_variant_is_described_by_its_configuration(
    built_once: Path, variant: VariantName
) -> None:
    found = describe(built_once, variant)
    assert found.type == "detector"
    assert [label["name"] for label in found.labels] == ["cat", "dog", "bird"]
    assert found.annotations["name"] == "boxes"
    assert found.environment == {"CVATBUILD_VARIANT": variant, "OPENBLAS_NUM_THREADS": "1"}
    assert found.code_folder == (built_once / "nuclio").resolve()


def test_the_variants_of_a_directory(built: Path, tmp_path: Path) -> None:
    assert built_variants(built) == ("cpu", "gpu")
    (built / "nuclio/function.yaml").unlink()
    assert built_variants(built) == ("gpu",)
    assert built_variants(tmp_path) == ()
    assert built_variants(tmp_path / "absent") == ()


@pytest.mark.parametrize(
    "path", ["nuclio/model.onnx", "nuclio/runtimes/service.py", "nuclio/main.py", "README.md"]
)
def test_a_missing_file_is_named(built: Path, path: str) -> None:
    (built / path).unlink()
    text = problem_of(built)
    assert "not complete: 1 " in text
    assert path in text
    assert "cvatbuild" in text
    assert "boxes.yaml" in text


@pytest.mark.parametrize("lock", [None, "", "files: [", "5", "files: {}\n", "manifest: {a: b}\n"])
def test_a_directory_without_a_readable_lock(built: Path, lock: str | None) -> None:
    (built / "build.lock").unlink()
    if lock is not None:
        (built / "build.lock").write_text(lock)
    assert "build.lock" in problem_of(built)


@pytest.mark.parametrize(
    ("lock", "reason"),
    [
        (b"files: {}\nmanifest: ]", "is not YAML, line 2"),
        (b"\xff\xfe\x00", "is not UTF-8 text"),
        (b"files: 3\n", "`files` has no keys and values"),
        (b"files: {}\nprecision: {cpu: 3}\n", "`precision` has no keys and values"),
        (b"manifest: {a: b}\n", "no key files"),
        (b"files: {}\n", "no key manifest"),
    ],
)
def test_the_reason_why_a_lock_cannot_be_used_is_named(
    built: Path, lock: bytes, reason: str
) -> None:
    (built / "build.lock").write_bytes(lock)
    assert f"build.lock is not one that cvatbuild wrote\n  found:   {reason}\n" in problem_of(built)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no key metadata"),
        ("metadata: 3", "no key metadata.name"),
        ("metadata: []", "no key metadata.name"),
        ("metadata:\n  - }", "is not YAML, line 2"),
        ("metadata: {name: a, annotations: {type: cat, spec: '[]'}}", "unknown function type: cat"),
        (
            "metadata: {name: a, annotations: {type: reid, spec: '['}}",
            "metadata.annotations.spec is not JSON",
        ),
        ("metadata: {name: a, annotations: {type: reid, spec: '[]'}}", "no key spec"),
        (
            "metadata: {name: a, annotations: {type: reid, spec: '[]'}}\nspec: {env: 5}",
            "spec.env is not a list",
        ),
    ],
)
def test_the_reason_why_a_configuration_cannot_be_used_is_named(
    built: Path, text: str, reason: str
) -> None:
    (built / "nuclio/function.yaml").write_text(text)
    assert f"\n  found:   {reason}\n" in problem_of(built)


def test_a_variant_that_was_not_built(built: Path) -> None:
    (built / "nuclio/function-gpu.yaml").unlink()
    text = problem_of(built, "gpu")
    assert "built: cpu" in text
    assert "--variant cpu" in text


def test_a_path_that_is_not_a_function(built: Path, tmp_path: Path) -> None:
    assert "is not a function" in problem_of(tmp_path)
    assert "there is no such directory" in problem_of(tmp_path / "absent")
    (tmp_path / "file").write_text("x")
    assert "is not a function" in problem_of(tmp_path / "file")
    hint = f"did you mean '{built}'?"
    assert hint in problem_of(built.parent)
    assert hint in problem_of(built / "nuclio")
    assert hint in problem_of(built.with_name("boxs"))
    above = built.parent.with_name(built.parent.name[:-1] + "x")
    assert hint in problem_of(above / built.name)
    assert "build it first" in problem_of(built.with_name("other"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "a: [",
        "metadata: {}",
        "metadata: {annotations: []}",
        "metadata: {annotations: {name: a, type: x, spec: '[]'}}\nspec: {env: []}\n",
        "metadata: {annotations: {name: a, type: reid, spec: '['}}\nspec: {env: []}\n",
        "metadata: {annotations: {name: a, type: reid, spec: '[]'}}\nspec: {env: [5]}\n",
        "metadata: {annotations: {name: a, type: reid, spec: '[]'}}\nspec: {env: [{name: A}]}\n",
    ],
)
def test_a_configuration_that_cvatbuild_did_not_write(built: Path, text: str) -> None:
    (built / "nuclio/function.yaml").write_text(text)
    assert "is not a function.yaml that cvatbuild wrote" in problem_of(built)
    assert " object at 0x" not in problem_of(built)


def test_a_path_that_is_too_long_is_not_a_function(tmp_path: Path) -> None:
    assert "there is no such directory" in problem_of(tmp_path / ("x" * 300))


def test_the_differences_of_a_lock_can_be_read_again(tmp_path: Path) -> None:
    difference = Difference(3, 12, {"box": 0.5, "lost": 0.0})
    reduction = Reduction(
        "gpu",
        "fp16",
        ("model-gpu.onnx",),
        {},
        b"",
        lambda: difference,
        {"photos/1.jpg": "ab"},
        "key",
        difference,
    )
    lock = Lock("1", {}, {}, {}, {}, *recorded([reduction]))
    (tmp_path / LOCK).write_text(lock.text(), "utf-8")
    found = Lock.read(tmp_path)
    assert found == lock
    assert found.differences == {"key": difference}
    assert found.calibration == {"photos/1.jpg": "ab"}


@pytest.mark.parametrize(
    "text",
    ["{gpu: {}}", "{gpu: {key: a, images: x, objects: 1, difference: {}}}", "{gpu: {key: 1}}"],
)
def test_differences_that_are_not_valid_are_ignored(tmp_path: Path, text: str) -> None:
    (tmp_path / LOCK).write_text(f"files: {{}}\nprecision: {text}\n", "utf-8")
    lock = Lock.read(tmp_path)
    assert lock is not None
    assert lock.differences == {}
