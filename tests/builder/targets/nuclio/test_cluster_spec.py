from typing import Any

import pytest
import yaml

from builder.lint.examine import plan
from builder.manifest.variants import VariantName
from builder.targets.nuclio.function_yaml import function_config
from builder.targets.nuclio.yaml_text import to_yaml
from tests.builder.conftest import WriteManifest

CLUSTER = """
min_replicas: 1
max_replicas: 6
metrics:
  - {name: DCGM_FI_DEV_GPU_UTIL, average: "70"}
  - {name: queue_length, type: external, average: 500m}
node_selector: {nvidia.com/gpu.product: NVIDIA-L4}
node_affinity:
  required:
    - {key: topology.kubernetes.io/zone, values: [a, b]}
    - {key: spot, operator: DoesNotExist}
  preferred:
    - {key: disk, values: [ssd]}
spread: true
tolerations:
  - {key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}
  - {key: pool, value: gpu, effect: NoExecute, seconds: 60}
priority_class: annotation
service_type: NodePort
ingress: {host: models.example.com, paths: [/boxes], tls_secret: models-tls}
registry: registry.example.com:5000/cvat
run_registry: mirror.example.com/cvat
pull_secret: mirror
gpu_resource: nvidia.com/mig-1g.10gb
secret_env:
  STORE_TOKEN: {name: store, key: token}
volumes:
  - {name: weights, claim: weights, mount: /opt/nuclio/model.onnx, sub_path: best.onnx}
  - {name: cache, host_path: /var/cache/boxes, mount: /cache, read_only: false}
  - {name: settings, config_map: boxes, mount: /settings}
  - {name: keys, secret: boxes-keys, mount: /keys}
"""

SPEC = """
minReplicas: 1
maxReplicas: 6
customScalingMetricSpecs:
  - type: Pods
    pods:
      metric: {name: DCGM_FI_DEV_GPU_UTIL}
      target: {type: AverageValue, averageValue: "70"}
  - type: External
    external:
      metric: {name: queue_length}
      target: {type: AverageValue, averageValue: 500m}
nodeSelector: {nvidia.com/gpu.product: NVIDIA-L4}
affinity:
  nodeAffinity:
    requiredDuringSchedulingIgnoredDuringExecution:
      nodeSelectorTerms:
        - matchExpressions:
            - {key: topology.kubernetes.io/zone, operator: In, values: [a, b]}
            - {key: spot, operator: DoesNotExist}
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        preference:
          matchExpressions:
            - {key: disk, operator: In, values: [ssd]}
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          labelSelector:
            matchLabels: {nuclio.io/function-name: boxes}
          topologyKey: kubernetes.io/hostname
tolerations:
  - {key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}
  - {key: pool, operator: Equal, value: gpu, effect: NoExecute, tolerationSeconds: 60}
priorityClassName: annotation
deploymentStrategy: {type: Recreate}
imagePullSecrets: mirror
runRegistry: mirror.example.com/cvat
volumes:
  - volume: {name: weights, persistentVolumeClaim: {claimName: weights}}
    volumeMount:
      {name: weights, mountPath: /opt/nuclio/model.onnx, subPath: best.onnx, readOnly: true}
  - volume: {name: cache, hostPath: {path: /var/cache/boxes}}
    volumeMount: {name: cache, mountPath: /cache, readOnly: false}
  - volume: {name: settings, configMap: {name: boxes}}
    volumeMount: {name: settings, mountPath: /settings, readOnly: true}
  - volume: {name: keys, secret: {secretName: boxes-keys}}
    volumeMount: {name: keys, mountPath: /keys, readOnly: true}
"""
"""The keys of `spec` as Nuclio's and Kubernetes' documentation spell them."""


def spec_of(
    write_manifest: WriteManifest, variant: VariantName, cluster: dict[str, Any] | None
) -> dict[str, Any]:
    """The `spec` of a variant's function.yaml."""
    variants = {variant: {} if cluster is None else {"kubernetes": cluster}}
    text = to_yaml(function_config(plan(write_manifest(variants=variants)), variant), "note")
    spec: dict[str, Any] = yaml.safe_load(text)["spec"]
    return spec


