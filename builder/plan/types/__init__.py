"""The kinds of function, one module each."""

from collections.abc import Mapping
from typing import Any, Protocol

from builder.manifest.located_yaml import Path_
from builder.manifest.reading import ManifestFile
from builder.model.file import Model
from builder.plan.types import detector, interactor, reid, tracker
from builder.plan.types.bound import Bound


class Kind(Protocol):
    """What the module of a kind has."""

    @property
    def CALLED(self) -> str:  # noqa: N802
        """Such a function in a sentence, with its article."""

    @property
    def ARGUMENTS(self) -> str:  # noqa: N802
        """What `cvatbuild predict FUNCTION` is followed by in an example."""

    @property
    def REQUEST(self) -> str:  # noqa: N802
        """A request of CVAT's, for `printf`; `%s` stands for the base64 of an image."""

    def bind(self, read: ManifestFile[Any], models: Mapping[Path_, Model]) -> Bound:
        """Bring a manifest and its models together.

        Args:
            read: the manifest, of this kind.
            models: by the place in the manifest that names them; see Manifest.sources.

        Raises:
            ManifestError: with everything that does not fit.
        """

    def check(self, read: ManifestFile[Any]) -> None:
        """Check all that a manifest says which can be judged without its models.

        Raises:
            ManifestError: with everything that is wrong.
        """


KINDS: dict[str, Kind] = {
    "detector": detector,
    "interactor": interactor,
    "tracker": tracker,
    "reid": reid,
}
"""What `type` says in a manifest -> the module."""
