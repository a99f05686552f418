"""Drawing the items of a reply onto the image."""

import colorsys
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from builder.run.captions import Caption, Color, letter_size, write
from runtimes.arrays import Array

_GOLDEN = 0.618033988749895
"""Golden ratio: steps of it around the color circle give any number of distinct colors."""

_MOST_LETTERS = 60
"""Number of letters of all attributes in a caption."""

_FILL = 0.4
"""Opacity of the color inside masks and polygons."""


def color_of(number: int) -> Color:
    """Return a saturated color for the label with an index in the function's list."""
    red, green, blue = colorsys.hsv_to_rgb((0.05 + number * _GOLDEN) % 1, 0.85, 1.0)
    return int(blue * 255), int(green * 255), int(red * 255)


def draw(image: Array, items: Sequence[dict[str, Any]], spec: Sequence[dict[str, Any]]) -> Array:
    """Draw a detector's items.

    Lines have a dark rim and captions a background, so that both are visible on any image.

    Args:
        image: (H, W, 3) uint8 BGR; it is not changed.
        items: the items of a detector's reply.
        spec: the function's labels, as its `spec` annotation lists them. Their order determines the
            colors, their SVG the edges of skeletons.

    Returns:
        (H, W, 3) uint8 BGR.
    """
    canvas = image.copy()
    thick = max(2, round(max(image.shape[:2]) / 500))
    names = [str(label["name"]) for label in spec]
    tags = sum(item["type"] == "tag" for item in items)
    captions = []
    # In ascending order of confidence, so that the best items are on top.
    for item in reversed(items):
        number = names.index(item["label"]) if item["label"] in names else len(names)
        color = color_of(number)
        shape_type = item["type"]
        if shape_type == "tag":
            left, top, tags = 0, tags * round(1.3 * letter_size(canvas)), tags - 1
        elif shape_type == "mask":
            left, top = _mask(canvas, item["mask"], color, thick)
        elif shape_type == "skeleton":
            left, top = _skeleton(canvas, item["elements"], spec[number], color, thick)
        elif shape_type == "points":
            left, top = _dots(canvas, _pairs(item["points"]), color, thick)
        else:
            left, top = _outline(canvas, item, color, thick)
        captions.append(Caption(_caption(item), left, top, color))
    write(canvas, captions[::-1])
    return canvas


def _caption(item: dict[str, Any]) -> str:
    """Return the text for an item: its label, confidence and attributes."""
    confidence = item.get("confidence")
    text = str(item["label"]) if confidence is None else f"{item['label']} {confidence:.2f}"
    values = ", ".join(
        str(it["value"]) if it["name"] == item["label"] else f"{it['name']}: {it['value']}"
        for it in item.get("attributes", ())
    )
    if not values:
        return text
    short = values if len(values) <= _MOST_LETTERS else f"{values[: _MOST_LETTERS - 1]}…"
    return f"{text} · {short}"


def _pairs(points: Sequence[float]) -> Array:
    """Return x, y, x, y, ... as (P, 2) float64."""
    return np.array(points, np.float64).reshape(-1, 2)


def ring_of(item: dict[str, Any]) -> Array:
    """Return the outline of a rectangle, ellipse, polygon, polyline or cuboid, (P, 2) x y."""
    points = item["points"]
    if item["type"] not in ("rectangle", "ellipse"):
        return _pairs(points)
    if item["type"] == "rectangle":
        x1, y1, x2, y2 = points
        ring = np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]], np.float64)
        center = np.array([(x1 + x2) / 2, (y1 + y2) / 2])
    else:
        turn = np.linspace(0, 2 * np.pi, 72, endpoint=False)
        center = np.array(points[:2])
        radii = np.array([points[2] - points[0], points[1] - points[3]])
        ring = center + radii * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    angle = np.radians(item.get("rotation", 0))
    cos, sin = np.cos(angle), np.sin(angle)
    return np.asarray((ring - center) @ np.array([[cos, sin], [-sin, cos]]) + center)


def outline(canvas: Array, box: Sequence[float], color: Color) -> tuple[int, int]:
    """Draw a box, x1 y1 x2 y2; return the place of its caption."""
    return trace(canvas, ring_of({"type": "rectangle", "points": list(box)}), color)


def trace(canvas: Array, ring: Array, color: Color, *, closed: bool = True) -> tuple[int, int]:
    """Draw a line along points, (P, 2) x y; return the place of its caption."""
    thick = max(2, round(max(canvas.shape[:2]) / 500))
    return _line(canvas, np.round(ring).astype(np.int32), color, thick, closed)


