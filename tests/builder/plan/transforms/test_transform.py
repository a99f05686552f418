import hashlib
from pathlib import Path

import pytest

from builder.lint.examine import plan
from builder.plan.content import read
from builder.plan.plan import Plan
from builder.plan.transforms.doc_strings import without_doc_strings
from builder.plan.transforms.folding import with_folded_preprocessing
from builder.plan.transforms.transform import TRANSFORMS, transformed
from builder.run.smoke import smoke_test
from builder.targets.build import build, diff
from builder.targets.bundle import render
from builder.targets.lock import Lock
from tests.builder.conftest import WriteManifest


def test_a_build_folds_preprocessing_by_default(documented: Plan) -> None:
    assert TRANSFORMS[-1] is with_folded_preprocessing
    assert list(transformed(documented).contents) == ["model.onnx"]
    assert documented.files == documented.sources


def test_transforms_are_applied_in_order(ready_plan: Plan) -> None:
    def append(letter: bytes) -> object:
        def transform(plan: Plan) -> Plan:
            content = plan.contents.get("model.onnx", b"")
            return plan.with_contents({"model.onnx": read(content) + letter})

        return transform

    found = transformed(ready_plan, (append(b"a"), append(b"b")))  # type: ignore[arg-type]
    assert found.files["model.onnx"] == b"ab"


def test_only_files_of_the_plan_can_be_replaced(ready_plan: Plan) -> None:
    with pytest.raises(ValueError, match=r"no model file is called other\.onnx"):
        ready_plan.with_contents({"other.onnx": b""})


def test_the_lock_records_the_source_and_the_written_file(documented: Plan, tmp_path: Path) -> None:
    ready = without_doc_strings(documented)
    done = build(ready, tmp_path / "out", force=False, verify=smoke_test)
    written = (done.folder / "nuclio" / "model.onnx").read_bytes()
    source = documented.sources["model.onnx"].read_bytes()
    assert b"/home/me" in source
    assert b"/home/me" not in written
    lock = Lock.read(done.folder)
    assert lock is not None
    assert lock.files["nuclio/model.onnx"] == hashlib.sha256(written).hexdigest()
    assert lock.sources == {"nuclio/model.onnx": hashlib.sha256(source).hexdigest()}
    # The README lists the digests of the files beside it.
    assert lock.files["nuclio/model.onnx"] in (done.folder / "README.md").read_text()
    assert diff(ready, tmp_path / "out") == ""


def test_a_lock_without_replaced_files_has_no_sources(write_manifest: WriteManifest) -> None:
    content = render(plan(write_manifest(fold_preprocessing=False)))["build.lock"]
    assert isinstance(content, bytes)
    assert b"sources" not in content
    assert b"changes" not in content
