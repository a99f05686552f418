"""A deployed function, called over HTTP as CVAT calls it."""

import http.client
import json
import time
import urllib.error
import urllib.request

from builder.diagnostics.errors import BuiltError
from builder.diagnostics.problem import Problem
from builder.run.function import DescribedFunction, Reply
from builder.targets.target import Description

SECONDS = 120.0
"""Time that CVAT waits for a reply (CVAT_NUCLIO_DEFAULT_TIMEOUT in cvat/settings/base.py)."""

_MOST_BYTES = 256 * 2**20
"""Size of a reply that is read; a 2-D mask of a large photo has some 50 MB."""


class HttpFunction(DescribedFunction):
    """A function behind a URL.

    Args:
        url: the address of its HTTP trigger.
        description: the function's configuration.
        seconds: time to wait for a reply.
    """

    def __init__(self, url: str, description: Description, seconds: float = SECONDS) -> None:
        self._url = url
        self._description = description
        self._seconds = seconds
        # A proxy for the internet does not reach this machine's ports.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def is_healthy(self) -> bool:
        """Return whether Nuclio's processor accepts requests."""
        try:
            with self._opener.open(f"{self._url}/__internal/health", timeout=5) as response:
                return bool(response.status == 200)
        except (OSError, http.client.HTTPException):
            return False

    def send(self, body: object, content_type: str) -> Reply:
        """Send a request; see Function.send.

        Raises:
            BuiltError: nothing answers, the time is over, or the response is not JSON.
        """
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310
            self._url, data, {"Content-Type": content_type}, method="POST"
        )
        begin = time.perf_counter()
        try:
            with self._opener.open(request, timeout=self._seconds) as response:
                status, content = response.status, response.read(_MOST_BYTES)
        except urllib.error.HTTPError as error:
            status, content = error.code, error.read(_MOST_BYTES)
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise BuiltError(Problem(f"{self._url} does not answer: {reason}")) from error
        milliseconds = (time.perf_counter() - begin) * 1000
        text = content.decode("utf-8", "replace")
        try:
            return Reply(status, json.loads(text), text, milliseconds)
        except ValueError as error:
            what = f"the response of {self._url} has status {status} and is not JSON"
            raise BuiltError(Problem(what, found=_visible(text[:300]))) from error


def _visible(text: str) -> str:
    """Return text without control characters, which could change the terminal."""
    return "".join(it if it.isprintable() else " " for it in text).strip()
