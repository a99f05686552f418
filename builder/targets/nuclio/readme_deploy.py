"""The section of a function's README about its deployment."""

from builder.manifest.variants import VariantName
from builder.plan.plan import Plan
from builder.targets.nuclio.kubernetes import NVIDIA_GPU, Kubernetes
from builder.targets.nuclio.layout import CONFIGS, FOLDER
from builder.targets.nuclio.settings import NuclioSettings

NAMESPACE = "nuclio"
"""The namespace in which CVAT looks for functions by default."""

_LOCAL = "--platform local"
_KUBE = f"--platform kube --namespace {NAMESPACE}"

_FIXED_PORT = "The manifest's `port` is that of the function on the host."
_NO_PORT = (
    "Without `port` in the manifest, Docker then gives the function another port whenever the\n"
    "host restarts, and CVAT keeps calling the old one until the function is deployed again."
)
_NAMESPACE = (
    f"`{NAMESPACE}` is the namespace in which CVAT looks for functions; its variable\n"
    "CVAT_NUCLIO_FUNCTION_NAMESPACE names another one."
)
_REGISTRY = "REGISTRY is a registry from which the nodes of the cluster pull the image."
_SAME_NAME = "Both variants have the same name, so one replaces the other and label mappings stay."


def on_docker(plan: Plan) -> tuple[VariantName, ...]:
    """Return the variants that Docker can run: those without another GPU than a whole one."""
    return tuple(
        it
        for it in plan.variants
        if it == "cpu" or (_cluster(plan, it) or Kubernetes()).gpu_resource in (None, NVIDIA_GPU)
    )


def deploy_section(plan: Plan) -> str:
    """Return the section: commands for Docker, and for variants with settings for Kubernetes."""
    docker = on_docker(plan)
    kube = {it: cluster for it in plan.variants if (cluster := _cluster(plan, it)) is not None}
    registries = {it: "" if kube[it].registry else " --registry REGISTRY" for it in kube}
    commands = [f"cvatbuild deploy {plan.name} --variant {it}" for it in docker]
    commands += [
        f"cvatbuild deploy {plan.name} --variant {it} {_KUBE}{registries[it]}" for it in kube
    ]
    by_nuctl = [f"nuctl create project cvat {_LOCAL}"] if docker else []
    by_nuctl += [_nuctl_deploy(plan, it, _LOCAL) for it in docker]
    by_nuctl += [f"nuctl create project cvat {_KUBE}"] if kube else []
    by_nuctl += [_nuctl_deploy(plan, it, f"{_KUBE}{registries[it]}") for it in kube]
    fixed = all(plan.settings(it).part(NuclioSettings).port for it in docker)
    remarks = [_FIXED_PORT if fixed else _NO_PORT] if docker else []
    remarks += [_NAMESPACE] if kube else []
    remarks += [_REGISTRY] if any(registries.values()) else []
    if docker:
        scripts = "\n".join(f"serverless/deploy_{it}.sh serverless/{plan.name}" for it in docker)
        remarks.append(
            "Or with the scripts of a CVAT checkout, after copying this directory into its "
            f"`serverless` folder:\n\n```sh\n{scripts}\n```"
        )
    remarks += [_SAME_NAME] if len(plan.variants) > 1 else []
    port = "gives the function a fixed port, and sends it requests as CVAT\ndoes"
    checks = (
        f"checks Docker and nuctl, {port}"
        if docker
        else ("checks Docker, nuctl and kubectl, and sends the function requests as CVAT\ndoes")
    )
    return "\n\n".join(
        [
            "## Deploy",
            f"From the folder that holds `{plan.name}`, with CVAT's serverless stack running:",
            _shell(commands),
            f"The command {checks}. With nuctl alone:",
            _shell(by_nuctl),
            *remarks,
        ]
    )


def _cluster(plan: Plan, variant: VariantName) -> Kubernetes | None:
    """Return a variant's settings for Kubernetes; None without any."""
    return plan.settings(variant).part(NuclioSettings).kubernetes


def _nuctl_deploy(plan: Plan, variant: VariantName, place: str) -> str:
    """Return nuctl's command for a variant, with options that name a platform."""
    path = f"{plan.name}/{FOLDER}"
    return (
        f"nuctl deploy --project-name cvat {place} --path {path} --file {path}/{CONFIGS[variant]}"
    )


def _shell(lines: list[str]) -> str:
    """Return lines as a code block."""
    return "\n".join(["```sh", *lines, "```"])
