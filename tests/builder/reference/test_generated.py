import subprocess
import sys
from pathlib import Path

import pytest

from builder.reference import __main__ as program
from builder.reference.generated import difference, texts, write
from tests.paths import ROOT


@pytest.fixture(scope="module")
def generated() -> dict[str, str]:
    """Path -> text of every generated file."""
    return texts()


@pytest.fixture(autouse=True)
def _generate_once(generated: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all functions use the same texts, since generating them takes long."""
    monkeypatch.setattr("builder.reference.generated.texts", lambda: generated)


def test_the_committed_files_are_up_to_date(generated: dict[str, str]) -> None:
    # Run `python -m builder.reference` after a change.
    for path, text in generated.items():
        assert (ROOT / path).read_text("utf-8") == text, path


def test_no_stale_file_is_committed() -> None:
    assert difference(ROOT) == ""


def test_write_creates_all_files_and_deletes_stale_ones(
    tmp_path: Path, generated: dict[str, str]
) -> None:
    stale = tmp_path / "docs/manifest/gone.md"
    stale.parent.mkdir(parents=True)
    stale.write_text("old\n")
    assert difference(tmp_path).count("--- a/docs/manifest/gone.md\n") == 1
    write(tmp_path)
    assert difference(tmp_path) == ""
    written = {file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*.*")}
    assert written == set(generated)


def test_the_difference_names_the_file_and_the_line(tmp_path: Path) -> None:
    write(tmp_path)
    path = tmp_path / "docs/manifest/reid.md"
    path.write_text(path.read_text("utf-8").replace("# ReID\n", "# Other\n", 1), "utf-8")
    changes = difference(tmp_path)
    assert "--- a/docs/manifest/reid.md\n+++ b/docs/manifest/reid.md\n" in changes
    assert "-# Other\n+# ReID\n" in changes


def test_check_prints_the_difference_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["reference", *arguments])
        return program.main()

    monkeypatch.setattr(program, "ROOT", tmp_path)
    assert run("--check") == 1
    out, err = capsys.readouterr()
    assert "+++ b/docs/manifest.md\n" in out
    assert err == ""
    assert list(tmp_path.iterdir()) == []
    assert run() == 0
    assert run("--check") == 0
    assert capsys.readouterr().out == ""


@pytest.mark.slow
def test_the_reference_is_a_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "builder.reference", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
