"""Charts as inline SVG."""

from html import escape

from builder.diagnostics.text import visible
from builder.evaluation.evaluation import Chart, Line

_WIDTH, _HEIGHT = 420, 300
_LEFT, _TOP, _RIGHT, _BOTTOM = 44, 12, 12, 40
"""Margins of the plot, in the units of the view box."""


def svg_of(chart: Chart) -> str:
    """Return a chart with its legend as HTML. Colors are the classes c0, c1, ... of the page."""
    legend = "".join(
        f'<li><span class="key c{number}"></span>{text(line.name)}</li>'
        for number, line in enumerate(chart.lines)
    )
    return (
        f'<figure class="chart"><figcaption>{text(chart.title)}</figcaption>'
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{text(chart.title)}">'
        f"{_grid(chart)}{_lines(chart)}</svg>"
        f'<ul class="legend">{legend}</ul></figure>'
    )


def text(value: str) -> str:
    """Return text for HTML, with control characters and markup escaped."""
    return escape(visible(value))


def _lines(chart: Chart) -> str:
    """Return the lines, the first one on top."""
    return "".join(_line(line, number) for number, line in reversed(list(enumerate(chart.lines))))


def _line(line: Line, number: int) -> str:
    """Return a line, and the place of each point for a pointer that rests on it."""
    points = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in zip(line.x, line.y, strict=True))
    return (
        f'<polyline class="c{number}" points="{points}"><title>{text(line.name)}</title></polyline>'
    )


def _grid(chart: Chart) -> str:
    """Return the axes with their numbers and titles."""
    parts = []
    for step in range(6):
        value = step / 5
        x, y = _x(value), _y(value)
        parts.append(
            f'<path class="grid" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}M{x:.1f} {_TOP}'
            f'V{_HEIGHT - _BOTTOM}"/>'
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>'
            f'<text x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 16}" text-anchor="middle">{value:g}</text>'
        )
    middle = (_TOP + _HEIGHT - _BOTTOM) / 2
    parts.append(
        f'<text x="{_x(0.5):.1f}" y="{_HEIGHT - 6}" text-anchor="middle">{text(chart.x_title)}'
        f'</text><text x="12" y="{middle}" text-anchor="middle" '
        f'transform="rotate(-90 12 {middle})">{text(chart.y_title)}</text>'
    )
    return "".join(parts)


def _x(value: float) -> float:
    """Return the place of a value from 0 to 1."""
    return _LEFT + value * (_WIDTH - _LEFT - _RIGHT)


def _y(value: float) -> float:
    """Return the place of a value from 0 to 1."""
    return _HEIGHT - _BOTTOM - value * (_HEIGHT - _TOP - _BOTTOM)
