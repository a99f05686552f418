"""A plan: everything about a function that is decided before its files are generated."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from builder.diagnostics.problem import Problem
from builder.manifest.labels import Label
from builder.manifest.schema import Manifest
from builder.manifest.variants import Variant, VariantName
from builder.model.file import Model
from builder.plan.content import Content
from builder.plan.reduction import Reduction
from runtimes.service import Function


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a function.

    Attributes:
        file: the manifest's file.
        manifest: the content of the manifest.
        models: the model files; the model that takes the image comes first.
        labels: every label with its id and type; only detectors have labels.
        annotations: the annotations that CVAT reads, except name, type and labels.
        function: the function as model_handler.py spells it out.
        variants: the variants to build.
        warnings: the warnings about the manifest.
        contents: name in the function's folder -> content, of the model files that transforms
            replaced.
        notes: paragraphs about those changes for the function's README.
        copies: name in the function's folder of a model file of one variant -> name of the model
            file that it replaces there. `contents` has its content.
        reductions: the variants whose models have reduced precision.
    """

    file: Path
    manifest: Manifest
    models: tuple[Model, ...]
    labels: tuple[Label, ...]
    annotations: Mapping[str, str]
    function: Function
    variants: tuple[VariantName, ...]
    warnings: tuple[Problem, ...] = ()
    contents: Mapping[str, Content] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    copies: Mapping[str, str] = field(default_factory=dict)
    reductions: tuple[Reduction, ...] = ()

    @property
    def name(self) -> str:
        """The function's name."""
        return self.manifest.name

    @property
    def title(self) -> str:
        """The function's title in CVAT's menu."""
        return self.manifest.title or self.manifest.name

    def settings(self, variant: VariantName) -> Variant:
        """Return the manifest's settings of a variant that is built."""
        settings = self.manifest.variants.of(variant)
        assert settings is not None, f"the {variant} variant is switched off"
        return settings

    @property
    def sources(self) -> dict[str, Path]:
        """Name in the function's folder -> file that the manifest names, of all model files."""
        files = {name: file for model in self.models for name, file in model.files.items()}
        return {**files, **{name: files[original] for name, original in self.copies.items()}}

    def versions(self, file: str) -> tuple[str, ...]:
        """Return the name of a model file, and those of the copies that replace it."""
        return (file, *(name for name, original in self.copies.items() if original == file))

    @property
    def files(self) -> dict[str, Content]:
        """Name in the function's folder -> content, of all model files; see `written`."""
        return {**self.sources, **self.contents}

    def loaded(self, variant: VariantName) -> tuple[str, ...]:
        """Return the names of the model files that a variant loads."""
        for reduction in self.reductions:
            if reduction.variant == variant:
                return reduction.files  # These hold their weights themselves.
        return tuple(name for model in self.models for name in model.files)

    @property
    def written(self) -> dict[str, Content]:
        """Name in the function's folder -> content, of the model files that a variant loads.

        `files` also has the originals that each variant replaces by a copy in reduced precision.
        """
        loaded = {name for variant in self.variants for name in self.loaded(variant)}
        return {name: content for name, content in self.files.items() if name in loaded}

    def with_contents(self, contents: Mapping[str, Content]) -> "Plan":
        """Return the plan with the content of model files replaced; see builder.plan.transforms.

        Args:
            contents: name in the function's folder -> content.

        Raises:
            ValueError: the plan has no such file.
        """
        unknown = contents.keys() - self.sources.keys()
        if unknown:
            raise ValueError(f"no model file is called {min(unknown)}")
        return replace(self, contents={**self.contents, **contents})
