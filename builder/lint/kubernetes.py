"""Settings for Kubernetes that contradict the variant that they belong to."""

from collections.abc import Iterator

from builder.backends.backend import BackendSettings
from builder.diagnostics.path import Path_
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule, warning
from builder.lint.interactor import UNSHARED_EMBEDDINGS
from builder.lint.scene import Cluster, Deployment, Scene
from builder.plan.transforms.precision import own_name

GPU_WITHOUT_GPU_VARIANT = Rule(
    "gpu-without-gpu-variant",
    "GPU resource in the CPU variant",
    "The CPU variant uses no GPU, and a pod would reserve one for nothing.",
)
NODE_PORT = Rule(
    "node-port",
    "Port is not a node port",
    "Kubernetes refuses the function's service.",
)
DUPLICATE_VARIABLE = Rule(
    "duplicate-variable",
    "Variable has two values",
    "One value would silently replace the other.",
)
VOLUME_MODEL = Rule(
    "volume-model",
    "Volume replaces no model file of the variant",
    "The variant does not load the file on the volume.",
)
PORT_ON_KUBERNETES = warning(
    "port-on-kubernetes",
    "Port has no effect on Kubernetes",
    "Nuclio uses the port as a node port, and only for services of type NodePort.",
)

_NODE_PORTS = range(30000, 32768)
"""Kubernetes' default range of node ports (`--service-node-port-range`)."""


def find(scene: Scene) -> Iterator[Problem]:
    """Yield problems of the settings for Kubernetes."""
    for path, variant in scene.variants():
        if variant.kubernetes is not None:
            key = (*path, "kubernetes")
            yield from _gpu(scene, key, variant, variant.kubernetes)
            yield from _port(scene, path, variant, variant.kubernetes)
            yield from _variables(scene, key, variant, variant.kubernetes)
            yield from _volumes(scene, key, variant, variant.kubernetes)
            yield from _replicas(scene, key, variant.kubernetes)


def _gpu(scene: Scene, path: Path_, variant: Deployment, cluster: Cluster) -> Iterator[Problem]:
    """Yield a problem if the CPU variant names the resource of a GPU."""
    if variant.NAME == "cpu" and cluster.gpu_resource is not None:
        yield scene.problem(
            GPU_WITHOUT_GPU_VARIANT,
            (*path, "gpu_resource"),
            "the CPU variant does not use a GPU",
            cluster.gpu_resource,
            hint="move the key to `variants.gpu.kubernetes`, or remove it",
        )


def _port(scene: Scene, path: Path_, variant: Deployment, cluster: Cluster) -> Iterator[Problem]:
    """Yield a problem if the port cannot be a node port, or is not used as one."""
    if variant.port is None or cluster.service_type is None:
        return
    if cluster.service_type != "NodePort":
        yield scene.problem(
            PORT_ON_KUBERNETES,
            (*path, "port"),
            f"a service of type {cluster.service_type} does not use the port",
            variant.port,
            hint="remove `port`, or write `service_type: NodePort`",
        )
    elif variant.port not in _NODE_PORTS:
        yield scene.problem(
            NODE_PORT,
            (*path, "port"),
            "with `service_type: NodePort` the port is opened on each node, outside of Kubernetes' "
            "range of node ports",
            variant.port,
            f"{_NODE_PORTS.start} to {_NODE_PORTS.stop - 1}",
            f"write a port from {_NODE_PORTS.start} to {_NODE_PORTS.stop - 1}, or remove `port`",
        )


def _variables(
    scene: Scene, path: Path_, variant: Deployment, cluster: Cluster
) -> Iterator[Problem]:
    """Yield environment variables with a value and a secret."""
    for name in cluster.secret_env:
        if name in variant.env:
            yield scene.problem(
                DUPLICATE_VARIABLE,
                (*path, "secret_env", name),
                f"{name} also has a value in `env`",
                hint="remove one of the two",
            )


def _volumes(scene: Scene, path: Path_, variant: Deployment, cluster: Cluster) -> Iterator[Problem]:
    """Yield volumes that replace a file that is not a model file of the variant."""
    if not scene.models:
        return
    settings = scene.manifest_file.manifest.variants.of(variant.NAME).part(BackendSettings)
    loaded = [
        name
        for model in scene.models.values()
        for name in (
            (own_name(model.name, settings.suffix),) if settings.suffix else tuple(model.files)
        )
    ]
    for index, name in cluster.replaced_files().items():
        if name not in loaded:
            yield scene.problem(
                VOLUME_MODEL,
                (*path, "volumes", index, "mount"),
                f"the {variant.NAME.upper()} variant does not load the file {name}",
                name,
                ", ".join(dict.fromkeys(loaded)),
                f"write `mount: /opt/nuclio/{loaded[0]}`",
            )


def _replicas(scene: Scene, path: Path_, cluster: Cluster) -> Iterator[Problem]:
    """Yield a problem if several pods of an interactor would each cache embeddings."""
    _, highest = cluster.replicas()
    if scene.manifest_file.manifest.type == "interactor" and highest > 1:
        key = "max_replicas" if cluster.max_replicas is not None else "min_replicas"
        yield scene.problem(
            UNSHARED_EMBEDDINGS,
            (*path, key),
            "each pod caches the embeddings of its own requests only, so the encoder would run "
            "again when a click on the same image reaches another pod",
            highest,
            "1",
            f"remove `{key}`, unless as many people annotate at the same time",
        )
