"""What `cvatbuild predict` asks of a function, and what came of it."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeAlias

import orjson

from builder.diagnostics.text import printable
from builder.run.function import Reply

Point: TypeAlias = tuple[float, float]
Box: TypeAlias = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Prompts:
    """What a person asks for on the command line. None and () ask for nothing.

    Attributes:
        threshold: what the request carries; without one it carries none, as CVAT's mostly do.
        pos, neg: clicks on and beside an object, x y in pixels of the image.
        box: x1 y1 x2 y2 in pixels of the image.
        boxes: a JSON file with the boxes of two images.
    """

    threshold: float | None = None
    pos: tuple[Point, ...] = ()
    neg: tuple[Point, ...] = ()
    box: tuple[Box, ...] = ()
    boxes: Path | None = None

    def given(self) -> Iterator[str]:
        """The names of what was asked for."""
        for field in fields(self):
            if getattr(self, field.name) not in (None, ()):
                yield field.name

    def request(self) -> dict[str, Any]:
        """The keys that requests of every kind may have."""
        return {} if self.threshold is None else {"threshold": self.threshold}


@dataclass(frozen=True, slots=True)
class Prediction:
    """A function's reply to one request.

    Attributes:
        image: the image's file, or the files' where a request has several.
        reply: what CVAT would receive.
        summary: what was found, in a few words.
        rows: what was found, one a line.
        faults: what CVAT could not use of the reply.
        saved: the picture with the reply drawn on it, if one was asked for.
    """

    image: str
    reply: Reply
    summary: str = ""
    rows: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    saved: Path | None = None

    def as_json(self) -> str:
        """One line: `{"image": path, "status": HTTP status, "reply": what CVAT would receive}`."""
        return (
            f'{{"image":{orjson.dumps(printable(self.image)).decode()},"status":{self.reply.status},'
            f'"reply":{self.reply.text}}}'
        )

    def as_table(self) -> str:
        """A line for the request, then one for each thing that was found."""
        if self.reply.status != 200:
            return f"{self.image}: HTTP {self.reply.status}: {self.reply.body['error']}"
        head = f"{self.image}: {self.summary}, {self.reply.milliseconds:.0f} ms"
        faults = [f"  CVAT could not use this: {fault}" for fault in self.faults]
        return "\n".join([head, *self.rows, *faults])
