"""The interface of a target: a platform that runs built functions."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from builder.manifest.function_type import FunctionType
from builder.manifest.variants import VariantName

if TYPE_CHECKING:
    from builder.plan.content import Content
    from builder.plan.plan import Plan

Tree: TypeAlias = dict[str, "Content"]
"""Path in a function's directory -> the file's content."""


@dataclass(frozen=True, slots=True)
class Description:
    """One variant of a built function, as its configuration file describes it.

    Attributes:
        name: the function's name, its ID in CVAT.
        type: the function's type.
        labels: CVAT's label specification, one object per label.
        annotations: the texts that CVAT reads, by key; `name` is the title in CVAT's menu.
        environment: the container's environment variables.
        code_folder: absolute path of the folder with the function's code and model files.
    """

    name: str
    type: FunctionType
    labels: list[dict[str, Any]]
    annotations: Mapping[str, str]
    environment: Mapping[str, str]
    code_folder: Path


class Target(Protocol):
    """A platform that runs built functions.

    A target is a package below builder.targets with a class that has these methods, listed in
    builder.targets.registry. If the manifest has keys for the target, the package has a module
    `settings`; see builder.manifest.variant_schema.
    """

    def render(self, plan: "Plan", digests: Mapping[str, str]) -> Tree:
        """Generate the files of a function, except build.lock.

        The same plan gives the same files, on any machine. Model files are values of
        `plan.written`, unchanged: their digests are known, so that they need not be read again.

        Args:
            plan: the function.
            digests: SHA-256 of the manifest and of the model files, by name.
        """

    def is_reviewed(self, path: str) -> bool:
        """Return whether people review a file of a function's directory.

        `cvatbuild diff` compares these files; build.lock holds the digests of all files.

        Args:
            path: relative to the function's directory.
        """

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
