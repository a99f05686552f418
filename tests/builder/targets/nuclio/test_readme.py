from pathlib import Path
from typing import Any

import onnx
import pytest

from builder.lint.examine import plan
from builder.plan.transforms.transform import transformed
from builder.targets.nuclio.readme import readme
from tests.builder.conftest import WriteManifest


@pytest.fixture
def text(write_manifest: WriteManifest) -> Any:
    """Return the README of a manifest, with line breaks as spaces."""

    def written(**changes: Any) -> str:
        return " ".join(readme(plan(write_manifest(**changes)), {}).split())

    return written


def test_it_names_the_command_for_each_variant(text: Any) -> None:
    both = text()
    for variant in ("cpu", "gpu"):
        assert f"cvatbuild deploy boxes --variant {variant}" in both
    assert "--variant gpu" not in text(variants={"gpu": False})


def test_it_says_what_happens_without_a_fixed_port(text: Any) -> None:
    warning = "Docker then gives the function another port whenever the host restarts"
    assert warning in text()
    assert warning in text(variants={"cpu": {"port": 20000}})
    fixed = text(variants={"cpu": {"port": 20000}, "gpu": {"port": 20000}})
    assert warning not in fixed
    assert "The manifest's `port`" in fixed


@pytest.mark.parametrize(
    ("changes", "expected", "absent"),
    [
        ({}, "525.60.13 or newer. It runs on x86-64 only", ""),
        ({}, "For the GeForce RTX 50 series", ""),
        ({"variants": {"gpu": {"cuda": 13}}}, "580.65.6 or newer.", "RTX 50"),
        ({"platform": "arm64"}, "580.65.6 or newer.", "x86-64 only"),
        ({"variants": {"gpu": False}}, "", "NVIDIA"),
    ],
)
def test_it_says_which_machines_run_the_gpu_variant(
    text: Any, changes: dict[str, Any], expected: str, absent: str
) -> None:
    found = text(**changes)
    assert expected in found
    assert not absent or absent not in found


def test_the_memory_of_the_files_that_a_variant_loads(
    text: Any, write_manifest: WriteManifest, tmp_path: Path
) -> None:
    write_manifest()
    model = onnx.load(tmp_path / "model.onnx")
    model.doc_string = "x" * 30 * 2**20
    onnx.save(model, tmp_path / "model.onnx")
    found = text(variants={"gpu": {"precision": "fp16"}})
    # 150 MiB, and twice the size of the files; a file in half precision has half the size.
    assert "| cpu | 30 MiB | 211 MiB | 2 |" in found
    assert "| gpu | 15 MiB | 181 MiB | 1 |" in found


def test_small_model_files_have_a_size(text: Any, tmp_path: Path) -> None:
    found = text()
    kibibytes = -(-(tmp_path / "model.onnx").stat().st_size // 1024)
    assert f"| cpu | {kibibytes} KiB | 151 MiB | 2 |" in found


def test_changed_files_are_described_apart_from_their_digests(
    write_manifest: WriteManifest,
) -> None:
    """With one file and with two."""
    one = readme(transformed(plan(write_manifest())), {})
    section = one.split("## Changed model files")[1].split("## Hashes")[0]
    assert "is part of `model.onnx`, which" in " ".join(section.split())
    assert one.split("## Hashes (SHA-256)")[1].strip().startswith("| file")
    two = transformed(plan(write_manifest(variants={"gpu": {"precision": "fp16"}})))
    assert "which therefore differ from the files" in " ".join(readme(two, {}).split())
    unchanged = transformed(plan(write_manifest(fold_preprocessing=False)))
    assert "Changed model files" not in readme(unchanged, {})


def test_no_line_of_prose_is_long(write_manifest: WriteManifest) -> None:
    lines = readme(transformed(plan(write_manifest())), {}).splitlines()
    commands = ("nuctl deploy", "printf", "  curl", "|")
    assert [it for it in lines if len(it) > 100 and not it.startswith(commands)] == []


def test_the_commands_fit_the_platforms_of_each_variant(text: Any) -> None:
    kube = "--platform kube --namespace nuclio"
    plain = text()
    assert kube not in plain
    assert "Both variants have the same name" in plain
    cluster = {"registry": "registry.example.com", "gpu_resource": "nvidia.com/mig-1g.10gb"}
    both = text(variants={"gpu": {"kubernetes": cluster}})
    assert (
        f"cvatbuild deploy boxes --variant cpu cvatbuild deploy boxes --variant gpu {kube}" in both
    )
    assert "deploy_gpu.sh" not in both
    assert "REGISTRY" not in both
    one = text(variants={"cpu": False, "gpu": {"kubernetes": cluster}})
    assert "--platform local" not in one
    assert "Both variants" not in one
    assert "docker logs" not in one
    assert "port" not in one.split("## Deploy")[1].split("## Memory")[0]
    # A whole GPU works with Docker, too.
    whole = text(variants={"gpu": {"kubernetes": {"spread": True}}})
    assert "cvatbuild deploy boxes --variant gpu cvatbuild" in whole
    assert f"cvatbuild deploy boxes --variant gpu {kube} --registry REGISTRY" in whole
