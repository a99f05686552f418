"""The manifest's keys for Nuclio on Kubernetes: `variants: {gpu: {kubernetes: {...}}}`."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from builder.diagnostics.errors import Refused
from builder.diagnostics.rule import Rule
from builder.manifest.patterns import pattern
from builder.manifest.validation import Strict
from builder.targets.nuclio.scheduling import LabelKey, LabelValue, NodeAffinity, Toleration
from builder.targets.nuclio.volumes import ObjectName, Volume, check_volumes, replaced_files

REPLICA_RANGE = Rule(
    "replica-range",
    "Fewer replicas allowed than required",
    "Nuclio refuses the function.",
)
SCALE_TO_ZERO = Rule(
    "scale-to-zero",
    "Replicas are required and removed",
    "Nuclio never removes the last replicas of a function that requires some.",
)
NOTHING_TO_SCALE = Rule(
    "nothing-to-scale",
    "Scaling target without a range of replicas",
    "Nuclio creates no autoscaler, and the target has no effect.",
)
TWO_SCALING_TARGETS = Rule(
    "two-scaling-targets",
    "CPU target beside custom metrics",
    "Nuclio ignores the CPU target if there are custom metrics.",
)
OWN_VARIABLES = "CVATBUILD_"
"""The beginning of the names of the variables that cvatbuild sets."""

NVIDIA_GPU = "nvidia.com/gpu"
"""The resource of whole GPUs, and the only one for which Nuclio's local platform passes GPUs on."""

_ResourceName = Annotated[
    str,
    pattern(
        r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$",
        "the name of an extended resource: `nvidia.com/mig-1g.10gb`",
    ),
]
REGISTRY = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$"
"""Names of registries with an optional path."""

_Registry = Annotated[
    str,
    pattern(
        REGISTRY,
        "a registry without https://: `registry.example.com/cvat`",
        lambda text: text.partition("://")[2].rstrip("/"),
    ),
    Field(max_length=200),
]
_Window = Annotated[
    str, pattern(r"^[1-9][0-9]*[mh]$", "a number of minutes or hours: `10m`"), Field(min_length=2)
]
_MetricName = Annotated[
    str,
    pattern(r"^[A-Za-z_:][A-Za-z0-9_:.-]*$", "the name of a metric: `DCGM_FI_DEV_GPU_UTIL`"),
]
_MetricValue = Annotated[
    str, pattern(r"^(0*[1-9][0-9]*m?|[0-9]+\.[0-9]+)$", 'a number in quotes: "5", "500m"')
]
_Host = Annotated[
    str,
    pattern(
        r"^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
        "a host name: `models.example.com`",
    ),
    Field(max_length=253),
]
_UrlPath = Annotated[str, pattern(r"^/[A-Za-z0-9._~/-]*$", "a path that begins with `/`")]

MetricType = Literal["pods", "external"]
ServiceType = Literal["ClusterIP", "NodePort", "LoadBalancer"]


class Metric(Strict):
    """A metric that decides the number of replicas."""

    name: _MetricName
    """Name of the metric in Kubernetes' custom or external metrics API."""
    type: MetricType = "pods"
    """`pods`: a metric of the function's pods. `external`: a metric of something else."""
    average: _MetricValue
    """Value per pod that Kubernetes aims at, in quotes."""


class ScaleToZero(Strict):
    """When the last pod of an idle function is removed."""

    after: _Window
    """Time without a request: `10m`."""
    metric: _MetricName = "nuclio_processor_handled_events_total"
    """Metric that is zero while no request is processed. Nuclio's autoscaler asks Kubernetes'
    custom metrics API for it under the name `METRIC_per_WINDOW`, such as
    `nuclio_processor_handled_events_total_per_10m`."""


class Ingress(Strict):
    """An address outside of the cluster. Nuclio adds no authentication."""

    host: _Host
    """Host name."""
    paths: Annotated[tuple[_UrlPath, ...], Field(min_length=1)] = ("/",)
    """URL paths."""
    tls_secret: ObjectName | None = None
    """Name of the secret with the host's TLS certificate."""


class SecretKey(Strict):
    """One value of a Kubernetes secret."""

    name: ObjectName
    """Name of the secret, in the namespace of the function."""
    key: Annotated[str, pattern(r"^[-._a-zA-Z0-9]+$", "the key of a value in a secret")]
    """Key of the value in the secret."""


def check_reserved(variables: Iterable[str]) -> None:
    """Refuse environment variables that cvatbuild sets itself.

    Raises:
        ValueError: a variable is reserved.
    """
    taken = [name for name in variables if name.startswith(OWN_VARIABLES)]
    if taken:
        raise ValueError(f"{taken[0]} is set by cvatbuild itself")


