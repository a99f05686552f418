"""The modules of `runtimes` that a function needs."""

import ast
import importlib.util
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_PACKAGE = "runtimes"


def closure(source: str) -> dict[str, bytes]:
    """Return the files of `runtimes` that a program imports directly or indirectly.

    Imports inside functions count: inference runtimes are imported late on purpose.

    Args:
        source: the program's text.

    Returns:
        Path relative to the folder that holds `runtimes` -> the file's bytes, sorted.
    """
    waiting = list(_imports(source))
    files: dict[str, bytes] = {}
    while waiting:
        name = waiting.pop()
        for path, text in _parents(name):
            if path not in files:
                files[path] = text.encode()
                waiting += _imports(text)
    return dict(sorted(files.items()))


def _parents(module: str) -> Iterator[tuple[str, str]]:
    """Yield the file of a module and the `__init__.py` of each package above it."""
    parts = module.split(".")
    for length in range(1, len(parts) + 1):
        found = _file(".".join(parts[:length]))
        if found:
            yield found


@cache
def _file(module: str) -> tuple[str, str] | None:
    """Return the path and text of a module, or None for a name inside a module."""
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return None
    if spec is None or spec.origin is None:
        return None
    path = module.replace(".", "/") + ("/__init__.py" if spec.submodule_search_locations else ".py")
    return path, Path(spec.origin).read_text("utf-8")


@cache
def _imports(source: str) -> tuple[str, ...]:
    """Return the modules of `runtimes` that a program names in its imports."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            if node.module.split(".")[0] == _PACKAGE:
                found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            found += [it.name for it in node.names if it.name.split(".")[0] == _PACKAGE]
    return tuple(found)
