from pathlib import Path

from tests.builder.cli.invoke import invoke
from tests.builder.conftest import Run, WriteManifest


def test_a_manifest_alone_is_built(run: Run, write_manifest: WriteManifest, tmp_path: Path) -> None:
    write_manifest()
    done = run("boxes.yaml")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "build/boxes/nuclio/function.yaml",
        "build/boxes/nuclio/function-gpu.yaml",
    ]
    assert done.stderr == ""
    assert (tmp_path / "build/boxes/nuclio/model.onnx").is_file()


def test_several_manifests_are_built(write_manifest: WriteManifest, tmp_path: Path) -> None:
    one, two = write_manifest("one.yaml", name="one"), write_manifest("two.yaml", name="two")
    status, out, _ = invoke("--variant", "cpu", "--no-smoke", "--out", tmp_path / "o", one, two)
    assert status == 0
    assert [Path(line).parts[-3] for line in out.splitlines()] == ["one", "two"]


def test_nothing_is_built_if_one_of_several_manifests_is_invalid(
    write_manifest: WriteManifest, tmp_path: Path
) -> None:
    good, bad = write_manifest("good.yaml"), write_manifest("bad.yaml", threshold=2)
    worse = write_manifest("worse.yaml", type="other")
    status, out, err = invoke("--no-smoke", "--out", tmp_path / "o", good, bad, worse)
    assert (status, out) == (1, "")
    assert str(bad) in err
    assert str(worse) in err
    assert not (tmp_path / "o").exists()


def test_a_file_edited_by_hand_is_overwritten_only_with_force(
    write_manifest: WriteManifest, tmp_path: Path
) -> None:
    manifest, out = write_manifest(), tmp_path / "out"
    invoke("--no-smoke", "--out", out, manifest)
    (out / "boxes/nuclio/main.py").write_text("mine")
    status, _, err = invoke("--no-smoke", "--out", out, manifest)
    assert status == 1
    assert "nuclio/main.py" in err
    assert "--force" in err
    assert invoke("--no-smoke", "--force", "--out", out, manifest)[0] == 0
    assert (out / "boxes/nuclio/main.py").read_text() != "mine"


def test_an_impossible_output_directory_is_status_1(
    write_manifest: WriteManifest, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    for out in (tmp_path / "file", tmp_path / ("x" * 300)):
        status, text, err = invoke("--no-smoke", "--out", out, write_manifest())
        assert (status, text) == (1, "")
        assert err.startswith("error: ")
