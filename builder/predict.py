"""What `cvatbuild predict` does with each image."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import orjson

from builder.built import BuiltFunction, Reply
from builder.contract import judge
from builder.draw import draw, ring_of
from builder.errors import BuiltError, CommandLineError, Problem
from runtimes import image as images
from runtimes.errors import BadRequest


@dataclass(frozen=True, slots=True)
class Prediction:
    """A function's reply to one image.

    Attributes:
        image: the image's file.
        reply: what CVAT would receive.
        faults: what CVAT could not use of the reply.
        saved: the picture with the reply drawn on it, if one was asked for.
    """

    image: Path
    reply: Reply
    faults: tuple[str, ...]
    saved: Path | None

    def as_json(self) -> str:
        """One line: `{"image": path, "status": HTTP status, "reply": what CVAT would receive}`."""
        return (
            f'{{"image":{orjson.dumps(str(self.image)).decode()},"status":{self.reply.status},'
            f'"reply":{self.reply.text}}}'
        )

    def as_table(self) -> str:
        """The items, one a line."""
        items = self.reply.body
        if self.reply.status != 200:
            return f"{self.image}: HTTP {self.reply.status}: {items['error']}"
        count = f"{len(items)} {'item' if len(items) == 1 else 'items'}"
        head = f"{self.image}: {count}, {self.reply.milliseconds:.0f} ms"
        width = max((len(item["label"]) for item in items), default=0)
        faults = [f"  CVAT could not use this: {fault}" for fault in self.faults]
        return "\n".join([head, *(_row(item, width) for item in items), *faults])


def _row(item: dict[str, Any], width: int) -> str:
    """One item of a table: its label, score, type, the box around it, and what is special."""
    box = "".join(f"  {value:7.1f}" for value in bounds_of(item))
    if item["type"] in ("polygon", "polyline"):
        box += f"  {len(item['points']) // 2} points"
    elif item["type"] == "mask":
        box += f"  {sum(item['mask'][:-4])} pixels" if "mask" in item else "  RLE"
    elif item["type"] == "skeleton":
        seen = sum(not element["outside"] for element in item["elements"])
        box += f"  {seen} of {len(item['elements'])} points visible"
    elif item.get("rotation"):
        box += f"  turned by {item['rotation']:.1f} degrees"
    return f"  {item['label']:{width}}  {item['confidence']:.3f}  {item['type']:9}{box}".rstrip()


def bounds_of(item: dict[str, Any]) -> list[float]:
    """Left, top, right, bottom of an item; nothing for a tag."""
    if item["type"] == "tag":
        return []
    if item["type"] == "mask":
        left, top, right, bottom = (item["mask"] if "mask" in item else item["points"])[-4:]
        return [left, top, right + 1, bottom + 1]
    if item["type"] == "skeleton":
        seen = [element["points"] for element in item["elements"] if not element["outside"]]
        xs, ys = zip(*seen, strict=True)
    else:
        xs, ys = ring_of(item).T.tolist()
    return [min(xs), min(ys), max(xs), max(ys)]


def predict(
    function: BuiltFunction,
    files: Sequence[Path],
    *,
    threshold: float | None,
    save: Path | None,
) -> Iterator[Prediction]:
    """Send images to a function, one after the other.

    Args:
        function: a started function.
        files: image files.
        threshold: what the request asks for; None sends none, as CVAT mostly does.
        save: the folder to put pictures in.

    Raises:
        CommandLineError: a file cannot be read.
        BuiltError: a picture cannot be written.
    """
    request = {} if threshold is None else {"threshold": threshold}
    used: set[str] = set()
    for file in files:
        try:
            data = file.read_bytes()
        except OSError as error:
            raise CommandLineError(
                Problem(f"cannot be read: {error.strerror or error}", file=file)
            ) from error
        reply = function(data, **request)
        saved = None
        if save is not None and reply.status == 200:
            saved = save / _free_name(file, used)
            _save(data, reply.body, function.labels, saved)
        faults = tuple(judge(reply.body, function.labels)) if reply.status == 200 else ()
        yield Prediction(file, reply, faults, saved)


def _free_name(file: Path, used: set[str]) -> str:
    """A name for a picture: the image's own, numbered where two images have the same."""
    name, number = f"{file.stem}.png", 1
    while name in used:
        number += 1
        name = f"{file.stem}-{number}.png"
    used.add(name)
    return name


def _save(
    data: bytes, items: list[dict[str, Any]], spec: list[dict[str, Any]], target: Path
) -> None:
    """Write an image with its items drawn."""
    try:
        picture = draw(images.pixels(data), items, spec)
        target.parent.mkdir(parents=True, exist_ok=True)
        _, png = cv2.imencode(".png", picture)
        target.write_bytes(png.tobytes())
    except (OSError, BadRequest) as error:
        raise BuiltError(Problem(f"cannot be written: {error}", file=target)) from error
