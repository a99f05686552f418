"""The prompts of `cvatbuild predict`, and its results."""

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
    """The options of the command line. None and () stand for absent options.

    Attributes:
        threshold: the request's threshold. Most requests of CVAT have none.
        pos, neg: positive and negative points, x y in pixels of the image.
        box: bounding boxes, x1 y1 x2 y2 in pixels of the image.
        boxes: a JSON file with the bounding boxes of two images.
    """

    threshold: float | None = None
    pos: tuple[Point, ...] = ()
    neg: tuple[Point, ...] = ()
    box: tuple[Box, ...] = ()
    boxes: Path | None = None

    def names(self) -> Iterator[str]:
        """Yield the names of the options that are present."""
        for field in fields(self):
            if getattr(self, field.name) not in (None, ()):
                yield field.name

    def request(self) -> dict[str, Any]:
        """Return the keys that requests for every function type can have."""
        return {} if self.threshold is None else {"threshold": self.threshold}


@dataclass(frozen=True, slots=True)
class Prediction:
    """A function's reply to one request.

    Attributes:
        image: path of the image, or of all images of the request.
        reply: the reply.
        summary: number of results.
        rows: one line per result.
        faults: the faults of the reply, as builder.run.judge words them.
        saved: the picture with the results drawn on the image, if it was saved.
    """

    image: str
    reply: Reply
    summary: str = ""
    rows: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    saved: Path | None = None

    def as_json(self) -> str:
        """Return a line `{"image": path, "status": HTTP status, "reply": what CVAT receives}`."""
        return (
            f'{{"image":{orjson.dumps(printable(self.image)).decode()},"status":{self.reply.status},'
            f'"reply":{self.reply.text}}}'
        )

    def as_table(self) -> str:
        """Return one line for the request, one per result and one per fault."""
        if self.reply.status != 200:
            return f"{self.image}: HTTP {self.reply.status}: {self.reply.body['error']}"
        head = f"{self.image}: {self.summary}, {self.reply.milliseconds:.0f} ms"
        faults = [f"  invalid for CVAT: {fault}" for fault in self.faults]
        return "\n".join([head, *self.rows, *faults])
