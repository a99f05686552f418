import os
from pathlib import Path

import pytest

from builder.doctor import python
from tests.builder.doctor.conftest import check_form


@pytest.mark.parametrize("version", [(3, 10, 14), (3, 9, 0), (2, 7, 18)])
def test_an_old_python_is_an_error(version: tuple[int, ...]) -> None:
    result = next(iter(python.check(version)))
    check_form([result])
    assert result.severity == "error"
    assert result.what == f"Python {'.'.join(map(str, version))} is too old"


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 12, 4), (4, 0, 0)])
def test_python_3_11_and_newer_is_ok(version: tuple[int, ...]) -> None:
    result = next(iter(python.check(version)))
    check_form([result])
    assert result.severity == "ok"


def test_a_package_that_cannot_be_imported_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cv2.py").write_text("raise ImportError('libGL.so.1: cannot open')\n", "utf-8")
    # A library that does not fit the processor ends the whole process.
    (tmp_path / "orjson.py").write_text("import os; os.kill(os.getpid(), 9)\n", "utf-8")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path)
    found = [result for result in python.check() if result.severity == "error"]
    check_form(found)
    assert [result.what for result in found] == [
        "package opencv-python-headless cannot be imported: ImportError: libGL.so.1: cannot open",
        "package orjson cannot be imported: exit status -9",
    ]
    assert found[0].remedy == "pip install --force-reinstall opencv-python-headless"


def test_packages_that_overwrite_each_other_are_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("onnxruntime", "onnxruntime-gpu"):
        folder = tmp_path / f"{package.replace('-', '_')}-1.0.dist-info"
        folder.mkdir()
        text = f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n"
        (folder / "METADATA").write_text(text, "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = [result for result in python.check() if result.severity == "warning"]
    check_form(found)
    assert "onnxruntime and onnxruntime-gpu are both installed" in " ".join(
        result.what for result in found
    )
