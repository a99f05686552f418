import json

import pytest

from builder.doctor import cvat
from tests.builder.doctor.conftest import Program, check_form, only, says


def machine(program: Program, engine: str, nuctl: str, *images: str) -> None:
    """Put docker and nuctl of some versions on the PATH; `images` run."""
    versions = {"Client": {"Version": engine}, "Server": {"Version": engine, "Arch": "amd64"}}
    program(
        "docker",
        f"if sys.argv[1] == 'ps': {says(chr(10).join(images))}",
        says(json.dumps(versions)),
    )
    program("nuctl", says(f'Client version:\n"Label: {nuctl}, Git commit: 1a2b3c"\n'))


def test_versions_that_fit_are_ok(program: Program) -> None:
    images = ("cvat/ui:v2.73.0", "cvat/server:v2.73.0", "quay.io/nuclio/dashboard:1.16.9-amd64")
    machine(program, "29.1.0", "1.16.3", *images)
    found = list(cvat.check())
    check_form(found)
    assert [(it.severity, it.what) for it in found] == [
        ("ok", "CVAT 2.73.0"),
        ("ok", "Nuclio 1.16.9"),
    ]


def test_nothing_is_said_about_programs_that_do_not_run(program: Program) -> None:
    assert list(cvat.check()) == []
    machine(program, "29.1.0", "1.16.3", "postgres:15", "nuclio/other:1.0.0")
    assert list(cvat.check()) == []


def test_docker_29_and_an_old_nuclio(program: Program) -> None:
    machine(program, "29.0.1", "1.13.0", "quay.io/nuclio/dashboard:1.13.0-amd64")
    refused, vulnerable = cvat.check()
    check_form([refused, vulnerable])
    assert refused.what.startswith("Docker 29.0.1 refuses the client in Nuclio 1.13.0")
    assert "DOCKER_MIN_API_VERSION=1.24" in "\n".join(refused.commands)
    assert "CVE-2026-45730" in vulnerable.what
    machine(program, "28.5.2", "1.13.0", "quay.io/nuclio/dashboard:1.13.0-amd64")
    assert "vulnerabilities" in only(cvat.check()).what


def test_nuctl_of_another_version(program: Program) -> None:
    machine(program, "28.0.0", "1.13.0", "quay.io/nuclio/dashboard:1.16.9-amd64")
    result = only(cvat.check())
    check_form([result])
    assert result.what.startswith("nuctl 1.13.0 and Nuclio 1.16.9 are of different versions")
    assert any("/1.16.9/nuctl-1.16.9-" in command for command in result.commands)


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (("cvat/server:v2.73.0",), "runs without Nuclio's dashboard"),
        (
            ("cvat/server:v2.73.0", "quay.io/nuclio/dashboard:1.16.0-amd64"),
            "comes with Nuclio 1.16.3",
        ),
        (("cvat/server:dev",), ""),
    ],
)
def test_cvat_and_its_nuclio(program: Program, images: tuple[str, ...], expected: str) -> None:
    machine(program, "28.0.0", "1.16.3", *images)
    found = [it for it in cvat.check() if it.subject == "cvat" and it.severity != "ok"]
    assert [expected in it.what for it in found] == ([True] if expected else [])
