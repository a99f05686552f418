from pathlib import Path

import pytest
import yaml

from builder.backends.pins import PYTHON
from builder.diagnostics.rule import Rule
from builder.lint.examine import examine
from builder.lint.image import (
    BASE_IMAGE,
    BASE_IMAGE_DIGEST,
    CA_FILE,
    PIP_CLASH,
    PIP_PINNED,
    PIP_WITHOUT_DIGEST,
)
from tests.builder.conftest import WriteManifest
from tests.builder.lint.conftest import Lint

DIGEST = "0123456789abcdef" * 4


@pytest.fixture
def lint_cpu(lint: Lint) -> Lint:
    """Lint a detector with some settings of the CPU variant."""
    return lambda **settings: lint("detector", "yolo", variants={"cpu": settings})


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
        ("scikit-image==0.25.0", PIP_WITHOUT_DIGEST),
        ("numpy==1.26.4", PIP_PINNED),
        ("NumPy==1.26.4", PIP_PINNED),
        ("opencv_python_headless==4.10.0.84", PIP_PINNED),
        ("opencv-python==4.10.0.84", PIP_CLASH),
        ("opencv.contrib.python==4.10.0.84", PIP_CLASH),
        ("onnxruntime==1.20.0", PIP_CLASH),
    ],
)
def test_packages_beside_those_of_every_function(lint_cpu: Lint, package: str, rule: Rule) -> None:
    assert lint_cpu(pip=[package]) == [(rule, "variants.cpu.pip[0]")]


def test_a_package_with_digests_is_compared_with_the_required_packages_only(lint_cpu: Lint) -> None:
    def entry(package: str) -> dict[str, object]:
        return {"package": package, "sha256": [DIGEST]}

    assert lint_cpu(pip=[entry("scikit-image==0.25.0")]) == []
    assert lint_cpu(pip=[entry("numpy==1.26.4")]) == [(PIP_PINNED, "variants.cpu.pip[0]")]


@pytest.mark.parametrize(
    ("second", "differs"),
    [
        ({"package": "Shapely==2.0.0", "sha256": [DIGEST]}, True),
        ("shapely[vectorized]==2.0.0", True),
        ({"package": "shapely==2.1.0", "sha256": [DIGEST]}, False),
    ],
)
def test_two_versions_of_a_package(lint_cpu: Lint, second: object, differs: bool) -> None:
    found = lint_cpu(pip=[{"package": "shapely==2.1.0", "sha256": [DIGEST]}, second])
    assert found == ([(PIP_PINNED, "variants.cpu.pip[1]")] if differs else [])


def test_a_note_about_each_base_image_without_digest(write_manifest: WriteManifest) -> None:
    def notes(cpu: str, gpu: str) -> list[tuple[Rule | None, str]]:
        variants = {"cpu": {"base_image": cpu}, "gpu": {"base_image": gpu}}
        found = examine(write_manifest(variants=variants)).notes
        return [(it.rule, it.place) for it in found]

    plain, fixed = f"python:{PYTHON}-slim", f"python:{PYTHON}-slim@sha256:{DIGEST}"
    assert notes(plain, plain) == [
        (BASE_IMAGE_DIGEST, "variants.cpu.base_image"),
        (BASE_IMAGE_DIGEST, "variants.gpu.base_image"),
    ]
    assert notes(fixed, plain) == [(BASE_IMAGE_DIGEST, "variants.gpu.base_image")]
    assert notes(fixed, fixed) == []


def test_notes_wait_until_nothing_is_wrong(write_manifest: WriteManifest) -> None:
    found = examine(write_manifest(variants={"cpu": {"port": 8080}}))
    assert [it.severity for it in found.problems] == ["warning"]
    assert found.notes == ()


@pytest.mark.parametrize(
    ("content", "right"),
    [
        (b"-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n", True),
        (b"", False),
        (b"MII=", False),
        (b"-----BEGIN CERTIFICATE-----\n" + b"A" * (64 << 10), False),
        (None, False),
    ],
)
def test_the_certificate_file(
    write_manifest: WriteManifest, tmp_path: Path, content: bytes | None, right: bool
) -> None:
    if content is not None:
        (tmp_path / "ca.pem").write_bytes(content)
    manifest = write_manifest(variants={"cpu": {"sources": {"ca_file": "ca.pem"}}})
    found = [it for it in examine(manifest).problems if it.severity == "error"]
    assert [(it.rule, it.place) for it in found] == (
        [] if right else [(CA_FILE, "variants.cpu.sources.ca_file")]
    )
    assert yaml.safe_load(manifest.read_text())["variants"]["cpu"]["sources"]
