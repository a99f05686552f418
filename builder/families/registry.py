"""All supported model families, found by looking at `catalog`."""

import importlib
import pkgutil
from functools import cache

from builder.families import catalog
from builder.families.family import Family
from runtimes.step import Step


@cache
def families() -> tuple[Family, ...]:
    """Return every family, in the order of `precedence` and then of their modules' names.

    A family is one that a module of `builder.families.catalog` defines; there is no other list.
    """
    found: list[Family] = []
    for info in pkgutil.iter_modules(catalog.__path__):
        module = importlib.import_module(f"{catalog.__name__}.{info.name}")
        # A module may import another one's family.
        found += [it for it in vars(module).values() if isinstance(it, Family) and it not in found]
    return tuple(sorted(found, key=lambda family: family.precedence))


def family_of(step: Step) -> Family | None:
    """Return the family whose models' outputs a step reads.

    None for steps that read no outputs of a model, such as `nms`.
    """
    return _by_step().get(type(step))


@cache
def _by_step() -> dict[type[Step], Family]:
    """Map each step to its family."""
    return {step: family for family in families() for step in family.steps}
