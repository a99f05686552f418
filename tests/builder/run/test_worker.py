import inspect
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, fields
from io import BytesIO
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

from builder.run.worker import (
    _MARK,
    Channel,
    Examine,
    Examined,
    Message,
    Refused,
    Request,
    RequestFailed,
    Response,
    Start,
    Started,
    StartFailed,
    _serve,
)
from runtimes.errors import FunctionError

MESSAGES: list[Message] = [
    Start("/a/b \udcff", {"allow_cpu_fallback": True}),
    Start("", {}),
    Started(()),
    Started(("info: é", "warn: \udcff\n")),
    StartFailed("what"),
    StartFailed("what", "where", "found", "allowed", "hint", "fault"),
    Request("application/json", b"{}"),
    Request("image/png", b"\x00\xff" * 100_000),
    Request("", b""),
    Response(200, 1.5, {"decode": 0.5}, ("info: 200",), b"[]"),
    Response(500, 1.5, {}, (), b""),
    RequestFailed("main.py:1: ValueError: é"),
    Examine(b"\x00\xff"),
    Examined(b"PK\xff"),
    Refused("what", "where", "found", "allowed", "hint", "fault"),
]


@pytest.mark.parametrize("message", MESSAGES, ids=repr)
def test_a_message_is_received_as_it_was_sent(message: Message) -> None:
    stream = BytesIO()
    Channel(BytesIO(), stream).send(message)
    assert Channel(BytesIO(stream.getvalue()), BytesIO()).receive() == message


def test_messages_are_received_in_order() -> None:
    stream = BytesIO()
    for message in MESSAGES:
        Channel(BytesIO(), stream).send(message)
    channel = Channel(BytesIO(stream.getvalue()), BytesIO())
    assert [channel.receive() for _ in MESSAGES] == MESSAGES
    with pytest.raises(EOFError):
        channel.receive()


@pytest.mark.parametrize("length", [0, 1, 11, 12, 13, 30, -1])
def test_a_message_that_is_cut_short_is_the_end_of_the_stream(length: int) -> None:
    stream = BytesIO()
    Channel(BytesIO(), stream).send(Request("application/json", b"{}"))
    with pytest.raises(EOFError):
        Channel(BytesIO(stream.getvalue()[:length]), BytesIO()).receive()


@pytest.mark.parametrize("noise", [b"", b"x" * 10_000, _MARK[:5], _MARK[:-1] + b"\n"])
def test_everything_before_the_mark_is_skipped(noise: bytes) -> None:
    stream = BytesIO()
    Channel(BytesIO(), stream).send(Started(()))
    channel = Channel(BytesIO(noise + _MARK + stream.getvalue()), BytesIO())
    channel.skip_to_mark()
    assert channel.receive() == Started(())


def test_a_stream_without_a_mark_ends() -> None:
    with pytest.raises(EOFError):
        Channel(BytesIO(b"noise"), BytesIO()).skip_to_mark()


def test_a_failed_start_has_the_details_of_a_function_error() -> None:
    names = list(inspect.signature(FunctionError).parameters)
    assert [it.name for it in fields(StartFailed)] == names


Serve: TypeAlias = Callable[..., list[Message]]


@dataclass(frozen=True)
class Device:
    """A backend with a fallback."""

    allow_cpu_fallback: bool = False


HANDLER = """
from tests.builder.run.test_worker import Device
BACKENDS = {"gpu": Device(), "cpu": Device()}
"""

MAIN = """
import model_handler
def init_context(context):
    context.logger.info("%s", model_handler.BACKENDS["gpu"].allow_cpu_fallback)
    context.logger.debug("started")
def handler(context, event):
    context.logger.warn("100%")
    context.logger.error(5)
    return context.Response(body=str(event.body), status_code=int(event.path == "/"))
"""


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Serve:
    """Runs a function in this process, and returns what the tool receives."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    names = ("main", "model_handler")

    class Messages:
        """A queue that ends."""

        def __init__(self, *messages: Message) -> None:
            self._messages = iter(messages)

        def get(self) -> Message:
            return next(self._messages)

    def run(main: str, *requests: Message) -> list[Message]:
        for name, text in zip(names, (main, HANDLER), strict=True):
            (tmp_path / f"{name}.py").write_text(text)
            monkeypatch.delitem(sys.modules, name, raising=False)
        start = Start(str(tmp_path), {"allow_cpu_fallback": True, "other": 1})
        messages: Any = Messages(start, *requests)
        stream = BytesIO()
        with suppress(StopIteration):
            _serve(Channel(BytesIO(), stream), messages)
        for name in names:
            sys.modules.pop(name, None)
        channel = Channel(BytesIO(stream.getvalue()), BytesIO())
        received = []
        with suppress(EOFError):
            while True:
                received.append(channel.receive())
        return received

    return run


def test_a_function_starts_with_its_fallback_and_answers(serve: Serve) -> None:
    requests = (Request("application/json", b"[1]"), Request("text/plain", b"[1]"))
    started, *responses = serve(MAIN, *requests)
    assert started == Started(("info: True", "debug: started"))
    log = ("warn: 100%", "error: 5")
    for response, body in zip(responses, (b"[1]", b"b'[1]'"), strict=True):
        assert isinstance(response, Response)
        assert (response.status, response.log, response.body) == (1, log, body)
        assert response.milliseconds > 0


def test_an_exception_of_the_handler_is_a_message(serve: Serve) -> None:
    main = MAIN.replace("return", "1 / 0\n    return")
    _, failed = serve(main, Request("application/json", b"{"))
    assert failed == RequestFailed("main.py:9: ZeroDivisionError: division by zero")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("import absent_module", "install absent_module"),
        ("raise SystemExit(3)", ""),
        ("1 / 0", ""),
    ],
)
def test_an_exception_at_the_start_is_the_only_message(
    serve: Serve, line: str, expected: str
) -> None:
    (failed,) = serve(f"{line}\n{MAIN}", Request("application/json", b"[]"))
    assert isinstance(failed, StartFailed)
    assert failed.what.startswith("does not start: ")
    assert failed.hint == expected


def test_a_function_error_at_the_start_keeps_its_details(serve: Serve) -> None:
    line = "from runtimes.errors import BadModel\nraise BadModel('what', found='found')"
    assert serve(f"{line}\n{MAIN}") == [StartFailed("what", found="found", fault="model-mismatch")]


def test_an_examination_returns_arrays_and_a_refusal_its_details(serve: Serve) -> None:
    main = MAIN.replace(
        "def init_context(context):", "def init_context(context):\n    begin(context)"
    )
    main += """
from runtimes.errors import BadModel
class Service:
    def examine(self, data):
        if data == b"bad":
            raise BadModel("what", where="where", found="found", allowed="allowed", hint="hint")
        return {"scores": 1 / __import__("numpy").frombuffer(data, "uint8")}
def begin(context):
    context.user_data.service = Service()
"""
    _, examined, refused = serve(main, Examine(b"\x01\x02"), Examine(b"bad"))
    assert isinstance(examined, Examined)
    with np.load(BytesIO(examined.body)) as arrays:
        assert arrays["scores"].tolist() == [1, 0.5]
    assert refused == Refused("what", "where", "found", "allowed", "hint", "model-mismatch")
