"""Detectors: one request per image."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from builder.diagnostics.text import printable
from builder.run.draw import draw, ring_of
from builder.run.function import Function
from builder.run.judge.detector import judge
from builder.run.predict.files import Pictures, pixels_of, read_bytes
from builder.run.predict.prediction import Prediction, Prompts
from runtimes.arrays import Array
from runtimes.errors import BadRequest

TAKES = frozenset({"threshold"})
"""See Predictor.TAKES."""


def predict(
    function: Function, files: Sequence[Path], prompts: Prompts, pictures: Pictures
) -> Iterator[Prediction]:
    """See builder.run.predict.Predictor.predict."""
    for file in files:
        data = read_bytes(file)
        reply = function(data, **prompts.request())
        if reply.status != 200:
            yield Prediction(str(file), reply)
            continue
        faults = tuple(judge(reply.body, function.labels))
        count = f"{len(reply.body)} {'item' if len(reply.body) == 1 else 'items'}"
        if not reply.body and not _is_decodable(data):
            # With `on_bad_image: empty`, the reply is that of an image without objects.
            yield Prediction(str(file), reply, f"{count}: the image cannot be decoded")
            continue
        saved = pictures.save(file, partial(_drawn, data, reply.body, function.labels))
        yield Prediction(str(file), reply, count, _rows(reply.body), faults, saved)


def smoke_test(function: Function, blank: bytes) -> tuple[str, ...]:
    """See builder.run.predict.Predictor.smoke_test."""
    return tuple(judge(function(blank).raise_for_status().body, function.labels))


def _is_decodable(data: bytes) -> bool:
    """Return whether the function can decode an image file."""
    try:
        pixels_of(data)
    except BadRequest:
        return False
    return True


def _drawn(data: bytes, items: list[dict[str, Any]], spec: list[dict[str, Any]]) -> Array:
    """Draw items on an image file; return (H, W, 3) uint8 BGR."""
    return draw(pixels_of(data), items, spec)


def _rows(items: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """Return one line per item."""
    width = max((len(item["label"]) for item in items), default=0)
    return tuple(_row(item, width) for item in items)


def _row(item: dict[str, Any], width: int) -> str:
    """Return the line of an item: label, confidence, type, box, details of the type, attributes."""
    box = "".join(f"  {value:7.1f}" for value in bounds_of(item))
    if item["type"] in ("polygon", "polyline"):
        box += f"  {len(item['points']) // 2} points"
    elif item["type"] == "mask":
        box += f"  {sum(item['mask'][:-4])} pixels" if "mask" in item else "  RLE"
    elif item["type"] == "skeleton":
        seen = sum(not element["outside"] for element in item["elements"])
        box += f"  {seen} of {len(item['elements'])} points visible"
    elif item.get("rotation"):
        box += f"  rotated by {item['rotation']:.1f} degrees"
    for attribute in item.get("attributes", ()):
        box += f"  {attribute['name']}: {printable(attribute['value'])}"
    return f"  {item['label']:{width}}  {item['confidence']:.3f}  {item['type']:9}{box}".rstrip()


def bounds_of(item: dict[str, Any]) -> list[float]:
    """Return the bounding box of an item: left, top, right, bottom; empty for a tag."""
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
