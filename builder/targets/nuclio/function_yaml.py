"""function.yaml: a strict model of its keys, and their values.

Nuclio ignores unknown keys without a message. Every function.yaml is therefore validated by the
models below, which have exactly the keys that Nuclio 1.12.8 and later read
(pkg/functionconfig/types.go).
"""

import json
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from builder.backends.pins import PYTHON
from builder.manifest import patterns
from builder.manifest.function_type import FunctionType
from builder.manifest.validation import Strict
from builder.manifest.variants import VariantName
from builder.plan.cvat_labels import label_spec
from builder.plan.plan import Plan
from builder.targets.nuclio.cluster_spec import (
    ClusterSpec,
    SecretKeyRef,
    ValueFrom,
    cluster_keys,
)
from builder.targets.nuclio.image import Directives, directives
from builder.targets.nuclio.image_settings import ImageSettings
from builder.targets.nuclio.kubernetes import NVIDIA_GPU, Ingress, Kubernetes
from builder.targets.nuclio.settings import ENV_VALUE, LEAST_REQUEST, MOST_REQUEST, NuclioSettings
from runtimes.service import VARIANT

_LIMIT = r"^(cpu|memory|[a-z0-9.-]+/[A-Za-z0-9._-]+)$"
"""Names of resources that a container's limits can have."""


_LIBRARIES = {"OPENBLAS_NUM_THREADS": "1"}
"""Environment variables of libraries, unless the manifest sets them. numpy's OpenBLAS would start a
thread for each core of the host, whatever the container's limit is. The products of masks gain
nothing from a second one, which takes half as much processor time again while it waits."""


class Annotations(Strict):
    """The annotations that CVAT reads. Nuclio converts every value to text, so all are text."""

    name: str
    type: FunctionType
    version: Literal["2"] | None = None
    min_pos_points: Annotated[str | None, Field(pattern=r"^[0-9]+$")] = None
    min_neg_points: Annotated[str | None, Field(pattern=r"^(-1|[0-9]+)$")] = None
    # CVAT takes any text for true, even "false", except an empty one.
    startswith_box: Literal["true"] | None = None
    startswith_box_optional: Literal["true"] | None = None
    help_message: str | None = None
    animated_gif: str | None = None
    supported_shape_types: Annotated[str | None, Field(min_length=1)] = None
    spec: str

    @model_validator(mode="after")
    def _spec_is_json(self) -> "Annotations":
        """Check the JSON: CVAT cannot list any function if it is invalid in one of them."""
        if not isinstance(json.loads(self.spec), list):
            raise ValueError("the spec is not a list")
        return self


class Metadata(Strict):
    """The function's name and annotations."""

    name: Annotated[str, Field(pattern=patterns.NAME, max_length=56)]
    namespace: Literal["cvat"] = "cvat"
    annotations: Annotations


class EnvVariable(Strict):
    """One environment variable of the container."""

    name: str
    value: Annotated[str | None, Field(pattern=ENV_VALUE)] = None
    valueFrom: ValueFrom | None = None

    @model_validator(mode="after")
    def _check_source(self) -> "EnvVariable":
        """Check that the value comes from one place."""
        if (self.value is None) == (self.valueFrom is None):
            raise ValueError("the variable needs either `value` or `valueFrom`")
        return self


class Build(Strict):
    """How the image is built."""

    image: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*(:[a-z0-9.-]+)?$")]
    registry: str | None = None
    baseImage: str
    directives: Directives


class IngressSpec(Strict):
    """An address outside of the cluster (GetFunctionIngresses in pkg/functionconfig/types.go)."""

    host: str
    paths: tuple[str, ...]
    secretName: str | None = None


class HttpAttributes(Strict):
    """Settings of the HTTP trigger."""

    maxRequestBodySize: Annotated[int, Field(ge=LEAST_REQUEST, le=MOST_REQUEST)]
    port: int | None = None
    serviceType: str | None = None
    ingresses: dict[str, IngressSpec] | None = None


class Trigger(Strict):
    """The HTTP trigger. `numWorkers` is read from Nuclio 1.13 on, `maxWorkers` before."""

    kind: Literal["http"] = "http"
    numWorkers: int
    maxWorkers: int
    workerAvailabilityTimeoutMilliseconds: int = 10000
    attributes: HttpAttributes


class Triggers(Strict):
    """The only trigger, under the name that CVAT's own functions use."""

    myHttpTrigger: Trigger


