"""Manifests that get into each other's way."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from builder.diagnostics.errors import Problem
from builder.manifest.located_yaml import Path_
from builder.manifest.reading import ManifestFile


def find(reads: Sequence[ManifestFile[Any]]) -> tuple[Problem, ...]:
    """What several manifests claim of which there can be only one."""
    return (*_names(reads), *_titles(reads), *_ports(reads))


def _names(reads: Sequence[ManifestFile[Any]]) -> Iterator[Problem]:
    """Two functions of one name."""
    for read, earlier in _again(reads, lambda it: it.manifest.name):
        yield read.document.problem(
            ("name",),
            f"{earlier.document.file} has the same name: one function would overwrite the other, "
            "here and in CVAT",
            read.manifest.name,
            hint="give one of them another name",
            code="function-twice",
        )


def _titles(reads: Sequence[ManifestFile[Any]]) -> Iterator[Problem]:
    """Two functions that nobody can tell apart in CVAT's menu."""
    titled = [read for read in reads if read.manifest.title]
    for read, earlier in _again(titled, lambda it: it.manifest.title):
        if read.manifest.name != earlier.manifest.name:
            yield read.document.problem(
                ("title",),
                f"{earlier.document.file} has the same title: nobody could tell the two apart in "
                "CVAT's menu",
                read.manifest.title,
                hint="give one of them another title",
                code="title-twice",
            )


def _ports(reads: Sequence[ManifestFile[Any]]) -> Iterator[Problem]:
    """Two functions on one port of the host."""
    claimed: dict[int, ManifestFile[Any]] = {}
    for read in reads:
        for name in ("cpu", "gpu"):
            settings = getattr(read.manifest.variants, name)
            port = settings.port if settings else None
            if port is None:
                continue
            earlier = claimed.setdefault(port, read)
            # A function's two variants replace each other, so they may share a port.
            if earlier.manifest.name != read.manifest.name:
                path: Path_ = ("variants", name, "port")
                yield read.document.problem(
                    path,
                    f"{earlier.document.file} has the same port: only one of them would start",
                    str(port),
                    hint="leave the ports out: CVAT asks Nuclio for them",
                    code="port-twice",
                )


def _again(
    reads: Sequence[ManifestFile[Any]], key: Callable[[ManifestFile[Any]], str]
) -> Iterator[tuple[ManifestFile[Any], ManifestFile[Any]]]:
    """Each manifest whose key an earlier one has, with that one."""
    first: dict[str, ManifestFile[Any]] = {}
    for read in reads:
        earlier = first.setdefault(key(read), read)
        if earlier is not read:
            yield read, earlier
