"""Between Nuclio and a function: start-up, request bodies, replies, the log."""

import json
import os
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import orjson

from runtimes.backends.session import Backend, Session
from runtimes.clock import Clock
from runtimes.errors import BadRequest, BadStart

_MAX_LOG_BYTES = 3400

VARIANT = "CVATBUILD_VARIANT"
"""The environment variable by which function.yaml and function-gpu.yaml differ in code."""


class OpenFunction(Protocol):
    """A function of any kind, with its models loaded."""

    @property
    def session(self) -> Session:
        """The model that takes the image; all run where it runs."""

    def describe(self) -> str:
        """For the log at start-up: what it takes and gives."""

    def __call__(self, request: Mapping[str, Any], clock: Clock) -> object:
        """Answer one request with something that is valid JSON for CVAT."""


class Function(Protocol):
    """A function's description, as model_handler.py spells it out."""

    def start(self, backend: Backend, folder: Path) -> OpenFunction:
        """Load its models from `folder`."""


class Service:
    """A started function behind Nuclio's handler."""

    def __init__(self, function: OpenFunction) -> None:
        self._function = function

    @classmethod
    def start(
        cls, function: Function, backends: Mapping[str, Backend], folder: Path, logger: Any
    ) -> "Service":
        """Load the function's models in the variant that the environment names.

        Args:
            function: what model_handler.py describes.
            backends: variant -> runtime and settings.
            folder: where the model files lie.
            logger: Nuclio's.

        Raises:
            FunctionError: the function cannot run here; Nuclio then reports the start as failed.
        """
        variant = os.environ.get(VARIANT, "")
        if variant not in backends:
            raise BadStart(
                f"the environment variable {VARIANT} does not name a variant",
                found=repr(variant),
                allowed=", ".join(sorted(backends)),
                hint="function.yaml sets it to cpu, function-gpu.yaml to gpu",
            )
        clock = Clock()
        with clock.stage("load and warm up"):
            started = function.start(backends[variant], folder)
        logger.info(f"{variant}: {started.session.device}; {started.describe()}; {clock}")
        if started.session.warning:
            logger.warn(started.session.warning)
        return cls(started)

    def answer(self, context: Any, event: Any) -> Any:
        """Answer one event with a response whose body is text, whatever happens.

        Nuclio turns a list that a handler returns into a batch, and an exception into a page of
        traceback; a Response with a str body is the one form that every version passes on as is.
        """
        clock = Clock()
        try:
            reply = self._function(parse(event.body), clock)
            with clock.stage("reply"):
                body = orjson.dumps(reply)
            status, summary = 200, f"{len(reply)} items" if isinstance(reply, list) else "answered"
        except BadRequest as error:
            status, summary = 400, f"bad request: {error}"
            body = orjson.dumps({"error": str(error)})
        except Exception as error:
            # The traceback belongs in the log: nobody behind CVAT ever reads an error's body.
            context.logger.error(_tail(traceback.format_exc()))
            status, summary = 500, f"failed: {type(error).__name__}"
            message = f"{type(error).__name__}: {error}"[:300]
            # A file's name in a message may hold bytes that are no text; JSON may not.
            body = orjson.dumps({"error": message.encode("utf-8", "backslashreplace").decode()})
        warning = f"; {self._function.session.warning}" if self._function.session.warning else ""
        context.logger.info(f"{status} {summary}; {clock}{warning}")
        return context.Response(
            body=body.decode(), headers={}, content_type="application/json", status_code=status
        )


def _tail(text: str) -> str:
    """The end of a text that fits into one line of Nuclio's log.

    Nuclio drops a line of 4096 bytes or more, counted after it has become JSON.
    """
    kept, size = len(text), 0
    while kept and size < _MAX_LOG_BYTES:
        kept -= 1
        size += len(json.dumps(text[kept])) - 2
    return text[kept:]


def parse(body: object) -> Mapping[str, Any]:
    """The JSON object in an event's body, which Nuclio may or may not have decoded already.

    Raises:
        BadRequest: it is not a JSON object.
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
