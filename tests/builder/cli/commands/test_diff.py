import os
import subprocess
import sys
from pathlib import Path

from tests.builder.cli.invoke import invoke
from tests.builder.conftest import WriteManifest


def test_diff_is_empty_after_a_build_and_fails_after_a_change(
    write_manifest: WriteManifest, tmp_path: Path
) -> None:
    manifest, out = write_manifest(), tmp_path / "out"
    assert invoke("--no-smoke", "--out", out, manifest)[0] == 0
    assert invoke("diff", "--out", out, manifest) == (0, "", "")
    write_manifest(threshold=0.5)
    status, text, err = invoke("diff", "--out", out, manifest)
    assert (status, err) == (1, "")
    assert "\n-    threshold=0.25,\n+    threshold=0.5,\n" in text


def test_a_closed_pipe_causes_no_traceback(write_manifest: WriteManifest, tmp_path: Path) -> None:
    manifest = write_manifest()
    done = subprocess.run(
        f'"{sys.executable}" -m builder diff "{manifest}" | true',
        shell=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        cwd=tmp_path,
        check=False,
    )
    assert "Traceback" not in done.stderr