def test_every_key_reaches_function_yaml(write_manifest: WriteManifest) -> None:
    spec = spec_of(write_manifest, "gpu", yaml.safe_load(CLUSTER))
    expected = yaml.safe_load(SPEC)
    assert {key: spec[key] for key in expected} == expected
    assert spec["env"] == [
        {"name": "CVATBUILD_VARIANT", "value": "gpu"},
        {"name": "OPENBLAS_NUM_THREADS", "value": "1"},
        {
            "name": "STORE_TOKEN",
            "valueFrom": {"secretKeyRef": {"name": "store", "key": "token"}},
        },
    ]
    assert spec["resources"] == {"limits": {"nvidia.com/mig-1g.10gb": 1}}
    assert spec["build"]["registry"] == "registry.example.com:5000/cvat"
    assert spec["triggers"]["myHttpTrigger"]["attributes"] == {
        "maxRequestBodySize": 33554432,
        "serviceType": "NodePort",
        "ingresses": {
            "cvat": {
                "host": "models.example.com",
                "paths": ["/boxes"],
                "secretName": "models-tls",
            }
        },
    }


@pytest.mark.parametrize("variant", ["cpu", "gpu"])
def test_only_keys_that_are_used_are_written(
    write_manifest: WriteManifest, variant: VariantName
) -> None:
    plain = spec_of(write_manifest, variant, None)
    assert spec_of(write_manifest, variant, {}) == plain
    assert not set(yaml.safe_load(SPEC)) & set(plain)
    tolerant = spec_of(write_manifest, variant, {"tolerations": [{"operator": "Exists"}]})
    assert tolerant.pop("tolerations") == [{"operator": "Exists"}]
    assert tolerant == plain


def test_both_ends_of_the_range_are_written(write_manifest: WriteManifest) -> None:
    # Nuclio takes the largest number for the smallest one if that is absent, and the reverse.
    spec = spec_of(write_manifest, "cpu", {"max_replicas": 4})
    assert (spec["minReplicas"], spec["maxReplicas"]) == (1, 4)
    spec = spec_of(write_manifest, "cpu", {"min_replicas": 0})
    assert (spec["minReplicas"], spec["maxReplicas"]) == (0, 1)


def test_scaling_to_zero(write_manifest: WriteManifest) -> None:
    spec = spec_of(write_manifest, "cpu", {"scale_to_zero": {"after": "10m"}})
    assert (spec["minReplicas"], spec["maxReplicas"]) == (0, 1)
    assert spec["scaleToZero"] == {
        "scaleResources": [
            {
                "metricName": "nuclio_processor_handled_events_total",
                "windowSize": "10m",
                "threshold": 0,
            }
        ]
    }


@pytest.mark.parametrize(
    ("resource", "recreated"),
    [
        ("nvidia.com/gpu", False),  # Nuclio recreates these pods itself.
        ("nvidia.com/gpu.shared", True),
        ("nvidia.com/mig-2g.20gb", True),
    ],
)
def test_a_new_version_does_not_wait_for_the_gpu_of_the_old_one(
    write_manifest: WriteManifest, resource: str, recreated: bool
) -> None:
    spec = spec_of(write_manifest, "gpu", {"gpu_resource": resource})
    assert spec["resources"] == {"limits": {resource: 1}}
    assert (spec.get("deploymentStrategy") == {"type": "Recreate"}) == recreated


def test_a_target_for_the_cpu(write_manifest: WriteManifest) -> None:
    spec = spec_of(write_manifest, "cpu", {"max_replicas": 3, "target_cpu": 60})
    assert spec["targetCPU"] == 60
    assert "customScalingMetricSpecs" not in spec


def test_a_secret_replaces_the_default_of_a_variable(write_manifest: WriteManifest) -> None:
    secret = {"name": "numpy", "key": "threads"}
    spec = spec_of(write_manifest, "cpu", {"secret_env": {"OPENBLAS_NUM_THREADS": secret}})
    assert spec["env"][1:] == [
        {"name": "OPENBLAS_NUM_THREADS", "valueFrom": {"secretKeyRef": secret}}
    ]
