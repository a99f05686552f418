"""The drawing that CVAT wants with every skeleton label.

Format (cvat-ui, skeleton-configurator.tsx): a fragment without a root, one `circle` for each
sublabel and one `line` for each edge, in a picture of 100 by 100. On creation of a label the server
replaces the text `data-label-name="NAME"` as it stands, so names go in verbatim and between double
quotes, and the canvas fails on a skeleton that lacks a circle or an edge's end.
"""

from collections.abc import Sequence
from math import cos, pi, sin

Point = tuple[float, float]


def layout(given: Sequence[Point | None]) -> list[Point]:
    """Where each keypoint is drawn: as given, or on a circle, clockwise from the top."""
    return [
        point
        or (
            round(50 + 40 * sin(2 * pi * number / len(given)), 2),
            round(50 - 40 * cos(2 * pi * number / len(given)), 2),
        )
        for number, point in enumerate(given)
    ]


def svg(names: Sequence[str], points: Sequence[Point], edges: Sequence[tuple[str, str]]) -> str:
    """The drawing of a skeleton.

    Args:
        names: of the keypoints; no name holds a character that XML would have to escape.
        points: x y of each, 0 to 100.
        edges: pairs of names.
    """
    numbers = {name: number for number, name in enumerate(names, 1)}
    lines = []
    for one, other in edges:
        (x1, y1), (x2, y2) = points[numbers[one] - 1], points[numbers[other] - 1]
        lines.append(
            f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" data-type="edge" '
            f'data-node-from="{numbers[one]}" data-node-to="{numbers[other]}"></line>'
        )
    for name, (x, y) in zip(names, points, strict=True):
        number = numbers[name]
        lines.append(
            f'<circle r="0.75" cx="{x:g}" cy="{y:g}" data-type="element node" '
            f'data-element-id="{number}" data-node-id="{number}" data-label-name="{name}"></circle>'
        )
    return "\n".join(lines)
