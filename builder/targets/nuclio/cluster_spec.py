"""The keys of function.yaml that only Kubernetes needs: a strict model, and its values.

The names and types are those of Nuclio's `Spec` (pkg/functionconfig/types.go), and within it those
of Kubernetes' API: autoscaling/v2, core/v1 and apps/v1.
"""

from typing import Any, Literal

from pydantic import Field

from builder.manifest.validation import Strict
from builder.targets.nuclio.kubernetes import NVIDIA_GPU, Kubernetes, Metric
from builder.targets.nuclio.scheduling_spec import (
    Affinity,
    TolerationSpec,
    affinity,
    toleration_spec,
)
from builder.targets.nuclio.volumes import Volume


class SecretKeyRef(Strict):
    """One value of a secret."""

    name: str
    key: str


class ValueFrom(Strict):
    """Where the value of an environment variable comes from."""

    secretKeyRef: SecretKeyRef


class MetricIdentifier(Strict):
    """The name of a metric."""

    name: str


class MetricTarget(Strict):
    """The value of a metric per pod."""

    type: Literal["AverageValue"] = "AverageValue"
    averageValue: str


class MetricSource(Strict):
    """A metric of pods, or an external one."""

    metric: MetricIdentifier
    target: MetricTarget


class MetricSpec(Strict):
    """A metric that the autoscaler uses: `pods` or `external`, as `type` says."""

    type: Literal["Pods", "External"]
    pods: MetricSource | None = None
    external: MetricSource | None = None


class ScaleResource(Strict):
    """A metric that is zero while the function is idle."""

    metricName: str
    windowSize: str
    threshold: Literal[0] = 0


class ScaleToZeroSpec(Strict):
    """When the last pod is removed."""

    scaleResources: tuple[ScaleResource, ...]


class DeploymentStrategy(Strict):
    """How a new version replaces the pods."""

    type: Literal["Recreate"] = "Recreate"


class HostPath(Strict):
    """A folder or file of the node."""

    path: str


class Claim(Strict):
    """A persistent volume claim."""

    claimName: str


class ConfigMap(Strict):
    """A config map."""

    name: str


class Secret(Strict):
    """A secret."""

    secretName: str


class VolumeSpec(Strict):
    """A volume with one source."""

    name: str
    hostPath: HostPath | None = None
    persistentVolumeClaim: Claim | None = None
    configMap: ConfigMap | None = None
    secret: Secret | None = None


class VolumeMount(Strict):
    """Where a volume is mounted."""

    name: str
    mountPath: str
    subPath: str | None = None
    readOnly: bool


class MountedVolume(Strict):
    """A volume and its place."""

    volume: VolumeSpec
    volumeMount: VolumeMount


class ClusterSpec(Strict):
    """The part of `spec` that only Kubernetes needs. Absent keys are None."""

    minReplicas: int | None = None
    maxReplicas: int | None = None
    targetCPU: int | None = None
    customScalingMetricSpecs: tuple[MetricSpec, ...] | None = None
    scaleToZero: ScaleToZeroSpec | None = None
    nodeSelector: dict[str, str] | None = None
    affinity: Affinity | None = None
    tolerations: tuple[TolerationSpec, ...] | None = None
    priorityClassName: str | None = None
    deploymentStrategy: DeploymentStrategy | None = None
    imagePullSecrets: str | None = None
    runRegistry: str | None = None
    volumes: tuple[MountedVolume, ...] | None = Field(default=None, min_length=1)


def cluster_keys(settings: Kubernetes | None, name: str, has_gpu: bool) -> dict[str, Any]:
    """Return the values of the keys of ClusterSpec.

    Args:
        settings: the manifest's keys; None without them.
        name: the function's name.
        has_gpu: whether the function's pods get a GPU.
    """
    if settings is None:
        return {}
    low, high = settings.replicas()
    zero = settings.scale_to_zero
    other_gpu = has_gpu and settings.gpu_resource not in (None, NVIDIA_GPU)
    return {
        "minReplicas": low if settings.scales() else None,
        "maxReplicas": high if settings.scales() else None,
        "targetCPU": settings.target_cpu,
        "customScalingMetricSpecs": tuple(map(_metric, settings.metrics)) or None,
        "scaleToZero": ScaleToZeroSpec(
            scaleResources=(ScaleResource(metricName=zero.metric, windowSize=zero.after),)
        )
        if zero
        else None,
        "nodeSelector": dict(settings.node_selector) or None,
        "affinity": affinity(settings.node_affinity, settings.spread, name),
        "tolerations": tuple(map(toleration_spec, settings.tolerations)) or None,
        "priorityClassName": settings.priority_class,
        # Nuclio does this for nvidia.com/gpu alone (resolveDeploymentStrategy in
        # pkg/platform/kube/functionres/lazy.go): a rolling update waits for a GPU that the old pod
        # keeps.
        "deploymentStrategy": DeploymentStrategy() if other_gpu else None,
        "imagePullSecrets": settings.pull_secret,
        "runRegistry": settings.run_registry,
        "volumes": tuple(map(_volume, settings.volumes)) or None,
    }


def _metric(metric: Metric) -> MetricSpec:
    """Return a metric as autoscaling/v2 has it."""
    source = MetricSource(
        metric=MetricIdentifier(name=metric.name), target=MetricTarget(averageValue=metric.average)
    )
    if metric.type == "pods":
        return MetricSpec(type="Pods", pods=source)
    return MetricSpec(type="External", external=source)


def _volume(given: Volume) -> MountedVolume:
    """Return a volume and its place."""
    return MountedVolume(
        volume=VolumeSpec(
            name=given.name,
            hostPath=HostPath(path=given.host_path) if given.host_path else None,
            persistentVolumeClaim=Claim(claimName=given.claim) if given.claim else None,
            configMap=ConfigMap(name=given.config_map) if given.config_map else None,
            secret=Secret(secretName=given.secret) if given.secret else None,
        ),
        volumeMount=VolumeMount(
            name=given.name,
            mountPath=given.mount,
            subPath=given.sub_path,
            readOnly=given.read_only,
        ),
    )
