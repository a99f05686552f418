import pytest

from builder.cli.names import require_name
from builder.diagnostics.errors import CommandLineError
from tests.builder.cli.invoke import invoke


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--namespace", "A B"),
        ("--namespace", ""),
        ("--namespace", "-a"),
        ("--namespace", "a" * 64),
        ("--network", "a b"),
        ("--network", ""),
        ("--network", "--host"),
        ("--registry", "https://registry.example.com"),
        ("--registry", "registry.example.com/"),
        ("--registry", "registry.example.com\n"),
    ],
)
def test_names_that_docker_and_kubernetes_refuse(option: str, value: str) -> None:
    with pytest.raises(CommandLineError, match=option):
        require_name(option, value)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--namespace", "nuclio"),
        ("--namespace", "team-1"),
        ("--network", "cvat_cvat"),
        ("--network", "my.net-2"),
        ("--registry", "registry.example.com:5000/cvat"),
        ("--registry", None),
    ],
)
def test_names_that_docker_and_kubernetes_accept(option: str, value: str | None) -> None:
    require_name(option, value)


@pytest.mark.parametrize(
    "words",
    [
        ("deploy", "build/boxes", "--namespace", "A B"),
        ("deploy", "build/boxes", "--network", ""),
        ("deploy", "build/boxes", "--platform", "kube", "--registry", "https://example.com"),
        ("undeploy", "boxes", "--namespace", "A B"),
    ],
)
def test_commands_check_names_first(words: tuple[str, ...]) -> None:
    status, _, errors = invoke(*words)
    assert status == 2
    assert f"{words[-2]} has an invalid value" in errors
