import json
from collections.abc import Mapping
from typing import Any

import pytest

from builder.diagnostics.errors import BuiltError
from builder.run.function import Function, Reply
from tests.builder.conftest import failure


class Recorded(Function):
    """A function that keeps the requests that it receives."""

    type = "detector"
    labels: list[dict[str, Any]] = []  # noqa: RUF012
    annotations: Mapping[str, str] = {}

    def __init__(self) -> None:
        self.requests: list[tuple[object, str]] = []

    def send(self, body: object, content_type: str) -> Reply:
        self.requests.append((body, content_type))
        return Reply(200, [], "[]", 1)


def test_an_image_is_sent_as_base64_with_the_keys_of_the_request() -> None:
    function = Recorded()
    assert function(b"image", threshold=0.5).body == []
    assert function.requests == [
        ({"image": "aW1hZ2U=", "threshold": 0.5}, "application/json"),
    ]


def test_a_reply_with_status_200_is_returned() -> None:
    reply = Reply(200, [1], "[1]", 1)
    assert reply.raise_for_status() is reply


@pytest.mark.parametrize("status", [201, 400, 500])
def test_another_status_is_an_error(status: int) -> None:
    text = json.dumps({"error": "x" * 400})
    error = failure(Reply(status, json.loads(text), text, 1).raise_for_status)
    assert isinstance(error, BuiltError)
    (problem,) = error.problems
    assert problem.what == f"the response has status {status}, not 200"
    assert problem.found == text[:300]
