"""docs/deployment.md and docs/kubernetes.md: the output of commands, and the manifest."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from builder.backends import pins
from builder.doctor.versions import LAST_VULNERABLE, OLD_DOCKER_CLIENT, OLDEST_NUCTL, spelled
from builder.lint.examine import plan
from builder.targets.build import build
from builder.targets.nuclio.function_yaml import function_config
from tests.builder.cli.invoke import invoke
from tests.builder.conftest import write_manifest_to
from tests.builder.models import yolo_model
from tests.paths import ROOT

DEPLOYMENT = (ROOT / "docs" / "deployment.md").read_text("utf-8")
KUBERNETES = (ROOT / "docs" / "kubernetes.md").read_text("utf-8")


@pytest.mark.slow
def test_dry_runs_print_what_the_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(plan(ROOT / "manifests" / "masks.yaml"), tmp_path / "build", force=False)
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"^```console\n(.*?)^```", DEPLOYMENT, re.MULTILINE | re.DOTALL)
    parts = block.removeprefix("$ ").split("\n$ ")
    assert len(parts) == 3
    for part in parts:
        command, _, output = part.partition("\n")
        program, *words = shlex.split(command)
        assert program == "cvatbuild"
        assert invoke(*words) == (0, output.rstrip("\n") + "\n", "")


def test_the_tables_have_the_versions_of_the_code() -> None:
    assert f"Nuclio {spelled(OLD_DOCKER_CLIENT)} or older" in DEPLOYMENT
    assert f"Nuclio {spelled(LAST_VULNERABLE)} or older" in DEPLOYMENT
    assert f"nuctl before {spelled(OLDEST_NUCTL)}" in DEPLOYMENT
    versions = [pins.CUDA[cuda][0].partition("==")[2] for cuda in (12, 13)]
    assert f"| ONNX Runtime | {versions[0]} | {versions[1]} |" in DEPLOYMENT
    for platform in ("amd64", "arm64"):
        machine = [".".join(map(str, it)) for it in pins.CUDA_CODE[platform][13].machine]
        assert ", ".join(machine) in DEPLOYMENT


def test_the_manifest_of_the_page_is_valid(tmp_path: Path) -> None:
    (text, *_) = re.findall(r"^```yaml\n(.*?)^```", KUBERNETES, re.MULTILINE | re.DOTALL)
    yolo_model(tmp_path / "vehicles.onnx")
    found = plan(write_manifest_to(tmp_path, **yaml.safe_load(text)))
    spec = function_config(found, "gpu").spec
    assert (spec.minReplicas, spec.maxReplicas) == (1, 4)
    assert spec.build.registry == "registry.example.com/cvat"
