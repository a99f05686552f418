from pathlib import Path

import pytest
import yaml

from builder.diagnostics.errors import CommandLineError, ManifestError
from builder.evaluation.manifest_threshold import require_manifest_of, write_threshold
from builder.targets.lock import LOCK, Lock

MANIFEST = """\
# Our detector
name: boxes  # as in CVAT
type: detector
threshold:   0.25   # tuned by hand
postprocess:
  - yolo: {threshold: 0.9}
"""


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    file = tmp_path / "boxes.yaml"
    file.write_text(MANIFEST)
    return file


def test_only_the_value_changes(manifest: Path) -> None:
    write_threshold(manifest, 0.41)
    assert manifest.read_text() == MANIFEST.replace("0.25", "0.41")


def test_a_missing_key_is_added_after_the_type(manifest: Path) -> None:
    manifest.write_text("name: boxes\ntype: detector # here\nmodel: m.onnx\n")
    write_threshold(manifest, 0.4)
    assert manifest.read_text() == (
        "name: boxes\ntype: detector # here\nthreshold: 0.4\nmodel: m.onnx\n"
    )
    manifest.write_text("name: boxes\ntype: detector")
    write_threshold(manifest, 0.4)
    assert yaml.safe_load(manifest.read_text())["threshold"] == 0.4


def test_line_ends_and_permissions_stay(manifest: Path) -> None:
    manifest.write_bytes(MANIFEST.replace("\n", "\r\n").encode())
    manifest.chmod(0o640)
    write_threshold(manifest, 0.41)
    assert manifest.read_bytes().count(b"\r\n") == MANIFEST.count("\n")
    assert manifest.stat().st_mode & 0o777 == 0o640
    assert list(manifest.parent.iterdir()) == [manifest]


@pytest.mark.parametrize(
    "text",
    [
        "{name: boxes, type: detector, threshold: 0.25}\n",
        "name: &n 0.25\ntype: detector\nthreshold: *n\n",
        "name: boxes\nthen: {threshold: 1}\n",
    ],
)
def test_a_manifest_that_cannot_be_edited_safely_is_left_alone(text: str, manifest: Path) -> None:
    manifest.write_text(text)
    with pytest.raises(CommandLineError, match="cannot be written without") as caught:
        write_threshold(manifest, 0.41)
    assert "threshold: 0.41" in caught.value.problems[0].hint
    assert manifest.read_text() == text


def test_the_function_must_be_built_from_the_manifest(manifest: Path, tmp_path: Path) -> None:
    (tmp_path / LOCK).write_text(Lock("1", {"boxes.yaml": "0"}, {}).text())
    require_manifest_of(manifest, tmp_path)
    other = tmp_path / "other.yaml"
    other.write_text(MANIFEST)
    with pytest.raises(CommandLineError, match="is not the manifest that") as caught:
        require_manifest_of(other, tmp_path)
    assert caught.value.problems[0].allowed == "boxes.yaml"
    manifest.write_text("a: [")
    with pytest.raises(ManifestError):
        require_manifest_of(manifest, tmp_path)
