from typing import Any

import pytest

from builder.diagnostics.rule import Rule
from builder.lint.environment import (
    ENV_AT_BUILD,
    ENV_RESERVED,
    ENV_SECRET,
    PORT_TAKEN,
    TIMEOUT_EXCEEDS_CVAT,
    seconds,
)
from builder.lint.kubernetes import NODE_PORT
from tests.builder.lint.conftest import Lint


@pytest.fixture
def lint_cpu(lint: Lint) -> Lint:
    """Lint a detector with some settings of the CPU variant."""
    return lambda **settings: lint("detector", "yolo", variants={"cpu": settings})


@pytest.mark.parametrize(
    ("duration", "expected"), [("5s", 5), ("2m", 120), ("1h", 3600), ("1h1m1s", 3661), ("90s", 90)]
)
def test_a_duration_in_seconds(duration: str, expected: int) -> None:
    assert seconds(duration) == expected


@pytest.mark.parametrize(
    ("duration", "rule"), [("120s", None), ("2m", None), ("121s", TIMEOUT_EXCEEDS_CVAT)]
)
def test_the_timeout_of_requests(lint_cpu: Lint, duration: str, rule: Rule | None) -> None:
    found = lint_cpu(event_timeout=duration)
    assert found == ([(rule, "variants.cpu.event_timeout")] if rule else [])


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("LEVEL", None),
        ("TOKENIZERS_PARALLELISM", None),
        ("NUCLIO_FUNCTION_NAME", ENV_RESERVED),
        ("PYTHONPATH", ENV_RESERVED),
        ("PYTHONUNBUFFERED", None),
        ("LD_PRELOAD", ENV_RESERVED),
        ("PIP_INDEX_URL", ENV_AT_BUILD),
        ("PIP_CERT", ENV_AT_BUILD),
        ("HTTPS_PROXY", ENV_AT_BUILD),
        ("no_proxy", ENV_AT_BUILD),
        ("SSL_CERT_FILE", ENV_AT_BUILD),
        ("MY_PIP_FILE", None),
        ("HF_TOKEN", ENV_SECRET),
        ("aws_secret_access_key", ENV_SECRET),
        ("API_KEY", ENV_SECRET),
        ("PIPELINE", None),
    ],
)
def test_environment_variables(lint_cpu: Lint, name: str, rule: Rule | None) -> None:
    assert lint_cpu(env={name: "x"}) == ([(rule, f"variants.cpu.env.{name}")] if rule else [])


@pytest.mark.parametrize(("port", "rule"), [(8080, PORT_TAKEN), (8070, PORT_TAKEN), (9000, None)])
def test_ports_of_cvat_and_nuclio(lint_cpu: Lint, port: int, rule: Rule | None) -> None:
    assert lint_cpu(port=port) == ([(rule, "variants.cpu.port")] if rule else [])


def test_a_node_port_is_not_compared_with_ports_of_docker(lint_cpu: Lint) -> None:
    # The ports that the hint of `port-taken` names are no node ports.
    found = lint_cpu(port=8080, kubernetes={"service_type": "NodePort"})
    assert found == [(NODE_PORT, "variants.cpu.port")]


@pytest.mark.parametrize(
    ("name", "rule"),
    [("PYTHONPATH", ENV_RESERVED), ("PIP_INDEX_URL", ENV_AT_BUILD), ("API_KEY", None)],
)
def test_variables_from_secrets(lint_cpu: Lint, name: str, rule: Rule | None) -> None:
    secret = {name: {"name": "store", "key": "token"}}
    found = lint_cpu(kubernetes={"secret_env": secret})
    assert found == ([(rule, f"variants.cpu.kubernetes.secret_env.{name}")] if rule else [])


def test_settings_of_a_disabled_variant_are_not_checked(lint: Lint) -> None:
    variants: dict[str, Any] = {"cpu": {"port": 8080}, "gpu": {"port": 8070}}
    places = [place for _, place in lint("detector", "yolo", variants=variants)]
    assert places == ["variants.cpu.port", "variants.gpu.port"]
    assert lint("detector", "yolo", variants={"cpu": {"port": 9000}, "gpu": False}) == []
