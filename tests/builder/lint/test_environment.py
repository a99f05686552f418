from typing import Any

import pytest

from builder.backends.pins import PYTHON
from builder.diagnostics.rule import Rule
from builder.lint.environment import (
    BASE_IMAGE,
    ENV_AT_BUILD,
    ENV_RESERVED,
    ENV_SECRET,
    PIP_CLASH,
    PIP_PINNED,
    PORT_TAKEN,
    TIMEOUT_EXCEEDS_CVAT,
    seconds,
)
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
    "image",
    [
        f"python:{PYTHON}",
        f"python:{PYTHON}-slim-bookworm",
        f"docker.io/library/python:{PYTHON}.9",
        "registry.example.com/team/image:1",
        "registry.example.com/nvidia/cuda:12",
    ],
)
def test_base_images_that_can_have_the_right_python(lint_cpu: Lint, image: str) -> None:
    assert lint_cpu(base_image=image) == []


@pytest.mark.parametrize(
    "image",
    [
        "python:3.9",
        "python:3",
        "docker.io/library/python:3.13-slim",
        f"python:{PYTHON}-alpine",
        "nvidia/cuda:12.4.1-runtime-ubuntu22.04",
        "docker.io/nvidia/cuda:12",
        "ubuntu",
        "debian:12",
        "library/busybox",
    ],
)
def test_base_images_with_another_python_or_none(lint_cpu: Lint, image: str) -> None:
    assert lint_cpu(base_image=image) == [(BASE_IMAGE, "variants.cpu.base_image")]


@pytest.mark.parametrize(
    ("package", "rule"),
    [
        ("scikit-image==0.25.0", None),
        ("numpy==1.26.4", PIP_PINNED),
        ("NumPy==1.26.4", PIP_PINNED),
        ("opencv_python_headless==4.10.0.84", PIP_PINNED),
        ("opencv-python==4.10.0.84", PIP_CLASH),
        ("opencv.contrib.python==4.10.0.84", PIP_CLASH),
        ("onnxruntime==1.20.0", PIP_CLASH),
    ],
)
def test_packages_beside_those_of_every_function(
    lint_cpu: Lint, package: str, rule: Rule | None
) -> None:
    assert lint_cpu(pip=[package]) == ([(rule, "variants.cpu.pip[0]")] if rule else [])


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
    ],
)
def test_environment_variables(lint_cpu: Lint, name: str, rule: Rule | None) -> None:
    assert lint_cpu(env={name: "x"}) == ([(rule, f"variants.cpu.env.{name}")] if rule else [])


@pytest.mark.parametrize(("port", "rule"), [(8080, PORT_TAKEN), (8070, PORT_TAKEN), (9000, None)])
def test_ports_of_cvat_and_nuclio(lint_cpu: Lint, port: int, rule: Rule | None) -> None:
    assert lint_cpu(port=port) == ([(rule, "variants.cpu.port")] if rule else [])


def test_settings_of_a_disabled_variant_are_not_checked(lint: Lint) -> None:
    variants: dict[str, Any] = {"cpu": {"port": 8080}, "gpu": {"port": 8070}}
    places = [place for _, place in lint("detector", "yolo", variants=variants)]
    assert places == ["variants.cpu.port", "variants.gpu.port"]
    assert lint("detector", "yolo", variants={"cpu": {"port": 9000}, "gpu": False}) == []
