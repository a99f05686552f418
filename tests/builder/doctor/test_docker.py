import json
from functools import partial
from typing import Any

import pytest

from builder.doctor import docker, programs
from tests.builder.doctor.conftest import HANGS, Program, check_form, only, says

CLIENT = {"Client": {"Version": "28.2.2"}}
BOTH = {**CLIENT, "Server": {"Version": "27.5.1"}}


def engine(runtimes: dict[str, Any]) -> list[str]:
    """The lines of a `docker` program that is connected to an engine."""
    return [
        f"if sys.argv[1] == 'info': {says(json.dumps(runtimes))}",
        says(json.dumps(BOTH)),
    ]


def test_a_client_and_an_engine_are_ok(program: Program) -> None:
    program("docker", *engine({"runc": {}}))
    result = only(docker.check())
    check_form([result])
    assert (result.severity, result.what) == ("ok", "Docker 28.2.2, engine 27.5.1")


def test_no_docker_is_a_warning(program: Program) -> None:
    result = only(docker.check())
    check_form([result])
    assert result.severity == "warning"
    assert result.what.startswith("docker is not on the PATH")


@pytest.mark.parametrize(
    ("complaint", "remedy"),
    [
        ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock.", "start the engine"),
        ("Got permission denied while trying to connect to the Docker daemon", "group docker"),
    ],
)
def test_a_client_without_an_engine_is_a_warning(
    program: Program, complaint: str, remedy: str
) -> None:
    program("docker", says(json.dumps({**CLIENT, "Server": None}), complaint + "\n", 1))
    result = only(docker.check())
    check_form([result])
    assert result.severity == "warning"
    consequence = "functions can be built but not deployed"
    what = f"Docker 28.2.2 cannot connect to an engine; {consequence}: {complaint.rstrip('.')}"
    assert result.what == what
    assert remedy in result.remedy


@pytest.mark.parametrize(
    "out",
    [
        "",
        "no JSON",
        "[]",
        "null",
        "{}",
        '{"Client": null}',
        '{"Client": {"Version": "1"}, "Server": "2"}',
        '{"Client": {"Version": "1"}, "Server": [2]}',
    ],
)
def test_invalid_output_is_a_warning(program: Program, out: str) -> None:
    program("docker", says(out, "what is this\n"))
    result = only(docker.check())
    check_form([result])
    assert (result.severity, result.what) == (
        "warning",
        "unexpected output of `docker version`: what is this",
    )


def test_an_engine_that_hangs_is_a_warning(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    program("docker", HANGS)
    monkeypatch.setattr(docker, "run_program", partial(programs.run_program, seconds=0.2))
    result = only(docker.check())
    check_form([result])
    assert (result.severity, result.what) == ("warning", "docker does not respond within 0.2 s")


def test_a_gpu_without_the_container_toolkit_is_a_warning(program: Program) -> None:
    program("nvidia-smi", says())
    program("docker", *engine({"runc": {}}))
    ok, warning = docker.check()
    check_form([ok, warning])
    assert (ok.severity, warning.severity) == ("ok", "warning")
    assert "NVIDIA Container Toolkit" in warning.what


def test_a_runtime_or_a_hook_enables_the_gpu(program: Program) -> None:
    program("nvidia-smi", says())
    program("docker", *engine({"runc": {}, "nvidia": {"path": "nvidia-container-runtime"}}))
    assert only(docker.check()).severity == "ok"
    program("docker", *engine({"runc": {}}))
    program("nvidia-container-runtime-hook", says())
    assert only(docker.check()).severity == "ok"
