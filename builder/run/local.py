"""A built function, run in this process as Nuclio would run it."""

import base64
import importlib
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import yaml

from builder.diagnostics.errors import BuiltError
from builder.diagnostics.faults import problem_of
from builder.diagnostics.problem import Problem
from builder.diagnostics.text import closest
from builder.manifest.schema import KindName
from builder.manifest.variants import VariantName
from builder.targets.lock import LOCK
from builder.targets.nuclio.layout import CONFIGS
from runtimes.errors import FunctionError

_OWN_MODULES = ("main", "model_handler", "runtimes")
"""What a function's directory calls its modules; other functions, and the tool, have the same."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What CVAT would receive.

    Attributes:
        status: of HTTP.
        body: the decoded JSON.
        text: the JSON as sent.
        milliseconds: from the event to the response.
    """

    status: int
    body: Any
    text: str
    milliseconds: float

    def answered(self) -> Any:
        """The body of an answer.

        Raises:
            BuiltError: it is an error's.
        """
        if self.status != 200:
            raise BuiltError(
                Problem(
                    "does not answer as CVAT expects",
                    found=f"HTTP {self.status}: {self.text[:300]}",
                    allowed="HTTP 200",
                )
            )
        return self.body


class BuiltFunction:
    """A function's directory, with its own code and not the tool's loaded from it."""

    def __init__(self, folder: Path, variant: VariantName, *, cpu_is_enough: bool = False) -> None:
        """Load the function's code and start it.

        Args:
            folder: the directory that was built, such as `build/yolo`.
            variant: which of its configurations to apply.
            cpu_is_enough: let the GPU variant start where there is no GPU: its model is tried, not
                the machine.

        Raises:
            BuiltError: it is not complete, or does not start.
        """
        from nuclio_sdk import Context

        code = folder.resolve() / "nuclio"
        config = _config(folder, variant)
        _check_complete(folder)
        self.log: list[str] = []
        self.annotations = {
            key: str(text) for key, text in config["metadata"]["annotations"].items()
        }
        self.kind = self.annotations["type"]
        self.labels = json.loads(self.annotations["spec"])
        self._code = code
        self._env = {item["name"]: item["value"] for item in config["spec"]["env"]}
        self._modules: dict[str, ModuleType] = {}
        self._context = Context(logger=_Log(self.log))
        with self._loaded():
            try:
                described: Any = importlib.import_module("model_handler")
                if cpu_is_enough and variant == "gpu":
                    gpu = replace(described.BACKENDS["gpu"], allow_cpu_fallback=True)
                    described.BACKENDS["gpu"] = gpu
                self._main: Any = importlib.import_module("main")
                self._main.init_context(self._context)
            except Exception as error:
                raise _start_error(folder, error) from error

    @property
    def warnings(self) -> list[str]:
        """What the function has warned of in its log, such as a fallback to the CPU."""
        return [line.removeprefix("warn: ") for line in self.log if line.startswith("warn: ")]

    def __call__(self, image: bytes, **request: Any) -> Reply:
        """Send one image, as CVAT does.

        Args:
            image: an encoded file.
            request: further keys of the request, such as `threshold`.
        """
        body = {"image": base64.b64encode(image).decode(), **request}
        return self.send(body, "application/json")

    def send(self, body: object, content_type: str) -> Reply:
        """Send any body, which Nuclio would have decoded if `content_type` is JSON's."""
        from nuclio_sdk import Event

        event = Event(body=body, content_type=content_type, method="POST", path="/")
        start = time.perf_counter()
        with self._loaded():
            response = self._main.handler(self._context, event)
        spent = (time.perf_counter() - start) * 1000
        return Reply(response.status_code, json.loads(response.body), response.body, spent)

    @contextmanager
    def _loaded(self) -> Iterator[None]:
        """Make the function's modules and environment those of the process for a while."""
        others = _take_modules()
        sys.modules.update(self._modules)
        sys.path.insert(0, str(self._code))
        environment = {name: os.environ.get(name) for name in self._env}
        os.environ.update(self._env)
        writes_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        importlib.invalidate_caches()
        try:
            yield
        finally:
            sys.dont_write_bytecode = writes_bytecode
            for name, value in environment.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
            sys.path.remove(str(self._code))
            self._modules = _take_modules()
            sys.modules.update(others)


