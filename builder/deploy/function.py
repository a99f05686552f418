"""A built function as a deployment sees it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from builder.backends import pins, wheels
from builder.diagnostics.errors import BuiltError, DeployError
from builder.diagnostics.files import sha256
from builder.diagnostics.problem import Problem
from builder.manifest.variants import Platform, VariantName
from builder.targets.built import describe, target_of
from builder.targets.lock import Lock
from builder.targets.nuclio.kubernetes import NVIDIA_GPU
from builder.targets.nuclio.layout import requirements_name
from builder.targets.target import Description


@dataclass(frozen=True, slots=True)
class BuiltFunction:
    """One variant of a built function.

    Attributes:
        folder: the function's directory.
        variant: the variant.
        description: its configuration for requests.
        config: its function.yaml.
        data: the content of that file.
    """

    folder: Path
    variant: VariantName
    description: Description
    config: Path
    data: dict[str, Any]

    @classmethod
    def read(cls, folder: Path, variant: VariantName) -> "BuiltFunction":
        """Read a built function, and check that its files are those that the build wrote.

        Raises:
            BuiltError: the directory is not a complete function, or a file was changed.
        """
        description = describe(folder, variant)
        config = target_of(folder).config_path(folder, variant)
        data: dict[str, Any] = yaml.safe_load(config.read_text("utf-8"))
        _check_files(folder)
        return cls(folder, variant, description, config, data)

    @property
    def name(self) -> str:
        """The function's name, its ID in CVAT."""
        return self.description.name

    @property
    def port(self) -> int | None:
        """The port of its HTTP trigger; None without one."""
        (trigger,) = self.triggers.values()
        port: int | None = trigger["attributes"].get("port")
        return port

    @property
    def triggers(self) -> dict[str, Any]:
        """Its only trigger, by name."""
        triggers: dict[str, Any] = self.data["spec"]["triggers"]
        return triggers

    def triggers_with_port(self, port: int) -> dict[str, Any]:
        """Return its trigger with a port on the host, for nuctl's `--triggers`.

        nuctl replaces the whole trigger, so the other settings are in it, too.
        """
        ((name, trigger),) = self.triggers.items()
        return {name: {**trigger, "attributes": {**trigger["attributes"], "port": port}}}

    @property
    def registry(self) -> str | None:
        """The registry to which its image is pushed; None without one."""
        registry: str | None = self.data["spec"]["build"].get("registry")
        return registry

    @property
    def cuda(self) -> int | None:
        """The CUDA version that its image installs; None without CUDA."""
        installed = self._requirements()
        found = (cuda for cuda, (first, *_) in pins.CUDA.items() if first in installed)
        return next(found, None)

    def _requirements(self) -> set[str]:
        """Return the packages of its image with their versions."""
        listed = (self.config.parent / requirements_name(self.variant)).read_text("utf-8")
        return {line.split(" ")[0] for line in listed.splitlines()}

    def needs_kubernetes(self) -> list[str]:
        """Return the settings that have no effect with Docker, as messages."""
        spec = self.data["spec"]
        found = [
            f"the variable {it['name']} has no value: Docker has no secrets of Kubernetes"
            for it in spec["env"]
            if "valueFrom" in it
        ]
        found += [
            f"the volume {it['volume']['name']} is not mounted: Docker has only volumes with "
            "`host_path`"
            for it in spec.get("volumes", ())
            if "hostPath" not in it["volume"]
        ]
        return found

    def check_docker_gpu(self) -> None:
        """Check that Docker gives the GPU variant a GPU.

        Raises:
            DeployError: its GPU is another resource than a whole GPU.
        """
        limits = self.data["spec"].get("resources", {}).get("limits", {})
        if self.variant == "gpu" and NVIDIA_GPU not in limits:
            what = f"Nuclio passes a GPU to Docker only for the resource {NVIDIA_GPU}"
            found = ", ".join(it for it in limits if "/" in it)
            hint = "remove `kubernetes.gpu_resource` from the manifest, or use --platform kube"
            raise DeployError(Problem(what, file=self.folder, found=found, hint=hint))

    def check_platform(self, platform: Platform) -> None:
        """Check that the image's packages have wheels for an architecture.

        Raises:
            DeployError: a package has none.
        """
        for name in sorted(self._requirements()):
            package = wheels.packages().get(name)
            if package is not None and package.glibc(platform) is None:
                what = f"{name} has no wheel for this machine's architecture, {platform}"
                hint = f"write `platform: {platform}` in the manifest, and build the function again"
                raise DeployError(Problem(what, file=self.folder, hint=hint))


def _check_files(folder: Path) -> None:
    """Check that no file differs from the one that the build tested.

    Raises:
        BuiltError: a file differs.
    """
    lock = Lock.read(folder)
    assert lock is not None, "describe has read the lock"
    changed = [name for name, digest in lock.files.items() if sha256(folder / name) != digest]
    if changed:
        manifest = next(iter(lock.manifest))
        raise BuiltError(
            Problem(
                "has files that differ from those that were built and tested",
                file=folder,
                found=", ".join(changed[:5]) + (", ..." if len(changed) > 5 else ""),
                hint=f"run `cvatbuild {manifest} --force` in the manifest's folder",
            )
        )
