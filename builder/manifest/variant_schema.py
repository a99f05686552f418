"""The schema of the key `variants`, assembled from the settings of all targets and backends.

A package contributes settings if it has a module `settings` and is builder.backends or lies below
builder.targets. The module defines

- `parts(variant)`: the subclasses of VariantSettings whose keys a variant has;
- `RESERVED_NAMES` (optional): names that a function cannot have -> the reason.

A contributing module must not import this module or builder.manifest.schema: the schema is
assembled while they are imported.
"""

import importlib
import importlib.util
import pkgutil
from collections.abc import Iterable, Iterator
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import create_model, model_validator

from builder.diagnostics.errors import Refused
from builder.diagnostics.rule import Rule
from builder.manifest.validation import Strict
from builder.manifest.variants import VARIANTS, Off, Variant, VariantName, VariantSettings

NO_VARIANT = Rule("no-variant", "No variant is enabled", "Nothing would be built.")

_CONTRIBUTORS = ("builder.targets", "builder.backends")


@cache
def contributions() -> tuple[ModuleType, ...]:
    """Return the `settings` modules of all targets and backends, sorted by package."""
    return tuple(importlib.import_module(name) for name in _module_names())


def _module_names() -> Iterator[str]:
    """Yield the names of the modules that contribute settings."""
    for root in _CONTRIBUTORS:
        below = pkgutil.iter_modules(importlib.import_module(root).__path__)
        for package in (root, *sorted(f"{root}.{it.name}" for it in below if it.ispkg)):
            name = f"{package}.settings"
            if importlib.util.find_spec(name):
                yield name


def reserved_names() -> dict[str, str]:
    """Return the function names that targets reserve for themselves -> the reason."""
    return {
        name: reason
        for module in contributions()
        for name, reason in getattr(module, "RESERVED_NAMES", {}).items()
    }


def parts_of(variant: VariantName) -> tuple[type[VariantSettings], ...]:
    """Return the parts of a variant's settings.

    Raises:
        TypeError: two parts declare the same key.
    """
    parts = tuple(part for module in contributions() for part in module.parts(variant))
    declared: dict[str, type[VariantSettings]] = {}
    for part in (Variant, *parts):
        for key in part.model_fields:
            # A part may be a subclass of another one, and then has its keys.
            other = declared.setdefault(key, part)
            if not (issubclass(part, other) or issubclass(other, part)):
                raise TypeError(f"{other.__name__} and {part.__name__} both declare `{key}`")
    return parts


def _assemble(name: str, text: str, bases: Iterable[type[VariantSettings]]) -> type[Variant]:
    """Make a class of settings with a docstring from its parts."""
    given = tuple(bases)
    # A class must not precede its subclasses, which already include it.
    leaves = [it for it in given if not any(it is not by and issubclass(by, it) for by in given)]
    # mypy cannot follow the dynamic base classes.
    create: Any = create_model
    made: type[Variant] = create(name, __base__=tuple(leaves), __doc__=text, __module__=__name__)
    return made


def shared_settings() -> type[Variant]:
    """Make the class of the settings that all variants have."""
    first, *others = (parts_of(variant) for variant in VARIANTS)
    shared = (part for part in first if all(part in parts for parts in others))
    return _assemble(
        "SharedVariant", "Settings of one variant. All keys are optional.", (*shared, Variant)
    )


def variant_settings(variant: VariantName, shared: type[Variant]) -> type[Variant]:
    """Make the class of a variant's settings from those that all variants share."""
    own = (part for part in parts_of(variant) if not issubclass(shared, part))
    title = variant.upper()
    made = _assemble(
        f"{variant.capitalize()}Variant", f"Settings of the {title} variant.", (*own, shared)
    )
    made.NAME = variant
    return made


if TYPE_CHECKING:
    SharedVariant: TypeAlias = Variant
    CpuVariant: TypeAlias = Variant
    GpuVariant: TypeAlias = Variant
else:
    SharedVariant = shared_settings()
    CpuVariant = variant_settings("cpu", SharedVariant)
    GpuVariant = variant_settings("gpu", SharedVariant)


class Variants(Strict):
    """Settings of the variants. `false` disables a variant."""

    cpu: CpuVariant | Off = CpuVariant()
    """Settings of the CPU variant, or `false`."""
    gpu: GpuVariant | Off = GpuVariant()
    """Settings of the GPU variant, or `false`."""

    @model_validator(mode="after")
    def _check_enabled(self) -> "Variants":
        """Refuse a function without variants."""
        if not self.cpu and not self.gpu:
            raise Refused(
                "both variants are disabled; nothing would be built",
                NO_VARIANT,
                hint="remove `cpu: false` or `gpu: false`",
            )
        return self

    def of(self, variant: VariantName) -> Variant | None:
        """Return a variant's settings, or None if the variant is disabled."""
        settings: Any = getattr(self, variant)
        return settings or None
