"""The adapter between Nuclio and a function: start-up, request bodies, replies, log."""

import json
import os
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import cv2
import orjson

from runtimes import image
from runtimes.arrays import Array
from runtimes.backends.session import Backend, Session
from runtimes.clock import Clock
from runtimes.cores import thread_count
from runtimes.errors import BadRequest, BadStart
from runtimes.heap import release

_MAX_LOG_BYTES = 3400

VARIANT = "CVATBUILD_VARIANT"
"""The environment variable with the variant; function.yaml and function-gpu.yaml set it."""


class OpenFunction(Protocol):
    """A function of any type with its models loaded."""

    @property
    def session(self) -> Session:
        """The model that takes the image; all models of a function use the same device."""

    def describe(self) -> str:
        """Return a summary for the log at start-up."""

    def __call__(self, request: Mapping[str, Any], clock: Clock) -> object:
        """Answer one request with a value that orjson can serialize."""

    def examine(self, pixels: Array) -> dict[str, Array]:
        """Return what the model finds in an image, for the smoke test of a build.

        Args:
            pixels: (H, W, 3) uint8 BGR.
        """


class Function(Protocol):
    """A function's description; it is spelled out in model_handler.py."""

    def start(self, backend: Backend, folder: Path) -> OpenFunction:
        """Load its models from `folder`."""


class Service:
    """A started function behind Nuclio's handler.

    Attributes:
        stages: the milliseconds of each stage of the last request; see runtimes.clock.
    """

    def __init__(self, function: OpenFunction) -> None:
        self._function = function
        self.stages: Mapping[str, float] = {}

    @classmethod
    def start(
        cls, function: Function, backends: Mapping[str, Backend], folder: Path, logger: Any
    ) -> "Service":
        """Load the function's models with the backend of the environment's variant.

        Args:
            function: the description in model_handler.py.
            backends: variant -> backend.
            folder: the folder of the model files.
            logger: Nuclio's logger.

        Raises:
            FunctionError: the function cannot run here; Nuclio then reports a failed start.
        """
        variant = os.environ.get(VARIANT, "")
        if variant not in backends:
            raise BadStart(
                f"the environment variable {VARIANT} is not the name of a variant",
                found=repr(variant),
                allowed=", ".join(sorted(backends)),
                hint="function.yaml sets it to cpu, function-gpu.yaml to gpu",
            )
        backend = backends[variant]
        threads = thread_count(backend.threads, backend.workers)
        # By default, OpenCV counts the host's cores, as the runtimes do.
        cv2.setNumThreads(threads)
        clock = Clock()
        with clock.stage("load and warm up"):
            started = function.start(backend, folder)
        release()
        logger.info(
            f"{variant}: {started.session.device}, {threads} thread{'s' if threads > 1 else ''}; "
            f"{started.describe()}; {clock}"
        )
        if started.session.warning:
            logger.warn(started.session.warning)
        return cls(started)

    def examine(self, data: bytes) -> dict[str, Array]:
        """Return what the model finds in an image file, before anything is dropped or clipped.

        Only the smoke test of a build calls this; see the class of the function's type.
        """
        return self._function.examine(image.pixels(data))

    def answer(self, context: Any, event: Any) -> Any:
        """Answer one event with a response whose body is text, even after an exception.

        Nuclio treats a returned list as a batch, and an exception as a reply with a traceback. All
        versions return a Response with a str body unchanged.
        """
        clock = Clock()
        self.stages = clock.stages
        try:
            reply = self._function(parse(event.body), clock)
            with clock.stage("serialize"):
                body = orjson.dumps(reply)
            status, summary = 200, f"{len(reply)} items" if isinstance(reply, list) else "answered"
        except BadRequest as error:
            status, summary = 400, f"bad request: {error}"
            body = orjson.dumps({"error": str(error)})
        except Exception as error:
            # The traceback is logged, because CVAT does not show the body of an error.
            context.logger.error(_tail(traceback.format_exc()))
            status, summary = 500, f"failed: {type(error).__name__}"
            message = f"{type(error).__name__}: {error}"[:300]
            # A file name in a message can contain undecodable bytes, which JSON does not allow.
            body = orjson.dumps({"error": message.encode("utf-8", "backslashreplace").decode()})
        for text in clock.warnings:
            context.logger.warn(_tail(text))
        warning = f"; {self._function.session.warning}" if self._function.session.warning else ""
        context.logger.info(f"{status} {summary}; {clock}{warning}")
        return context.Response(
            body=body.decode(), headers={}, content_type="application/json", status_code=status
        )


def _tail(text: str) -> str:
    """Return the end of a text, as much as fits into one line of Nuclio's log.

    Nuclio drops lines of 4096 bytes or more, counted as JSON.
    """
    kept, size = len(text), 0
    while kept and size < _MAX_LOG_BYTES:
        kept -= 1
        size += len(json.dumps(text[kept])) - 2
    return text[kept:]


def parse(body: object) -> Mapping[str, Any]:
    """Return the JSON object in an event's body, which Nuclio may have decoded.

    Raises:
        BadRequest: the body is not a JSON object.
    """
    if isinstance(body, bytes | bytearray | str):
        try:
            body = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise BadRequest(f"the body is not JSON ({error})", allowed="a JSON object") from error
    if not isinstance(body, dict):
        raise BadRequest(
            "the body must be a JSON object",
            found=type(body).__name__,
            allowed='{"image": "<base64>"}',
        )
    return body
