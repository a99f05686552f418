"""The function types, one module each."""

from typing import Protocol

from builder.plan.context import Bound, Context
from builder.plan.types import detector, interactor, reid, tracker


class FunctionType(Protocol):
    """The interface of a function type's module."""

    @property
    def NOUN(self) -> str:  # noqa: N802
        """The name of the type with its article, for sentences."""

    @property
    def ARGUMENTS(self) -> str:  # noqa: N802
        """Example arguments of `cvatbuild predict FUNCTION`."""

    @property
    def REQUEST(self) -> str:  # noqa: N802
        """An example of CVAT's request, for `printf`; `%s` stands for an image in base64."""

    def bind(self, context: Context) -> Bound | None:
        """Check the manifest, and bind its steps to its models.

        Returns:
            The function; None if there are errors, or if the context is not complete.
        """


TYPES: dict[str, FunctionType] = {
    "detector": detector,
    "interactor": interactor,
    "tracker": tracker,
    "reid": reid,
}
"""A manifest's `type` -> the module."""
