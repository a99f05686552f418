"""The program of a function's child process, and the messages that it exchanges with the tool.

The child runs this file as a script. It imports the standard library, nuclio_sdk and the function's
own modules, and nothing of `builder`.

    tool -> child    Start, then any number of Request and Examine
    child -> tool    Started or StartFailed, then a Response or a RequestFailed per Request, and an
                     Examined, a Refused or a RequestFailed per Examine

The child exits when the tool closes its end of the pipe, or ends.
"""

import dataclasses
import importlib
import json
import os
import signal
import struct
import sys
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from queue import SimpleQueue
from threading import Thread
from typing import IO, Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Start:
    """Import the function and start it.

    Attributes:
        code_folder: absolute path of the folder with main.py and model_handler.py.
        changes: fields to replace in the function's backends, if they have them.
    """

    code_folder: str
    changes: dict[str, object]


@dataclass(frozen=True, slots=True)
class Started:
    """The function has started and logged lines, each `level: message`."""

    log: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StartFailed:
    """The function has not started; the fields are those of runtimes.errors.FunctionError."""

    what: str
    where: str = ""
    found: str = ""
    allowed: str = ""
    hint: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request for the function's handler."""

    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """The handler's response.

    Attributes:
        status: HTTP status.
        milliseconds: duration of the handler's call.
        stages: milliseconds of each stage of that call; see runtimes.clock.
        log: the lines that the function logged during the call.
        body: UTF-8.
    """

    status: int
    milliseconds: float
    stages: dict[str, float]
    log: tuple[str, ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class RequestFailed:
    """The handler raised an exception: its place, type and message."""

    error: str


@dataclass(frozen=True, slots=True)
class Examine:
    """Examine an image; see `examine` in runtimes.service.

    Attributes:
        body: an image file.
    """

    body: bytes


@dataclass(frozen=True, slots=True)
class Examined:
    """What the function's model finds in the image.

    Attributes:
        body: the arrays by name, as numpy.savez writes them.
    """

    body: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """A step refused the model's outputs; the fields are those of runtimes.errors.FunctionError."""

    what: str
    where: str = ""
    found: str = ""
    allowed: str = ""
    hint: str = ""
    fault: str = ""


Message: TypeAlias = (
    Start
    | Started
    | StartFailed
    | Request
    | Response
    | RequestFailed
    | Examine
    | Examined
    | Refused
)

_TYPES: dict[str, Any] = {it.__name__: it for it in Message.__args__}
_WITH_BODY = frozenset({"Request", "Response", "Examine", "Examined"})

_LENGTHS = struct.Struct("!IQ")
"""Length of the header, length of the body."""

_MARK = b"\0cvatbuild:child\0"
"""Written before the first message. Python's start-up may print to stdout before it."""


class Channel:
    """Messages over two binary streams.

    A message consists of two lengths, a JSON header with the message's name and fields, and the raw
    bytes of the field `body`, if it has one.
    """

    def __init__(self, reader: IO[bytes], writer: IO[bytes]) -> None:
        self._reader = reader
        self._writer = writer

    def skip_to_mark(self) -> None:
        """Skip everything up to the mark.

        Raises:
            EOFError: the stream ended.
        """
        seen = b""
        while not seen.endswith(_MARK):
            seen = seen[-len(_MARK) :] + self._read(1)

    def send(self, message: Message) -> None:
        """Write a message.

        Raises:
            OSError: the other process has closed the pipe.
        """
        fields = {it.name: getattr(message, it.name) for it in dataclasses.fields(message)}
        body: bytes = fields.pop("body", b"")
        # In ASCII, since names of files may hold bytes that are not UTF-8.
        header = json.dumps([type(message).__name__, fields]).encode("ascii")
        self._writer.write(_LENGTHS.pack(len(header), len(body)) + header)
        self._writer.write(body)
        self._writer.flush()

    def receive(self) -> Message:
        """Read the next message.

        Raises:
            EOFError: the stream ended.
        """
        header_length, body_length = _LENGTHS.unpack(self._read(_LENGTHS.size))
        name, fields = json.loads(self._read(header_length))
        if name in _WITH_BODY:
            fields["body"] = self._read(body_length)
        values = {key: tuple(it) if isinstance(it, list) else it for key, it in fields.items()}
        message: Message = _TYPES[name](**values)
        return message

    def _read(self, count: int) -> bytes:
        data = self._reader.read(count)
        if len(data) < count:
            raise EOFError
        return data


class _Logger:
    """The methods of Nuclio's logger that functions call."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def debug(self, message: object, *args: object) -> None:
        self._add("debug", message, args)

    def info(self, message: object, *args: object) -> None:
        self._add("info", message, args)

    def warn(self, message: object, *args: object) -> None:
        self._add("warn", message, args)

    def error(self, message: object, *args: object) -> None:
        self._add("error", message, args)

    def take(self) -> tuple[str, ...]:
        """Return the lines since the last call."""
        lines, self._lines = self._lines, []
        return tuple(lines)

    def _add(self, level: str, message: object, args: tuple[object, ...]) -> None:
        self._lines.append(f"{level}: {str(message) % args if args else message}")


class _Function:
    """The function: imported, and started by its `init_context`."""

    def __init__(self, start: Start) -> None:
        from nuclio_sdk import Context, Event

        sys.path.insert(0, start.code_folder)
        handler: Any = importlib.import_module("model_handler")
        for name, backend in handler.BACKENDS.items():
            handler.BACKENDS[name] = _replaced(backend, start.changes)
        self._main: Any = importlib.import_module("main")
        self._event: Any = Event
        self.logger = _Logger()
        self._context = Context(logger=self.logger)
        self._base64 = 0.0
        self._main.init_context(self._context)
        self._measure_base64()

    def answer(self, request: Request) -> Response:
        """Call the handler as Nuclio does."""
        body, content_type = _decoded(request), request.content_type
        event = self._event(body=body, content_type=content_type, method="POST", path="/")
        self._base64 = 0.0
        start = time.perf_counter()
        response = self._main.handler(self._context, event)
        milliseconds = (time.perf_counter() - start) * 1000
        log = self.logger.take()
        # A main.py that was edited, or that an older version wrote, measures no stages.
        service = getattr(self._context.user_data, "service", None)
        stages = dict(getattr(service, "stages", {}))
        if self._base64 and "image decode" in stages:
            stages["image decode"] -= self._base64
            stages["base64"] = self._base64
        return Response(response.status_code, milliseconds, stages, log, response.body.encode())

    def _measure_base64(self) -> None:
        """Measure base64, a part of the stage `image decode`, as a stage of its own."""
        image: Any = sys.modules.get("runtimes.image")
        decode = getattr(image, "b64decode", None)
        if decode is None:
            return

        def measured(*args: Any, **options: Any) -> Any:
            start = time.perf_counter()
            try:
                return decode(*args, **options)
            finally:
                self._base64 += (time.perf_counter() - start) * 1000

        image.b64decode = measured

    def examine(self, message: Examine) -> Examined | Refused:
        """Examine an image."""
        import numpy as np

        try:
            arrays = self._context.user_data.service.examine(message.body)
        except sys.modules["runtimes.errors"].FunctionError as error:
            return Refused(**_details(error))
        stream = BytesIO()
        np.savez(stream, **arrays)
        return Examined(stream.getvalue())


def _replaced(backend: Any, changes: dict[str, object]) -> Any:
    """Return a backend with other values in those fields that it has."""
    own = {it.name for it in dataclasses.fields(backend)}
    return dataclasses.replace(backend, **{name: changes[name] for name in changes if name in own})


def _decoded(request: Request) -> object:
    """Return the body as Nuclio passes it on: JSON decoded, everything else as bytes.

    Source: nuclio_sdk/event.py, `_try_deserialize_json`.
    """
    if request.content_type != "application/json":
        return request.body
    try:
        return json.loads(request.body.decode("utf-8"))
    except Exception:
        return request.body


def _start_failed(error: BaseException) -> StartFailed:
    """Describe an exception during start-up."""
    # The function raises errors of its own copy of `runtimes`.
    known = getattr(sys.modules.get("runtimes.errors"), "FunctionError", ())
    if isinstance(error, known):
        return StartFailed(**_details(error))
    missing = error.name if isinstance(error, ModuleNotFoundError) else ""
    hint = f"install {missing}" if missing else ""
    return StartFailed(f"does not start: {type(error).__name__}: {error}", hint=hint)


def _details(error: Any) -> dict[str, str]:
    """Return the attributes of a FunctionError."""
    names = [it.name for it in dataclasses.fields(Refused)]
    return {name: str(getattr(error, name, None) or "") for name in names}


def _private_channel() -> Channel:
    """Use stdin and stdout for messages; let the function read nothing and print to stderr."""
    reader, writer = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    writer.write(_MARK)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return Channel(reader, writer)


def _receive_all(channel: Channel, messages: "SimpleQueue[Any]") -> None:
    """Put each message into a queue, and end the process when the stream ends.

    This runs in a thread, so that the process ends even if the function is busy.
    """
    try:
        while True:
            messages.put(channel.receive())
    except (EOFError, OSError):
        os._exit(0)


def _serve(channel: Channel, messages: "SimpleQueue[Any]") -> None:
    """Start the function and answer requests. Return if the function does not start."""
    try:
        function = _Function(messages.get())
    except BaseException as error:
        channel.send(_start_failed(error))
        return
    channel.send(Started(function.logger.take()))
    while True:
        request = messages.get()
        answer: Message
        try:
            examines = isinstance(request, Examine)
            answer = function.examine(request) if examines else function.answer(request)
        except BaseException as error:
            frame = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{os.path.basename(frame.filename)}:{frame.lineno}"
            answer = RequestFailed(f"{place}: {type(error).__name__}: {error}")
        channel.send(answer)


def main() -> None:
    """Run the function until the tool closes the pipe."""
    # Ctrl-C reaches every process of a terminal; the tool then closes the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    channel = _private_channel()
    messages: SimpleQueue[Any] = SimpleQueue()
    receiver = Thread(target=_receive_all, args=(channel, messages), daemon=True)
    receiver.start()
    with suppress(BrokenPipeError):
        _serve(channel, messages)
    receiver.join()


if __name__ == "__main__":
    main()
