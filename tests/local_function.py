"""Built functions in the test process, for tests of many functions.

A child process would import the inference runtime anew for each of them.
"""

import ast
import json
import os
import runpy
import time
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

from nuclio_sdk import Context, Event

from builder.backends.registry import backends_of
from builder.manifest.variants import VariantName
from builder.run.function import DescribedFunction, Reply
from builder.targets.built import describe
from runtimes.backends.session import Backend
from runtimes.service import Service
from tests.paths import ROOT


class LocalFunction(DescribedFunction):
    """The model_handler.py of a built function, started as its main.py starts it.

    It imports `runtimes` from the checkout. The copies in the function's directory are compared
    with the checkout and must be complete.
    """

    def __init__(self, folder: Path, variant: VariantName) -> None:
        """Start a variant. Like a smoke test, it does not need the variant's device."""
        self._description = describe(folder, variant)
        code = self._description.code_folder
        check_copies(code)
        module = runpy.run_path(str(code / "model_handler.py"))
        own = {it.name for it in fields(module["BACKENDS"][variant])}
        fallback: dict[str, Any] = {}
        for backend in backends_of(variant):
            fallback |= {key: value for key, value in backend.fallback.items() if key in own}
        backends: dict[str, Backend] = {variant: replace(module["BACKENDS"][variant], **fallback)}
        self._context = Context(logger=mock.Mock())
        with mock.patch.dict(os.environ, self._description.environment):
            self._service = Service.start(module["FUNCTION"], backends, code, self._context.logger)

    def send(self, body: object, content_type: str) -> Reply:
        start = time.perf_counter()
        event = Event(body=json.loads(json.dumps(body)), content_type=content_type)
        response = self._service.answer(self._context, event)
        milliseconds = (time.perf_counter() - start) * 1000
        return Reply(response.status_code, json.loads(response.body), response.body, milliseconds)


def check_copies(code: Path) -> None:
    """Check the copied modules of `runtimes`: equal to the checkout, and none is missing."""
    needed = set(imported((code / "model_handler.py").read_text("utf-8")))
    for file in (code / "runtimes").rglob("*.py"):
        text = file.read_text("utf-8")
        assert text == (ROOT / file.relative_to(code)).read_text("utf-8")
        needed |= imported(text)
    for module in needed:
        package = code / module.replace(".", "/")
        assert package.is_dir() or (code / path_of(module)).is_file(), f"{module} is missing"


@cache
def imported(source: str) -> frozenset[str]:
    """The modules of `runtimes` that a program imports."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {it.name for it in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            # A name that is imported from a package may be a module.
            names = {f"{node.module}.{it.name}" for it in node.names}
            found |= {node.module} | {it for it in names if (ROOT / path_of(it)).is_file()}
    return frozenset(it for it in found if it.split(".")[0] == "runtimes")


def path_of(module: str) -> str:
    """The file of a module, relative to the folder of its package."""
    return f"{module.replace('.', '/')}.py"
