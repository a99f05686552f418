import subprocess
import sys
from importlib.abc import MetaPathFinder
from pathlib import Path

import pytest

from builder import __version__
from builder.__main__ import main
from tests.builder.cli.invoke import invoke
from tests.builder.conftest import Run, WriteManifest

COMMANDS = ["bench", "build", "check", "diff", "doctor", "init", "inspect", "predict", "schema"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    status, out, err = invoke(command, "--help")
    assert status == 0
    assert f"cvatbuild {command}" in out
    assert err == ""


def test_help_lists_every_command() -> None:
    status, out, err = invoke("--help")
    assert (status, err) == (0, "")
    assert all(f"\n  {command} " in out for command in COMMANDS)


def test_without_arguments_there_is_help_and_status_2(run: Run) -> None:
    done = run()
    assert done.returncode == 2
    assert "Usage: " in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_version() -> None:
    assert invoke("--version") == (0, f"cvatbuild {__version__}\n", "")


def test_help_imports_no_slow_module() -> None:
    program = (
        "import sys\n"
        "sys.argv = ['cvatbuild', '--help']\n"
        "from builder.cli.app import run\n"
        "try:\n"
        "    run()\n"
        "except SystemExit as exit:\n"
        "    assert not exit.code\n"
        "print('\\nLOADED', *sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.rsplit("LOADED", 1)[1].split())
    assert "builder.cli.app" in loaded
    slow = {"numpy", "cv2", "pydantic", "onnx", "openvino", "onnxruntime", "yaml", "rich"}
    assert loaded.isdisjoint(slow)


@pytest.mark.parametrize(
    "words",
    [
        ["build", "--variant", "cpu", "--no-smoke"],
        ["--variant", "cpu", "--no-smoke"],
        ["--no-smoke", "--variant=cpu"],
    ],
)
def test_options_may_stand_before_or_after_manifests_with_or_without_the_command(
    write_manifest: WriteManifest, tmp_path: Path, words: list[str]
) -> None:
    manifest = write_manifest()
    out = tmp_path / "out"
    expected = f"{out}/boxes/nuclio/function.yaml\n"
    assert invoke(*words, "--out", out, manifest) == (0, expected, "")
    command, options = (words[:1], words[1:]) if words[0] == "build" else ([], words)
    assert invoke(*command, manifest, *options, "--out", out) == (0, expected, "")


@pytest.mark.parametrize("command", [[], ["build"], ["check"], ["diff"]])
@pytest.mark.parametrize(
    "name",
    ["absent.yaml", "folder", "absent/x.yaml", "x" * 300 + ".yaml", "", "\x00"],
    ids=lambda name: repr(name[:14]),
)
def test_a_path_without_a_manifest_is_a_command_line_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    status, out, err = invoke(*command, name)
    assert (status, out) == (2, "")
    assert err.startswith(("error: ", "Usage: "))


@pytest.mark.parametrize(
    ("word", "meant"), [("chek", "check"), ("biuld", "build"), ("predct", "predict")]
)
def test_a_mistyped_command_gets_a_suggestion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str, meant: str
) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = invoke(word, "m.yaml")
    assert (status, out) == (2, "")
    assert f"did you mean '{meant}'?" in err


def test_a_mistyped_manifest_gets_a_suggestion(write_manifest: WriteManifest) -> None:
    manifest = write_manifest()
    status, _, err = invoke(manifest.with_name("boxs.yaml"))
    assert status == 2
    assert "did you mean 'boxes.yaml'?" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--nonsense", "m.yaml"],
        ["build"],
        ["build", "--variant", "tpu", "m.yaml"],
        ["build", "--out"],
        ["check"],
        ["predict"],
        ["predict", "build/boxes"],
        ["predict", "build/boxes", "x.png", "--threshold", "-1"],
        ["predict", "build/boxes", "x.png", "--threshold", "high"],
    ],
)
def test_a_wrong_command_line_is_status_2(arguments: list[str]) -> None:
    status, out, err = invoke(*arguments)
    assert (status, out) == (2, "")
    assert err


def test_no_traceback_reaches_a_terminal(run: Run, write_manifest: WriteManifest) -> None:
    write_manifest(model="absent.onnx")
    done = run("boxes.yaml")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: boxes.yaml:3:1: model: ")
    assert "Traceback" not in done.stderr


def test_manifests_with_the_same_name_are_reported_and_not_built(
    write_manifest: WriteManifest, tmp_path: Path
) -> None:
    one, two = write_manifest("one.yaml"), write_manifest("two.yaml")
    for command, expected in (("build", 2), ("check", 1)):
        status, out, err = invoke(command, one, two)
        assert (status, out) == (expected, "")
        assert "boxes" in err
        assert "[duplicate-function]" in err
    assert not (tmp_path / "build").exists()


def test_an_unknown_value_of_an_option_is_told_with_the_allowed_ones(tmp_path: Path) -> None:
    status, _, err = invoke("predict", tmp_path, tmp_path / "x.png", "--variant", "tpu")
    assert status == 2
    assert "'tpu' is not one of 'cpu', 'gpu'" in err
    assert "Value error" not in err


def test_an_interrupted_import_ends_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupt(MetaPathFinder):
        def find_spec(self, name: str, *arguments: object) -> None:
            if name == "builder.cli.app":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "builder.cli.app")
    monkeypatch.setattr(sys, "meta_path", [Interrupt()])
    with pytest.raises(SystemExit) as exit_:
        main()
    assert exit_.value.code == 130
