from pathlib import Path

import pytest

from builder.deploy import bundle
from builder.deploy.commands import Runner
from builder.doctor.docker import Engine
from tests.builder.cli.invoke import invoke
from tests.builder.conftest import WriteManifest
from tests.builder.deploy.test_bundle import Recorder


def test_a_bundle_and_the_images_that_are_not_in_it(
    write_manifest: WriteManifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def recorder(_: object) -> Runner:
        return Recorder()

    monkeypatch.setattr("builder.deploy.commands.Runner", recorder)
    monkeypatch.setattr("builder.doctor.docker.find", lambda: Engine("28.0", "28.0", "amd64"))
    manifest, out = write_manifest(), tmp_path / "out"
    status, printed, errors = invoke(
        "bundle", manifest, "--out", out, "--nuctl", "1.13.0", "--no-smoke"
    )
    assert (status, printed) == (0, f"{out / 'build.sh'}\n")
    for name in bundle.images("python:3.11-slim", "1.13.0", "amd64"):
        assert f"not in the bundle, since Docker does not have it here: {name}\n" in errors


@pytest.mark.parametrize("version", ["latest", "1.16", "1.16.3-amd64", "$(id)"])
def test_a_version_of_nuctl_that_is_none(write_manifest: WriteManifest, version: str) -> None:
    status, _, errors = invoke("bundle", write_manifest(), "--nuctl", version)
    assert status == 2
    assert "--nuctl" in errors
    assert version in errors


def test_a_directory_with_files_is_kept(write_manifest: WriteManifest, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").touch()
    status, _, errors = invoke("bundle", write_manifest(), "--out", tmp_path / "out")
    assert status == 1
    assert "the directory has files" in errors
