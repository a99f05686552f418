"""docs/diagnostics.md: all rules, found in the modules of `builder`."""

import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from itertools import chain

from builder.diagnostics.rule import Rule
from builder.reference.markdown import contents

_HEAD = """\
# Diagnostics

`cvatbuild check` reports each diagnostic with a code. Codes are stable, so scripts can rely on
them. An error means that no function, or none that works, can be built; `check` then exits with
status 1. A warning means that a function can be built, but most likely does not do what its author
wants; with `--strict`, `check` exits with status 1 on warnings too.

All commands have the same exit status:

| status | meaning |
|---|---|
| 0 | success |
| 1 | the command ran and failed: a manifest, model, dataset or function has errors, a reply is \
invalid, a metric is below `--fail-under`, or there are differences (`diff`, `parity`) |
| 2 | the command line is wrong: an unknown option, an invalid value, a path that does not exist, \
or a path of another type, such as a folder that is no built function |
| 130 | stopped with Ctrl-C |

`python -m builder.reference` generates this page from the rules in the code.
"""

_GROUPS = {
    "diagnostics": "Steps and their models",
    "manifest": "Manifest",
    "model": "Model files",
    "families": "Drafted manifests",
    "backends": "Backends",
    "plan": "Function",
    "lint": "Lint rules",
    "targets": "Output",
    "run": "Running functions",
    "cli": "Command line",
}
"""Package that defines a rule -> heading of the page. A package imports rules only from those above
it in this table."""


@cache
def rules() -> dict[str, tuple[Rule, ...]]:
    """Return all rules by the package that defines them.

    Raises:
        ValueError: two rules have the same code.
    """
    found: dict[str, list[Rule]] = {package: [] for package in _GROUPS}
    for package, listed in found.items():
        known = list(chain.from_iterable(found.values()))
        for rule in _rules_in(package):
            if any(rule is other for other in chain(known, listed)):
                continue
            if any(rule.code == other.code for other in chain(known, listed)):
                raise ValueError(f"builder.{package} defines the code '{rule.code}' again")
            listed.append(rule)
    return {package: tuple(sorted(it, key=lambda rule: rule.code)) for package, it in found.items()}


def _rules_in(package: str) -> Iterator[Rule]:
    """Yield the rules in the modules of a package, those of other rules' tables included."""
    parent = importlib.import_module(f"builder.{package}")
    names = [info.name for info in pkgutil.walk_packages(parent.__path__, f"{parent.__name__}.")]
    for name in [parent.__name__, *names]:
        if name.endswith(".main"):
            continue  # the entry point of functions runs only inside a function
        for value in vars(importlib.import_module(name)).values():
            for item in value.values() if isinstance(value, dict) else [value]:
                if isinstance(item, Rule):
                    yield item


def page() -> str:
    """Return the page in Markdown."""
    groups = {_GROUPS[package]: listed for package, listed in rules().items() if listed}
    parts = [_HEAD, *contents(list(groups)), ""]
    for title, listed in groups.items():
        rows = [
            f"| `{rule.code}` | {rule.severity} | {rule.title} | {rule.why} |" for rule in listed
        ]
        table = "\n".join(["| code | severity | title | why |", "|---|---|---|---|", *rows])
        parts.append(f"## {title}\n\n{table}\n")
    return "\n".join(parts)
