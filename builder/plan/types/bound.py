"""What a kind of function makes of a manifest."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from builder.manifest.labels import Label
from runtimes.service import Function


@dataclass(frozen=True, slots=True)
class Bound:
    """A manifest and its models brought together.

    Attributes:
        function: what model_handler.py will spell out.
        labels: every label with its id and type; only detectors have any.
        annotations: what CVAT reads of such a function beside name, type and labels.
    """

    function: Function
    labels: tuple[Label, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)
