"""The variants of a function and the base classes of their settings.

Targets and backends declare settings as subclasses of VariantSettings;
builder.manifest.variant_schema assembles them into the schema of the key `variants`.
"""

from typing import Annotated, ClassVar, Literal, TypeVar

from pydantic import BeforeValidator, Field

from builder.manifest import patterns
from builder.manifest.validation import Strict

VariantName = Literal["cpu", "gpu"]
VARIANTS: tuple[VariantName, ...] = ("cpu", "gpu")

Platform = Literal["amd64", "arm64"]
"""Architecture of the machine that builds and runs a function, as Docker names it."""

Memory = Annotated[str, Field(pattern=patterns.MEMORY)]
Cores = Annotated[str, Field(pattern=patterns.CORES)]

_Part = TypeVar("_Part", bound="VariantSettings")


class Resources(Strict):
    """Resource limits of a function's container."""

    memory: Memory | None = None
    """Memory limit, such as `4Gi`. Default: no limit."""
    cpu: Cores | None = None
    """CPU limit in cores, such as `"2"` or `1500m`. Default: no limit."""


class VariantSettings(Strict):
    """A part of a variant's settings: the keys that one target or backend declares."""

    NAME: ClassVar[VariantName]
    """The variant that the settings belong to. Only assembled classes have it."""

    def part(self, part: type[_Part]) -> _Part:
        """Return these settings, typed as one of the parts that they were assembled from.

        Raises:
            TypeError: the settings were not assembled from this part.
        """
        if not isinstance(self, part):
            raise TypeError(f"{type(self).__name__} has no settings of {part.__name__}")
        return self


class Variant(Resources, VariantSettings):
    """The settings of a variant that belong to no target or backend."""


def _only_false(value: object) -> object:
    """Refuse 0, which is equal to False."""
    if value is not False:
        raise ValueError("only settings, or `false` to disable the variant, are allowed")
    return value


Off = Annotated[Literal[False], BeforeValidator(_only_false)]
"""The value of a disabled variant."""
