"""The keys of a variant that select its backend and configure it."""

from typing import Any, Literal

from pydantic import Field, create_model

from builder.backends.backend import BackendSettings
from builder.backends.registry import backends_of
from builder.manifest.variants import VariantName, VariantSettings


def parts(variant: VariantName) -> tuple[type[VariantSettings], ...]:
    """Return the backends' parts of a variant's settings; see builder.manifest.variant_schema."""
    own = (backend.settings for backend in backends_of(variant))
    return tuple(dict.fromkeys((BackendSettings, *_choice(variant), *own)))


def _choice(variant: VariantName) -> tuple[type[VariantSettings], ...]:
    """Return the part with the key `runtime`; nothing if the variant has a single backend."""
    default, *others = backends_of(variant)
    if not others:
        return ()
    names: Any = Literal[tuple(backend.name for backend in (default, *others))]
    advice = " ".join(it.advice for it in (default, *others) if it.advice)
    field = Field(default.name, description=f"Inference runtime. {advice}".strip())
    made: Any = create_model(
        f"{variant.capitalize()}Runtime", __base__=VariantSettings, runtime=(names, field)
    )
    return (made,)
