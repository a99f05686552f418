"""The scene: the manifest and the models that lint rules check."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

from builder.diagnostics.path import Path_
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule
from builder.manifest.labels import Labels
from builder.manifest.reading import ManifestFile, Section
from builder.manifest.variants import VARIANTS, Variant, VariantName
from builder.model.file import Model
from runtimes.errors import BadModel
from runtimes.signature import ImageInput
from runtimes.step import Step

_Step = TypeVar("_Step", bound=Step)


class Cluster(Protocol):
    """The keys of a variant for Kubernetes that rules read. A target declares them."""

    max_replicas: int | None
    service_type: str | None
    gpu_resource: str | None

    @property
    def secret_env(self) -> Mapping[str, object]:
        """The environment variables whose values come from secrets."""

    def replaced_files(self) -> Mapping[int, str]:
        """Return index of a volume -> name of the file in the function's folder it replaces."""

    def replicas(self) -> tuple[int, int]:
        """Return the smallest and the largest number of pods."""


class HashedPackage(Protocol):
    """A Python package with the digests of its files."""

    @property
    def package(self) -> str:
        """The package with its version: `name==1.2.3`."""


class Sources(Protocol):
    """Where the image build gets packages from."""

    @property
    def ca_file(self) -> str | None:
        """The path of a file with certificates, as in the manifest."""


class Deployment(Protocol):
    """The keys of a variant that rules read. Targets and backends declare them."""

    NAME: VariantName
    memory: str | None
    cpu: str | None
    workers: int | None
    threads: int
    base_image: str
    pip: tuple[str | HashedPackage, ...]
    sources: Sources
    env: dict[str, str]
    event_timeout: str
    port: int | None
    kubernetes: Cluster | None

    def max_request_bytes(self) -> int:
        """Return the maximum size of a request in bytes."""

    def worker_count(self, function_type: str) -> int:
        """Return the number of workers, each with its own copy of the model."""

    def thread_count(self, limit: str | None, workers: int) -> int:
        """Return the number of CPU threads of one worker; 0 to divide the host's cores at start."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A manifest and its models.

    Attributes:
        manifest_file: the manifest.
        models: the models, by the path of the key that names them; empty if they were not read.
        labels: a detector's labels; None for other types, and if they are unknown.
        function: the function with bound steps; None if there are errors.
    """

    manifest_file: ManifestFile[Any]
    models: Mapping[Path_, Model]
    labels: Labels | None
    function: object | None = None

    def problem(
        self,
        rule: Rule,
        path: Path_,
        what: str,
        found: object = "",
        allowed: str = "",
        hint: str = "",
    ) -> Problem:
        """Return a problem with the value at `path`."""
        return self.manifest_file.problem(path, what, str(found), allowed, hint, rule)

    def steps(
        self, type_: type[_Step], section: Section = "postprocess", stage: Path_ = ()
    ) -> dict[Path_, _Step]:
        """Return the steps of a type in a section, by their paths."""
        listed = self.manifest_file.steps(section, stage)
        return {path: step for path, step in listed.items() if isinstance(step, type_)}

    def variants(self) -> Iterator[tuple[Path_, Deployment]]:
        """Yield the settings of each enabled variant, with their paths."""
        for name in VARIANTS:
            settings: Variant | None = self.manifest_file.manifest.variants.of(name)
            if settings:
                yield ("variants", name), cast(Deployment, settings)

    @property
    def cvat(self) -> tuple[int, int]:
        """The oldest CVAT version that the function must serve."""
        major, minor = self.manifest_file.manifest.cvat.split(".")
        return int(major), int(minor)

    @property
    def first_model(self) -> Model | None:
        """The model that takes the image; None if the models were not read."""
        return next(iter(self.models.values()), None)

    @property
    def image(self) -> ImageInput | None:
        """The image input of the first model; None unless there is exactly one."""
        model = self.first_model
        inputs = model.signature.inputs if model else ()
        tensors = [it for it in inputs if len(it.shape) in (3, 4)]
        if len(tensors) != 1:
            return None
        try:
            return ImageInput.of(tensors[0])
        except BadModel:
            return None  # Binding the steps reports the reason.
