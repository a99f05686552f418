"""What the modules of the function types work on, and what they return."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from builder.diagnostics.collector import Diagnostics
from builder.diagnostics.path import Path_
from builder.manifest.labels import Label, Labels
from builder.manifest.reading import ManifestFile
from builder.model.file import Model
from runtimes.service import Function


@dataclass(frozen=True, slots=True)
class Context:
    """A manifest with everything that it refers to.

    Attributes:
        manifest_file: the manifest.
        models: the models that could be read, by the path of the key that names them; see
            Manifest.sources.
        labels: a detector's labels, which may contradict each other; None for other types, and if
            they are unknown.
        complete: whether all models were read and the first step of `postprocess` is valid, so
            that the steps can be bound to the models.
        diagnostics: gets the problems.
    """

    manifest_file: ManifestFile[Any]
    models: Mapping[Path_, Model]
    labels: Labels | None
    complete: bool
    diagnostics: Diagnostics


@dataclass(frozen=True, slots=True)
class Bound:
    """A function whose steps are bound to its models.

    Attributes:
        function: the function as model_handler.py spells it out.
        labels: every label with its id and type; only detectors have labels.
        annotations: the annotations that CVAT reads, except name, type and labels.
    """

    function: Function
    labels: tuple[Label, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)