def _take_modules() -> dict[str, ModuleType]:
    """Remove the modules that every function has under the same name from the process."""
    names = [name for name in sys.modules if name.split(".")[0] in _OWN_MODULES]
    return {name: sys.modules.pop(name) for name in names}


def _config(folder: Path, variant: VariantName) -> dict[str, Any]:
    """A variant's function.yaml.

    Raises:
        BuiltError: the directory has none.
    """
    path = folder / "nuclio" / CONFIGS[variant]
    if not path.is_file():
        built = [name for name in ("cpu", "gpu") if (path.parent / CONFIGS[name]).is_file()]
        raise BuiltError(
            Problem(
                f"is not a function built with the {variant} variant",
                file=folder,
                found=f"built: {', '.join(built)}" if built else f"no {path}",
                allowed="a directory that `cvatbuild MANIFEST` wrote, such as build/yolo",
                hint=f"use --variant {built[0]}" if built else _near(folder) or "build it first",
            )
        )
    try:
        config = yaml.safe_load(path.read_text("utf-8"))
        json.loads(config["metadata"]["annotations"]["spec"])
        kind = config["metadata"]["annotations"]["type"]
        if kind not in get_args(KindName):
            raise ValueError(f"no kind of function: {kind}")
        _ = [(str(item["name"]), str(item["value"])) for item in config["spec"]["env"]]
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise BuiltError(
            Problem(f"is not a function.yaml that cvatbuild wrote: {error!r}", file=path)
        ) from error
    return dict(config)


def _near(folder: Path) -> str:
    """The built function that a path may have meant which is none."""
    if (folder.parent / LOCK).is_file():
        return f"did you mean '{folder.parent}'?"
    inside = sorted(str(lock.parent) for lock in folder.glob(f"*/{LOCK}"))
    if inside:
        return f"did you mean {' or '.join(repr(path) for path in inside[:5])}?"
    beside = {lock.parent.name: lock.parent for lock in folder.parent.glob(f"*/{LOCK}")}
    meant = closest(folder.name, beside)
    return f"did you mean '{beside[meant]}'?" if meant is not None else ""


def _check_complete(folder: Path) -> None:
    """Stop where files that a build writes are absent, as after a fresh checkout.

    Raises:
        BuiltError: they are.
    """
    try:
        lock = yaml.safe_load((folder / LOCK).read_text("utf-8"))
        files, manifest = list(lock["files"]), next(iter(lock["manifest"]))
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError, StopIteration) as error:
        raise BuiltError(
            Problem("has no build.lock that can be read", file=folder, hint="build it again")
        ) from error
    absent = [path for path in files if not (folder / path).is_file()]
    if absent:
        raise BuiltError(
            Problem(
                f"is not complete: {len(absent)} generated files are absent",
                file=folder,
                found=f"no {absent[0]}",
                hint=f"build it: cvatbuild .../{manifest}",
            )
        )


def _start_error(folder: Path, error: Exception) -> BuiltError:
    """Why a function did not start. Its errors are of its own copy of `runtimes`."""
    if type(error).__module__ == FunctionError.__module__:
        details: Any = error
        return BuiltError(replace(problem_of(details), file=folder))
    hint = ""
    if isinstance(error, ModuleNotFoundError) and error.name:
        hint = f"install {error.name}"
    return BuiltError(
        Problem(f"does not start: {type(error).__name__}: {error}", file=folder, hint=hint)
    )


class _Log:
    """Nuclio's logger, as far as it goes: these methods and no others."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def debug(self, message: object, *args: object) -> None:
        """Write a line."""
        self._write("debug", message, args)

    def info(self, message: object, *args: object) -> None:
        """Write a line."""
        self._write("info", message, args)

    def warn(self, message: object, *args: object) -> None:
        """Write a line."""
        self._write("warn", message, args)

    def error(self, message: object, *args: object) -> None:
        """Write a line."""
        self._write("error", message, args)

    def _write(self, level: str, message: object, args: tuple[object, ...]) -> None:
        self._lines.append(f"{level}: {str(message) % args if args else message}")
