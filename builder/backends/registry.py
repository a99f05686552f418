"""All backends, and the backend that a variant's settings select."""

import importlib
import inspect
import pkgutil
from functools import cache

import builder.backends
from builder.backends import pins
from builder.backends.backend import Backend
from builder.manifest.variants import VARIANTS, Platform, Variant, VariantName


@cache
def backends() -> tuple[Backend, ...]:
    """Return all backends: those of the CPU variant first, by rank within a variant.

    A backend is known because a module of this package declares it; it is listed nowhere else.
    """
    found: list[Backend] = []
    for info in pkgutil.iter_modules(builder.backends.__path__):
        module = importlib.import_module(f"{builder.backends.__name__}.{info.name}")
        found += [
            item()
            for item in vars(module).values()
            if inspect.isclass(item)
            and issubclass(item, Backend)
            and not inspect.isabstract(item)
            and item.__module__ == module.__name__
        ]
    return tuple(sorted(found, key=lambda it: (VARIANTS.index(it.variant), it.rank, it.name)))


def backends_of(variant: VariantName) -> tuple[Backend, ...]:
    """Return the backends that a variant can use, the default first."""
    return tuple(backend for backend in backends() if backend.variant == variant)


def backend_of(settings: Variant) -> Backend:
    """Return the backend that a variant's settings select."""
    default, *others = backends_of(settings.NAME)
    # Settings have the key `runtime` only if there is a choice.
    name = getattr(settings, "runtime", default.name)
    return next(backend for backend in (default, *others) if backend.name == name)


def requirements(
    function_type: str, settings: Variant, platform: Platform = "amd64"
) -> tuple[str, ...]:
    """Return the exact packages of a variant's image, without those that the manifest adds."""
    own = pins.BY_TYPE.get(function_type, ())
    return (*pins.COMMON, *own, *backend_of(settings).packages(settings, platform))
