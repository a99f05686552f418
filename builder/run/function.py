"""A started function, and its reply to a request."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

from builder.diagnostics.errors import BuiltError
from builder.diagnostics.problem import Problem
from builder.targets.target import Description
from runtimes.arrays import Array


@dataclass(frozen=True, slots=True)
class Reply:
    """What CVAT would receive.

    Attributes:
        status: HTTP status.
        body: the decoded JSON.
        text: the JSON as sent.
        milliseconds: duration of the handler's call.
        stages: milliseconds of each stage of that call; see runtimes.clock.
    """

    status: int
    body: Any
    text: str
    milliseconds: float
    stages: Mapping[str, float] = field(default_factory=dict)

    def raise_for_status(self) -> Self:
        """Return the reply if its status is 200.

        Raises:
            BuiltError: the status is another one.
        """
        if self.status != 200:
            what = f"the response has status {self.status}, not 200"
            raise BuiltError(Problem(what, found=self.text[:300]))
        return self


class Function(Protocol):
    """A function that answers requests."""

    @property
    def type(self) -> str:
        """The function's type."""

    @property
    def labels(self) -> list[dict[str, Any]]:
        """CVAT's label specification, one object per label."""

    @property
    def annotations(self) -> Mapping[str, str]:
        """The texts that CVAT reads, by key."""

    def send(self, body: object, content_type: str) -> Reply:
        """Send a request.

        Args:
            body: bytes are sent unchanged, everything else as JSON.
            content_type: Nuclio decodes the body if it is `application/json`.

        Raises:
            BuiltError: the function gives no HTTP response, or the response is not JSON.
        """

    def examine(self, image: bytes) -> dict[str, Array]:
        """Return what the function's model finds in an image, before anything is dropped.

        Args:
            image: an image file.

        Returns:
            The arrays that `examine` of the function's class in `runtimes` returns.

        Raises:
            BuiltError: the model's outputs cannot be had, or a step fails.
        """
        raise BuiltError(Problem("the outputs of the function's model cannot be had"))

    def __call__(self, image: bytes, **request: Any) -> Reply:
        """Send one image as CVAT does; see send.

        Args:
            image: an image file.
            request: further keys of the request, such as `threshold`.
        """
        body = {"image": base64.b64encode(image).decode(), **request}
        return self.send(body, "application/json")


class DescribedFunction(Function, Protocol):
    """The part of a function that its configuration file determines."""

    _description: Description

    @property
    def type(self) -> str:
        """See Function.type."""
        return self._description.type

    @property
    def labels(self) -> list[dict[str, Any]]:
        """See Function.labels."""
        return self._description.labels

    @property
    def annotations(self) -> Mapping[str, str]:
        """See Function.annotations."""
        return self._description.annotations
