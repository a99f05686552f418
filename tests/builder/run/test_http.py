import socket
from pathlib import Path

import pytest

from builder.diagnostics.errors import BuiltError
from builder.run.http import HttpFunction
from builder.targets.target import Description
from tests.builder.conftest import Serve, failure

DESCRIPTION = Description("boxes", "detector", [{"name": "cat"}], {"name": "Boxes"}, {}, Path())


def function(port: int, seconds: float = 5) -> HttpFunction:
    """A function behind a port of this machine."""
    return HttpFunction(f"http://127.0.0.1:{port}", DESCRIPTION, seconds)


def test_a_reply_has_status_and_json(serve: Serve) -> None:
    called = function(serve([{"label": "cat"}]))
    reply = called(b"image", threshold=0.5)
    assert (reply.status, reply.body) == (200, [{"label": "cat"}])
    assert (called.type, called.labels, called.annotations["name"]) == (
        "detector",
        [{"name": "cat"}],
        "Boxes",
    )
    assert called.is_healthy()


def test_an_error_status_is_a_reply(serve: Serve) -> None:
    reply = function(serve({"error": "no image"}, 400)).send({}, "application/json")
    assert (reply.status, reply.body) == (400, {"error": "no image"})


def test_a_response_that_is_not_json(serve: Serve) -> None:
    called = function(serve(b"Exception\x1b[31m caught", 500))
    (problem,) = failure(lambda: called(b"image")).problems
    assert "has status 500 and is not JSON" in problem.what
    assert problem.found == "Exception [31m caught"


@pytest.fixture
def closed_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def test_nothing_answers(closed_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.example.com:3128")
    called = function(closed_port)
    assert not called.is_healthy()
    error = failure(lambda: called(b"image"))
    assert isinstance(error, BuiltError)
    assert "does not answer" in error.problems[0].what


def test_an_answer_that_takes_too_long() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        called = function(silent.getsockname()[1], seconds=0.2)
        assert "does not answer" in failure(lambda: called(b"image")).problems[0].what