def _outline(canvas: Array, item: dict[str, Any], color: Color, thick: int) -> tuple[int, int]:
    """Draw a shape's outline, and fill a polygon; return the place of the caption."""
    ring = np.round(ring_of(item)).astype(np.int32)
    if item["type"] == "polygon":
        x, y, width, height = cv2.boundingRect(ring)
        inside = np.zeros((height, width), np.uint8)
        cv2.fillPoly(inside, [ring - (x, y)], 1)
        _tint(canvas, inside, x, y, color)
    return _line(canvas, ring, color, thick, item["type"] != "polyline")


def _line(canvas: Array, ring: Array, color: Color, thick: int, closed: bool) -> tuple[int, int]:
    """Draw a line with a dark rim along points, (P, 2) int32; return the place of its caption."""
    for shade, width in (((0, 0, 0), thick + 2), (color, thick)):
        cv2.polylines(canvas, [ring], closed, shade, width, cv2.LINE_AA)
    return int(ring[:, 0].min()), int(ring[:, 1].min())


def _mask(canvas: Array, mask: list[int], color: Color, thick: int) -> tuple[int, int]:
    """Draw a mask with its boundary; return the place of its caption."""
    *pixels, left, top, right, bottom = mask
    bitmap = np.array(pixels, np.uint8).reshape(bottom - top + 1, right - left + 1)
    return _region(canvas, bitmap, left, top, color, thick)


def region(canvas: Array, bitmap: Array, left: int, top: int, color: Color) -> tuple[int, int]:
    """Draw the pixels of a bitmap, (h, w) uint8; return the place of its caption."""
    return _region(canvas, bitmap, left, top, color, max(2, round(max(canvas.shape[:2]) / 500)))


def _region(
    canvas: Array, bitmap: Array, left: int, top: int, color: Color, thick: int
) -> tuple[int, int]:
    """Draw the pixels of a bitmap with their boundary; return the place of the caption."""
    _tint(canvas, bitmap, left, top, color)
    rings, _ = cv2.findContours(bitmap, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE, offset=(left, top))
    for shade, width in (((0, 0, 0), thick + 2), (color, thick)):
        cv2.drawContours(canvas, rings, -1, shade, width, cv2.LINE_AA)
    x, y, _, _ = cv2.boundingRect(bitmap)
    return left + x, top + y


def _tint(canvas: Array, bitmap: Array, left: int, top: int, color: Color) -> None:
    """Mix a color into those pixels of a bitmap that are inside the image."""
    x, y = max(left, 0), max(top, 0)
    window = canvas[y : top + bitmap.shape[0], x : left + bitmap.shape[1]]
    inside = bitmap[y - top :, x - left :][: window.shape[0], : window.shape[1]] > 0
    window[inside] = (window[inside] * (1 - _FILL) + np.array(color) * _FILL).astype(np.uint8)


def dots(canvas: Array, points: Array, color: Color) -> None:
    """Draw points, (P, 2) x y."""
    _dots(canvas, points, color, max(2, round(max(canvas.shape[:2]) / 500)))


def _dots(canvas: Array, points: Array, color: Color, thick: int) -> tuple[int, int]:
    """Draw points; return the place of their caption."""
    for x, y in np.round(points).astype(int).tolist():
        cv2.circle(canvas, (x, y), 2 * thick + 1, (0, 0, 0), cv2.FILLED, cv2.LINE_AA)
        cv2.circle(canvas, (x, y), 2 * thick - 1, color, cv2.FILLED, cv2.LINE_AA)
    x, y = points.min(axis=0).tolist()
    return round(x), round(y) - 2 * thick - 2


def _skeleton(
    canvas: Array, elements: list[dict[str, Any]], label: dict[str, Any], color: Color, thick: int
) -> tuple[int, int]:
    """Draw a skeleton's visible points and their edges; return the place of the caption."""
    seen = {it["label"]: _pairs(it["points"])[0] for it in elements if not it.get("outside")}
    names = [str(sublabel["name"]) for sublabel in label.get("sublabels", [])]
    ends = [
        (seen[names[one - 1]], seen[names[other - 1]])
        for one, other in edges_of(str(label.get("svg", "")))
        if names[one - 1] in seen and names[other - 1] in seen
    ]
    for shade, width in (((0, 0, 0), thick + 2), (color, thick)):
        for start, end in ends:
            points = np.round([start, end]).astype(int).tolist()
            cv2.line(canvas, points[0], points[1], shade, width, cv2.LINE_AA)
    return _dots(canvas, np.array(list(seen.values())), color, thick)


def edges_of(svg: str) -> list[tuple[int, int]]:
    """Return the edges in a skeleton's SVG as pairs of node numbers from 1."""
    from xml.etree import ElementTree

    try:
        # builder.manifest.skeleton_svg wrote the text.
        root = ElementTree.fromstring(f"<svg>{svg}</svg>")  # noqa: S314
    except ElementTree.ParseError:
        return []
    return [
        (int(line.get("data-node-from", 0)), int(line.get("data-node-to", 0)))
        for line in root.iter("line")
    ]