class Resources(Strict):
    """Resources of the container.

    Docker reads only limits, and passes `--gpus all` for any number of nvidia.com/gpu.
    """

    limits: dict[Annotated[str, Field(pattern=_LIMIT)], str | int]

    @model_validator(mode="after")
    def _check_types(self) -> "Resources":
        """Check that CPU and memory are quantities, and GPUs a number."""
        for name, limit in self.limits.items():
            if isinstance(limit, str) != (name in ("cpu", "memory")):
                raise ValueError(f"the limit of {name} has the wrong type")
        return self


class RestartPolicy(Strict):
    """Restarts of the container. Without them a function ends when its worker dies."""

    name: Literal["always"] = "always"
    maximumRetryCount: int = 3


class PlatformAttributes(Strict):
    """Settings of the Docker platform."""

    restartPolicy: RestartPolicy = RestartPolicy()


class Platform(Strict):
    """Settings of the platform."""

    attributes: PlatformAttributes = PlatformAttributes()


class Spec(ClusterSpec):
    """How the function is built, started and called."""

    # CVAT's server cannot list any function if one has no description.
    description: Annotated[str, Field(min_length=1)]
    runtime: Annotated[str, Field(pattern=r"^python:3\.1[01]$")] = f"python:{PYTHON}"
    handler: Literal["main:handler"] = "main:handler"
    eventTimeout: str
    readinessTimeoutSeconds: int
    env: tuple[EnvVariable, ...]
    build: Build
    triggers: Triggers
    resources: Resources | None = None
    platform: Platform = Platform()


class FunctionConfig(Strict):
    """A whole function.yaml."""

    metadata: Metadata
    spec: Spec


def function_config(plan: Plan, variant: VariantName) -> FunctionConfig:
    """Return the function.yaml of a variant."""
    manifest = plan.manifest
    common = plan.settings(variant)
    settings = common.part(NuclioSettings)
    workers = settings.worker_count(manifest.type)
    cluster = settings.kubernetes
    limits = {
        "cpu": common.cpu or manifest.resources.cpu,
        "memory": common.memory or manifest.resources.memory,
        _gpu_resource(cluster): 1 if variant == "gpu" else None,
    }
    given = {name: limit for name, limit in limits.items() if limit is not None}
    return FunctionConfig(
        metadata=Metadata(
            name=plan.name,
            annotations=Annotations.model_validate(
                {
                    "name": plan.title,
                    "type": manifest.type,
                    **plan.annotations,
                    "spec": label_spec(plan.labels),
                }
            ),
        ),
        spec=Spec(
            description=manifest.description or plan.title,
            eventTimeout=settings.event_timeout,
            readinessTimeoutSeconds=settings.readiness_timeout,
            env=(
                EnvVariable(name=VARIANT, value=variant),
                *_variables(settings),
            ),
            build=Build(
                # No registry and at most one colon: Nuclio splits the name at the first one.
                image=f"cvat.{plan.name}:gpu" if variant == "gpu" else f"cvat.{plan.name}",
                registry=cluster.registry if cluster else None,
                baseImage=common.part(ImageSettings).base_image,
                directives=directives(plan, variant),
            ),
            triggers=Triggers(
                myHttpTrigger=Trigger(
                    numWorkers=workers,
                    maxWorkers=workers,
                    attributes=HttpAttributes(
                        maxRequestBodySize=settings.max_request_bytes(),
                        port=settings.port,
                        serviceType=cluster.service_type if cluster else None,
                        ingresses=_ingresses(cluster.ingress) if cluster else None,
                    ),
                )
            ),
            resources=Resources(limits=given) if given else None,
            **cluster_keys(cluster, plan.name, has_gpu=variant == "gpu"),
        ),
    )


def _gpu_resource(cluster: Kubernetes | None) -> str:
    """Return the name of the resource of the GPU variant's GPU."""
    return (cluster.gpu_resource if cluster else None) or NVIDIA_GPU


def _variables(settings: NuclioSettings) -> Iterator[EnvVariable]:
    """Yield the environment variables of libraries and of the manifest, secrets last."""
    secrets = settings.kubernetes.secret_env if settings.kubernetes else {}
    for name, text in {**_LIBRARIES, **settings.env}.items():
        if name not in secrets:
            yield EnvVariable(name=name, value=text)
    for name, it in secrets.items():
        key = SecretKeyRef(name=it.name, key=it.key)
        yield EnvVariable(name=name, valueFrom=ValueFrom(secretKeyRef=key))


def _ingresses(ingress: Ingress | None) -> dict[str, IngressSpec] | None:
    """Return the ingress under a name of its own; None without one."""
    if ingress is None:
        return None
    spec = IngressSpec(host=ingress.host, paths=ingress.paths, secretName=ingress.tls_secret)
    return {"cvat": spec}
