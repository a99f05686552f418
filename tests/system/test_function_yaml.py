"""Every key of function.yaml is one that Nuclio reads.

Nuclio ignores unknown keys. Its processor logs the configuration as its own types have decoded it,
so a key that is not in the log is one that Nuclio does not know.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from builder.lint.examine import plan
from builder.manifest.variants import VARIANTS
from builder.targets.nuclio.function_yaml import function_config
from builder.targets.nuclio.image_settings import ImageSettings
from builder.targets.nuclio.kubernetes import Kubernetes
from builder.targets.nuclio.settings import NuclioSettings
from builder.targets.nuclio.yaml_text import to_yaml
from tests.builder.targets.nuclio.test_cluster_spec import CLUSTER
from tests.paths import MODELS, ROOT
from tests.system.processor import Release

pytestmark = pytest.mark.system

COMMITTED = sorted((ROOT / "build").glob("*/nuclio/function*.yaml"))

# Nuclio keeps attributes as they are. These are read, by the HTTP trigger
# (pkg/processor/trigger/http/types.go), by the platforms (pkg/functionconfig/types.go), and for the
# containers of the local platform (pkg/platform/local/types.go).
HTTP_ATTRIBUTES = {
    "cors",
    "disablePortPublishing",
    "ingresses",
    "maxRequestBodySize",
    "mode",
    "port",
    "readBufferSize",
    "reduceMemoryUsage",
    "serviceType",
}
INGRESS = {"host", "paths", "pathType", "secretName"}
PLATFORM_ATTRIBUTES = {"healthCheckInterval", "network", "restartPolicy"}

MANIFEST = f"""
name: all-keys
type: interactor
encoder: {MODELS}/sam-demo-encoder.onnx
decoder: {MODELS}/sam-demo-decoder.onnx
title: All keys
description: A function with every key.
preprocess:
  - letterbox: {{size: 1024, fill: [124, 116, 104], align: top_left}}
  - normalize: {{scale: 1, mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375]}}
postprocess: [sam]
min_pos_points: 1
min_neg_points: 0
start_with_box: optional
help: Click on an object.
animated_gif: https://example.com/help.gif
resources: {{cpu: "2", memory: 4Gi}}
variants:
  cpu:
    workers: 1
    base_image: python:3.11-slim-bookworm
    user: 1001
    apt: [libgl1]
    pip: [requests==2.32.3]
    sources: {{index: https://pypi.example.com/simple}}
    env: {{LEVEL: "1"}}
    event_timeout: 1m
    readiness_timeout: 60
    max_request_size: 64Mi
    port: 32001
    kubernetes:
      min_replicas: 1
      max_replicas: 2
      target_cpu: 50
  gpu:
    kubernetes:
"""


def _decoded(release: Release, config: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return a function.yaml as the processor has read it. No worker starts."""
    (folder / "processor.yaml").write_text(yaml.safe_dump(config), "utf-8")
    disabled = {"webAdmin": {"enabled": False}, "healthCheck": {"enabled": False}}
    (folder / "platform.yaml").write_text(yaml.safe_dump(disabled), "utf-8")
    done = subprocess.run(
        [
            *(release.processor, "--config", folder / "processor.yaml"),
            *("--platform-config", folder / "platform.yaml"),
        ],
        env={"PATH": os.defpath, "NUCLIO_PYTHON_EXE_PATH": str(folder / "missing")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    lines = [line for line in done.stdout.splitlines() if "Read configuration" in line]
    assert len(lines) == 1, done.stdout + done.stderr
    logged = json.loads(lines[0][lines[0].index("{") :])
    read: dict[str, Any] = json.loads(logged["config"])
    return read


def _present(value: Any) -> Any:
    """Return a configuration in which no value is empty, since Nuclio's log leaves those out."""
    if isinstance(value, dict):
        return {key: _present(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_present(item) for item in value]
    return value or type(value)(1)


def _keys(value: Any, path: str = "") -> Iterator[str]:
    """Yield the path of each key in a configuration, such as `spec.env[0].name`."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield f"{path}.{key}" if path else key
            yield from _keys(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _keys(item, f"{path}[{number}]")


def _unknown(release: Release, config: dict[str, Any], folder: Path) -> set[str]:
    """Return the keys of a function.yaml that Nuclio does not read."""
    decoded = set(_keys(_decoded(release, _present(config), folder)))
    unknown = set(_keys(config)) - decoded
    for name, trigger in config["spec"]["triggers"].items():
        given = trigger["attributes"]
        unknown |= {f"spec.triggers.{name}.{key}" for key in given.keys() - HTTP_ATTRIBUTES}
        for ingress in given.get("ingresses", {}).values():
            unknown |= ingress.keys() - INGRESS
    platform = config["spec"]["platform"]["attributes"]
    unknown |= platform.keys() - PLATFORM_ATTRIBUTES
    unknown |= platform["restartPolicy"].keys() - {"name", "maximumRetryCount"}
    return unknown


@pytest.mark.parametrize("file", COMMITTED, ids=lambda it: f"{it.parts[-3]}-{it.stem}")
def test_nuclio_reads_every_key_of_the_examples(
    release: Release, file: Path, tmp_path: Path
) -> None:
    config = yaml.safe_load(file.read_text("utf-8"))
    assert _unknown(release, config, tmp_path) == set()


def test_nuclio_reads_every_optional_key(release: Release, tmp_path: Path) -> None:
    cluster = yaml.safe_load(CLUSTER)
    scaled = {key: it for key, it in cluster.items() if key != "min_replicas"}
    scaled["scale_to_zero"] = {"after": "10m"}
    settings = yaml.safe_load(MANIFEST)
    settings["variants"]["gpu"]["kubernetes"] = scaled
    # The manifest has every key.
    cpu = settings["variants"]["cpu"]
    assert cpu.keys() >= (NuclioSettings.model_fields | ImageSettings.model_fields).keys()
    assert (scaled | cpu["kubernetes"]).keys() == Kubernetes.model_fields.keys()
    manifest = tmp_path / "manifest.yaml"
    manifest.write_text(yaml.safe_dump(settings), "utf-8")
    planned = plan(manifest)
    for variant in VARIANTS:
        config = yaml.safe_load(to_yaml(function_config(planned, variant), ""))
        assert _unknown(release, config, tmp_path) == set()


@pytest.mark.parametrize(
    "path",
    [
        ("annotation",),
        ("metadata", "label"),
        ("spec", "eventTimeoutSeconds"),
        ("spec", "build", "directive"),
        ("spec", "build", "directives", "preCopy", 0, "values"),
        ("spec", "env", 0, "valu"),
        ("spec", "triggers", "myHttpTrigger", "numWorker"),
        ("spec", "triggers", "myHttpTrigger", "attributes", "maxBodySize"),
        ("spec", "platform", "attributes", "mountMode"),
        ("spec", "platform", "attributes", "restartPolicy", "maxRetryCount"),
    ],
    ids=lambda it: ".".join(map(str, it)),
)
def test_a_key_that_nuclio_does_not_read_is_found(
    release: Release, path: tuple[str | int, ...], tmp_path: Path
) -> None:
    config = yaml.safe_load(COMMITTED[0].read_text("utf-8"))
    parent: Any = config
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = "1"
    (found,) = _unknown(release, config, tmp_path)
    assert found.endswith(str(path[-1]))
