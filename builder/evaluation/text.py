"""Evaluations as text for people, and as JSON for programs."""

import json
from collections.abc import Sequence
from typing import Any

from builder.diagnostics.text import visible
from builder.evaluation.evaluation import Evaluation, Table, Value

_LISTED = 5
"""Failures that the text lists."""


def as_json(evaluation: Evaluation) -> str:
    """Return an evaluation as one JSON object on one line; docs/evaluation.md describes it."""
    speed = evaluation.speed
    data: dict[str, Any] = {
        "function": evaluation.function,
        "variant": evaluation.variant,
        "device": evaluation.device,
        "dataset": evaluation.dataset,
        "measure": evaluation.measure,
        "samples": evaluation.samples,
        "failed": evaluation.failed,
        "skipped": evaluation.skipped,
        **evaluation.result.metrics,
    }
    for table in evaluation.result.tables:
        data[table.key] = {
            name: dict(zip(table.columns, cells, strict=True)) for name, cells in table.rows.items()
        }
    data["speed"] = speed and {
        "requests": speed.requests,
        "median_milliseconds": speed.milliseconds[0],
        "p95_milliseconds": speed.milliseconds[1],
        "images_per_second": speed.images_per_second,
    }
    data["failures"] = [
        {"name": it.name, "reason": it.reason, "skipped": it.skipped} for it in evaluation.failures
    ]
    data["notes"] = list(evaluation.notes)
    return json.dumps(data, ensure_ascii=False, allow_nan=False)


def as_text(evaluation: Evaluation) -> str:
    """Return an evaluation as tables."""
    result = evaluation.result
    device = f" on {evaluation.device}" if evaluation.device else ""
    head = (
        f"{evaluation.function} ({evaluation.variant}{device}): {evaluation.measure} of "
        f"{evaluation.dataset}, {evaluation.used()} {sample_noun(evaluation.samples)}"
    )
    parts = [head, _grid([(name, (value,)) for name, value in result.metrics.items()])]
    parts += [_titled(table) for table in result.tables]
    if evaluation.speed:
        median, high = evaluation.speed.milliseconds
        parts.append(
            f"Speed: {median:.1f} ms per request (median), {high:.1f} ms (95th percentile), "
            f"{evaluation.speed.images_per_second:.1f} images/s"
        )
    failures = failures_of(evaluation)
    if failures:
        parts.append("\n".join(failures))
    best = result.metrics.get("best_threshold")
    if best is not None and best != result.metrics.get("threshold"):
        parts.append(f"--write-threshold MANIFEST writes the threshold with the best F1, {best:g}")
    if evaluation.notes:
        parts.append("\n".join(f"note: {note}" for note in evaluation.notes))
    # Names come from outside and may contain control characters.
    return "\n".join(visible(line) for line in "\n\n".join(parts).split("\n"))


def sample_noun(number: int) -> str:
    """Return the noun for a number of samples; see builder.evaluation.measure.Sample."""
    return "sample" if number == 1 else "samples"


def failures_of(evaluation: Evaluation) -> list[str]:
    """Return the lines about samples without a usable reply."""
    lines = []
    for skipped, count, what in (
        (True, evaluation.skipped, "cannot be used and are left out"),
        (False, evaluation.failed, "got no usable reply and count as if nothing was found"),
    ):
        if count:
            lines.append(
                f"{count} of {evaluation.samples} {sample_noun(evaluation.samples)} {what}:"
            )
            own = [it for it in evaluation.failures if it.skipped == skipped]
            lines += [f"  {it.name}: {it.reason}" for it in own[:_LISTED]]
            if count > _LISTED:
                lines.append(f"  and {count - _LISTED} more")
    return lines


def difference(one: Evaluation, other: Evaluation) -> str:
    """Return the figures of two evaluations side by side, and their differences."""
    names = [f"{it.function} ({it.variant})" for it in (one, other)]
    rows: list[tuple[str, tuple[Value, ...]]] = [
        (name, _compared(value, other.result.metrics.get(name)))
        for name, value in one.result.metrics.items()
    ]
    if one.speed and other.speed:
        medians = one.speed.milliseconds[0], other.speed.milliseconds[0]
        rows.append(("median_milliseconds", _compared(*medians)))
    parts = [
        f"Difference: A is {names[0]}, B is {names[1]}",
        _grid(rows, ("A", "B", "B - A"), signed=2),
    ]
    others = {table.key: table for table in other.result.tables}
    parts += [
        _table_difference(table, others[table.key])
        for table in one.result.tables
        if table.key in others
    ]
    return "\n".join(visible(line) for line in "\n\n".join(parts).split("\n"))


def _table_difference(one: Table, other: Table) -> str:
    """Return B - A for each cell of two tables of the same key."""
    rows = []
    for name, cells in one.rows.items():
        theirs = dict(zip(other.columns, other.rows.get(name, ()), strict=False))
        rows.append(
            (
                name,
                tuple(
                    _compared(cell, theirs.get(column))[2]
                    for column, cell in zip(one.columns, cells, strict=True)
                ),
            )
        )
    return f"{one.title}, B - A\n{_grid(rows, one.columns, signed=0)}"


def _compared(one: Value, other: Value) -> tuple[Value, Value, Value]:
    """Return both values and their difference; None if it is not defined."""
    if isinstance(one, str) or isinstance(other, str) or one is None or other is None:
        return one, other, None
    return one, other, other - one


def _titled(table: Table) -> str:
    """Return a table with its title."""
    return f"{table.title}\n{_grid(list(table.rows.items()), table.columns)}"


def _grid(
    rows: Sequence[tuple[str, Sequence[Value]]],
    columns: Sequence[str] = (),
    signed: int | None = None,
) -> str:
    """Return rows with aligned columns.

    Args:
        rows: name and cells of each row.
        columns: headings; none if empty.
        signed: number of the column from which on numbers have a sign.
    """
    texts = [[name, *map(_cell, cells)] for name, cells in rows]
    if signed is not None:
        texts = [
            [name, *(_cell(it, place >= signed) for place, it in enumerate(cells))]
            for name, cells in rows
        ]
    lines = [["", *columns], *texts] if columns else texts
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    return "\n".join(
        "  "
        + "  ".join(
            text.rjust(width) if place else text.ljust(width)
            for place, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _cell(value: Value, signed: bool = False) -> str:
    """Return a cell's text: fractions with four decimals."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:+.4f}" if signed else f"{value:.4f}"
    return f"{value:+}" if signed and isinstance(value, int) else str(value)
