import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from builder.doctor.check_result import CheckResult
from builder.doctor.examination import examine, script
from tests.builder.cli.invoke import invoke
from tests.builder.doctor.conftest import Program, check_form, says

SUBJECTS = ["python", "openvino", "onnxruntime", "nvidia", "docker", "nuctl", "disk"]


@pytest.fixture(scope="module")
def found() -> list[CheckResult]:
    """The results on the machine that runs the tests."""
    return list(examine())


def put_in_place_of(module: str, text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace a module in child processes."""
    (folder / f"{module}.py").write_text(text, "utf-8")
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path)


def objects(out: str) -> list[dict[str, Any]]:
    """The JSON objects of an output, one per line."""
    return [json.loads(line) for line in out.splitlines()]


def test_every_subject_is_checked_in_order(found: list[CheckResult]) -> None:
    check_form(found)
    assert list(dict.fromkeys(result.subject for result in found)) == SUBJECTS


@pytest.mark.parametrize("subject", ["python", "openvino", "onnxruntime"])
def test_the_requirements_of_the_tests_are_ok(found: list[CheckResult], subject: str) -> None:
    severities = [result.severity for result in found if result.subject == subject]
    assert severities[0] == "ok"
    assert "error" not in severities


def test_the_disks_of_the_tests_are_no_error(found: list[CheckResult]) -> None:
    severities = [result.severity for result in found if result.subject == "disk"]
    assert len(severities) == 3
    assert "error" not in severities


def test_requirements_of_deployment_or_a_gpu_are_no_errors(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in_place_of("onnxruntime", "raise ImportError('no')\n", tmp_path, monkeypatch)
    program("nvidia-smi", says("NVIDIA T4, 470.1, 7.5\n"))
    program("docker", says("nonsense"))
    program("nuctl", says("Label: 1.11.24,"))
    status, out, err = invoke("doctor", "--json")
    assert (status, err) == (0, "")
    worst = {one["subject"] for one in objects(out) if one["severity"] == "warning"}
    assert worst >= {"onnxruntime", "nvidia", "docker", "nuctl"}
    assert all(one["severity"] != "error" for one in objects(out))


def test_json_is_one_object_per_line_with_the_same_keys(program: Program) -> None:
    program("nuctl", says("Label: 1.15.2,"))
    status, out, err = invoke("doctor", "--json")
    assert (status, err) == (0, "")
    found = objects(out)
    keys = ["subject", "severity", "what", "remedy", "commands", "blocks_deploy"]
    assert all(list(one) == keys for one in found)
    nuctl = {"subject": "nuctl", "severity": "ok", "what": "nuctl 1.15.2", "remedy": ""}
    assert {**nuctl, "commands": [], "blocks_deploy": False} in found


def test_fix_prints_commands_and_what_no_command_fixes() -> None:
    results = [
        CheckResult("a", "ok", "fine"),
        CheckResult("b", "warning", "no b", "install b", ("get b", "start b")),
        CheckResult("c", "error", "no c", "buy c"),
        CheckResult("d", "warning", "no d", "install b", ("get b",)),
    ]
    assert script(results).splitlines() == [
        "# b: no b",
        "get b",
        "start b",
        "# c: no c",
        "# buy c",
        "# d: no d",
        "# install b",
    ]
    assert script(results[:1]) == ""


@pytest.mark.slow
def test_the_script_of_fix_is_valid(program: Program) -> None:
    status, out, err = invoke("doctor", "--fix")
    assert (status, err) == (0, "")
    assert "# nuctl: nuctl is not on the PATH" in out
    assert "/nuctl-1.16.3-" in out
    # Nothing is run: the shell only reads the lines.
    subprocess.run(["/bin/sh", "-n"], input=out, text=True, check=True)


def test_without_openvino_the_status_is_1_and_the_rest_is_printed(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in_place_of("openvino", "raise ImportError('no')\n", tmp_path, monkeypatch)
    program("nuctl", says("Label: 1.11.24,"))
    status, out, err = invoke("doctor")
    assert (status, err) == (1, "")
    assert "\x1b" not in out
    lines = out.splitlines()
    broken = lines.index("error    openvino     OpenVINO cannot be used: ImportError: no")
    assert lines[broken + 1].strip() == "remedy: pip install --force-reinstall openvino"
    subjects = [line.split()[1] for line in lines if not line.startswith(" ")]
    assert list(dict.fromkeys(subjects)) == SUBJECTS


@pytest.mark.slow
def test_a_machine_without_directories_and_programs_is_examined(
    tmp_path: Path,
) -> None:
    (tmp_path / "gone").mkdir()
    (tmp_path / "home").mkdir(mode=0)
    done = subprocess.run(
        ["/bin/sh", "-c", '/bin/rmdir "$PWD"; exec "$0" -m builder doctor', sys.executable],
        cwd=tmp_path / "gone",
        env={
            "HOME": str(tmp_path / "home" / "me"),
            "PATH": "",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "no directory for functions: No such file or directory" in done.stdout
    subjects = [line.split()[1] for line in done.stdout.splitlines() if line[0] != " "]
    assert list(dict.fromkeys(subjects)) == SUBJECTS