class Kubernetes(Strict):
    """How the function runs on Kubernetes.

    Nuclio's local platform ignores these keys, apart from volumes with a `host_path`.
    """

    min_replicas: Annotated[int, Field(ge=0, le=1000)] | None = None
    """Smallest number of pods. Default: 1; with `scale_to_zero`: 0. Without it, 0 means that
    Nuclio's platform decides when idle pods are removed."""
    max_replicas: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Largest number of pods. Default: `min_replicas`, and at least 1."""
    target_cpu: Annotated[int, Field(ge=1, le=100)] | None = None
    """Percentage of the requested CPU time at which pods are added. Default: 75."""
    metrics: tuple[Metric, ...] = ()
    """Metrics that decide the number of pods, instead of `target_cpu`."""
    scale_to_zero: ScaleToZero | None = None
    """Removal of the last pod of an idle function."""
    node_selector: dict[LabelKey, LabelValue] = Field(default_factory=dict)
    """Labels that a node must have."""
    node_affinity: NodeAffinity = NodeAffinity()
    """Further conditions on the labels of nodes."""
    spread: bool = False
    """Whether the function's pods run on different nodes where possible."""
    tolerations: tuple[Toleration, ...] = ()
    """Taints of nodes that the pods tolerate."""
    priority_class: ObjectName | None = None
    """Priority class of the pods."""
    service_type: ServiceType | None = None
    """Type of the function's service. Default: that of Nuclio's platform, usually `ClusterIP`."""
    ingress: Ingress | None = None
    """Address outside of the cluster."""
    registry: _Registry | None = None
    """Registry to which nuctl pushes the image. Default: NUCTL_REGISTRY."""
    run_registry: _Registry | None = None
    """Registry from which the nodes pull the image. Default: `registry`."""
    pull_secret: ObjectName | None = None
    """Name of the secret with which the nodes pull the image."""
    gpu_resource: _ResourceName | None = None
    """Resource of the GPU that a pod of the GPU variant gets, such as `nvidia.com/mig-1g.10gb` or
    `nvidia.com/gpu.shared`. Default: `nvidia.com/gpu`."""
    secret_env: dict[
        Annotated[str, pattern(r"^[A-Za-z_][A-Za-z0-9_]*$", "the name of a variable")], SecretKey
    ] = Field(default_factory=dict)
    """Environment variables of the container whose values come from secrets."""
    volumes: tuple[Volume, ...] = ()
    """Volumes of the container, such as one with weights."""

    @field_validator("secret_env")
    @classmethod
    def _secret_env_is_not_reserved(cls, secrets: dict[str, SecretKey]) -> dict[str, SecretKey]:
        """Refuse variables that cvatbuild sets itself."""
        check_reserved(secrets)
        return secrets

    @model_validator(mode="after")
    def _check_scaling(self) -> "Kubernetes":
        """Refuse contradictions between the keys about the number of pods."""
        low, high = self.replicas()
        if self.scale_to_zero and self.min_replicas:
            raise Refused(
                f"`scale_to_zero` removes the last pod, but `min_replicas` is {self.min_replicas}",
                SCALE_TO_ZERO,
                "scale_to_zero",
                hint="remove `scale_to_zero` or `min_replicas`",
            )
        if high < low:
            raise Refused(
                f"the largest number of pods is {high}, and the smallest is {low}",
                REPLICA_RANGE,
                "max_replicas",
                allowed=f"at least {low}",
                hint=f"write `max_replicas: {low}`, or lower `min_replicas`",
            )
        if self.target_cpu is not None and self.metrics:
            raise Refused(
                "`target_cpu` has no effect beside `metrics`",
                TWO_SCALING_TARGETS,
                "target_cpu",
                hint="remove `target_cpu` or `metrics`",
            )
        target = "target_cpu" if self.target_cpu is not None else "metrics" if self.metrics else ""
        if target and max(low, 1) == high:
            raise Refused(
                f"`{target}` has no effect, since the number of pods is always {high}",
                NOTHING_TO_SCALE,
                target,
                hint=f"write `max_replicas: {high + 1}` or more, or remove `{target}`",
            )
        return self

    @model_validator(mode="after")
    def _check_volumes(self) -> "Kubernetes":
        """Refuse volumes that replace each other or the function's code."""
        check_volumes(self.volumes)
        return self

    def replaced_files(self) -> dict[int, str]:
        """Return index of a volume -> name of the file in the function's folder it replaces."""
        return replaced_files(self.volumes)

    def replicas(self) -> tuple[int, int]:
        """Return the smallest and the largest number of pods."""
        default = 0 if self.scale_to_zero else 1
        low = default if self.min_replicas is None else self.min_replicas
        return low, max(low, 1) if self.max_replicas is None else self.max_replicas

    def scales(self) -> bool:
        """Return whether a key about the number of pods is present."""
        return any(it is not None for it in (self.min_replicas, self.max_replicas)) or bool(
            self.scale_to_zero
        )
