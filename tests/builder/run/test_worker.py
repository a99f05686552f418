import inspect
from dataclasses import fields
from io import BytesIO

import pytest

from builder.run.worker import (
    _MARK,
    Channel,
    Message,
    Request,
    RequestFailed,
    Response,
    Start,
    Started,
    StartFailed,
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
    Response(200, 1.5, ("info: 200",), b"[]"),
    Response(500, 0.0, (), b""),
    RequestFailed("main.py:1: ValueError: é"),
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
