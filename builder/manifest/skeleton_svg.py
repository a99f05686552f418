"""The drawing that CVAT requires for every skeleton label.

Format (cvat-ui, skeleton-configurator.tsx): an SVG fragment without a root, with one `circle` for
each sublabel and one `line` for each edge, in a drawing of 100 by 100. When a label is created, the
server replaces the text `data-label-name="NAME"` literally, so names are written unescaped between
double quotes. The canvas fails if a circle or an edge's end is missing.
"""

from collections.abc import Sequence
from math import cos, pi, sin

Point = tuple[float, float]


def layout(given: Sequence[Point | None]) -> list[Point]:
    """Return the position of each keypoint. Default: on a circle, clockwise from the top."""
    return [
        point
        or (
            round(50 + 40 * sin(2 * pi * number / len(given)), 2),
            round(50 - 40 * cos(2 * pi * number / len(given)), 2),
        )
        for number, point in enumerate(given)
    ]


def svg(names: Sequence[str], points: Sequence[Point], edges: Sequence[tuple[str, str]]) -> str:
    """Return the drawing of a skeleton.

    Args:
        names: the names of the keypoints, without characters that XML escapes.
        points: x y of each keypoint, 0 to 100.
        edges: pairs of keypoint names.
    """
    numbers = {name: number for number, name in enumerate(names, 1)}
    elements = []
    for start, end in edges:
        (x1, y1), (x2, y2) = points[numbers[start] - 1], points[numbers[end] - 1]
        elements.append(
            f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" data-type="edge" '
            f'data-node-from="{numbers[start]}" data-node-to="{numbers[end]}"></line>'
        )
    for name, (x, y) in zip(names, points, strict=True):
        number = numbers[name]
        elements.append(
            f'<circle r="0.75" cx="{x:g}" cy="{y:g}" data-type="element node" '
            f'data-element-id="{number}" data-node-id="{number}" data-label-name="{name}"></circle>'
        )
    return "\n".join(elements)
