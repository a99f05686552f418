"""Conflicts between manifests that are checked together."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from builder.diagnostics.path import Path_
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule, warning
from builder.manifest.reading import ManifestFile

DUPLICATE_FUNCTION = Rule(
    "duplicate-function",
    "Duplicate function name",
    "One function would overwrite the other, in the output folder and in CVAT.",
)
DUPLICATE_TITLE = warning(
    "duplicate-title",
    "Duplicate title",
    "CVAT's menu shows two functions with the same title.",
)
DUPLICATE_PORT = Rule(
    "duplicate-port",
    "Duplicate port",
    "Docker can start only one of the functions.",
)

_File: TypeAlias = ManifestFile[Any]


def find_conflicts(files: Sequence[_File]) -> tuple[Problem, ...]:
    """Return the problems of names, titles and ports that several manifests use."""
    return (*_names(files), *_titles(files), *_ports(files))


def _names(files: Sequence[_File]) -> Iterator[Problem]:
    """Yield problems of functions with the same name."""
    for file, earlier in _duplicates(files, lambda it: it.manifest.name):
        yield file.problem(
            ("name",),
            f"{earlier.path} has the same name: one function would overwrite the other, here and "
            "in CVAT",
            file.manifest.name,
            hint="give one of them another name",
            rule=DUPLICATE_FUNCTION,
        )


def _titles(files: Sequence[_File]) -> Iterator[Problem]:
    """Yield problems of functions with the same title."""
    titled = [file for file in files if file.manifest.title]
    for file, earlier in _duplicates(titled, lambda it: it.manifest.title):
        if file.manifest.name != earlier.manifest.name:
            yield file.problem(
                ("title",),
                f"{earlier.path} has the same title: CVAT's menu would show it twice",
                file.manifest.title,
                hint="give one of them another title",
                rule=DUPLICATE_TITLE,
            )


def _ports(files: Sequence[_File]) -> Iterator[Problem]:
    """Yield problems of functions with the same host port."""
    claimed: dict[int, _File] = {}
    for file in files:
        for name in ("cpu", "gpu"):
            settings = getattr(file.manifest.variants, name)
            port = settings.port if settings else None
            if port is None:
                continue
            earlier = claimed.setdefault(port, file)
            # A function's two variants replace each other, so they may share a port.
            if earlier.manifest.name != file.manifest.name:
                path: Path_ = ("variants", name, "port")
                yield file.problem(
                    path,
                    f"{earlier.path} has the same port: only one of the functions would start",
                    str(port),
                    hint="give one of them another port",
                    rule=DUPLICATE_PORT,
                )


def _duplicates(
    files: Sequence[_File], key: Callable[[_File], str]
) -> Iterator[tuple[_File, _File]]:
    """Yield each manifest whose key an earlier one has, with the earlier one."""
    first: dict[str, _File] = {}
    for file in files:
        earlier = first.setdefault(key(file), file)
        if earlier is not file:
            yield file, earlier
