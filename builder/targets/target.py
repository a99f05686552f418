"""The interface of a target: a platform that runs built functions."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from builder.manifest.schema import KindName
from builder.manifest.variants import VariantName


@dataclass(frozen=True, slots=True)
class Description:
    """One variant of a built function, as its configuration file describes it.

    Attributes:
        type: the function's type.
        labels: CVAT's label specification, one object per label.
        annotations: the texts that CVAT reads, by key; `name` is the title in CVAT's menu.
        environment: the container's environment variables.
        code_folder: absolute path of the folder with the function's code and model files.
    """

    type: KindName
    labels: list[dict[str, Any]]
    annotations: Mapping[str, str]
    environment: Mapping[str, str]
    code_folder: Path


class Target(Protocol):
    """A platform that runs built functions."""

    def config_path(self, folder: Path, variant: VariantName) -> Path:
        """Return the path of a variant's configuration file in a function's directory."""

    def describe(self, folder: Path, variant: VariantName) -> Description:
        """Read a variant's configuration file.

        Args:
            folder: the function's directory; the variant's configuration file is in it.
            variant: the variant to describe.

        Raises:
            BuiltError: cvatbuild did not write the configuration file.
        """
