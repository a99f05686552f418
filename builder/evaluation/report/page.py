"""The page of the report."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path

from builder import __version__
from builder.diagnostics.errors import OutputError
from builder.diagnostics.problem import Problem
from builder.evaluation.evaluation import Confusion, Evaluation, Picture, Table, Value
from builder.evaluation.report.charts import svg_of, text
from builder.evaluation.report.style import STYLE
from builder.evaluation.text import failures_of, sample_noun

_TITLES = {
    "map50_95": "mAP50-95",
    "map50": "mAP50",
    "map75": "mAP75",
    "map": "mAP",
    "ap": "AP",
    "f1": "F1",
    "best_f1": "best F1",
    "top1": "top-1",
    "rank1": "rank-1",
    "rank5": "rank-5",
    "miou": "mIoU",
    "miou_with_background": "mIoU with background",
    "iou": "IoU",
    "iou1": "IoU, 1 click",
    **{f"iou{number}": f"IoU, {number} clicks" for number in range(2, 6)},
    "noc85": "NoC@85",
    "noc90": "NoC@90",
    "noc85_failed": "below IoU 0.85",
    "noc90_failed": "below IoU 0.9",
    "precision20": "precision at 20 px",
}
"""Names of metrics and columns for people; the others have spaces in place of underscores."""

_PAIRS = {
    "tracks": ("tracks", "annotated box in the frame with the smallest overlap", "found box"),
    "reid": ("queries", "query", "nearest entry of the gallery"),
}
"""Measure -> what its pictures show: noun for the heading, left and right picture."""

_LABELS = 30
"""Labels of a confusion matrix; above, its largest entries are listed."""

_ENTRIES = 40
"""Entries that are listed."""


def write_report(folder: Path, evaluations: Sequence[Evaluation]) -> Path:
    """Write index.html.

    Args:
        folder: the directory; it is created.
        evaluations: one section of the page each.

    Returns:
        The path of the page.

    Raises:
        OutputError: it cannot be written.
    """
    file = folder / "index.html"
    new = folder / ".index.html.new"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        new.write_text(page_of(evaluations), "utf-8", errors="backslashreplace")
        new.replace(file)
    except OSError as error:
        raise OutputError(
            Problem(
                f"cannot be written: {error.strerror or error}",
                file=file,
                hint="pass another directory with --html DIR",
            )
        ) from error
    return file


def page_of(evaluations: Sequence[Evaluation]) -> str:
    """Return the page."""
    title = " and ".join(dict.fromkeys(Path(it.function).name for it in evaluations))
    contents = _comparison(evaluations) + "".join(_section(it) for it in evaluations)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "img-src data:; style-src 'unsafe-inline'\">"
        f"<title>Evaluation of {text(title)}</title><style>{STYLE}</style></head>"
        f"<body><main>{contents}<footer>cvatbuild {text(__version__)}</footer></main></body>"
        "</html>\n"
    )


def _comparison(evaluations: Sequence[Evaluation]) -> str:
    """Return the metrics of several evaluations side by side; nothing for one."""
    if len(evaluations) < 2:
        return ""
    names = [f"{it.function} ({it.variant})" for it in evaluations]
    rows = {
        _title(name): tuple(it.result.metrics.get(name) for it in evaluations)
        for name in evaluations[0].result.metrics
    }
    datasets = " and ".join(dict.fromkeys(it.dataset for it in evaluations))
    return (
        f'<section><header><h1>Comparison</h1><ul class="facts"><li>{text(datasets)}</li></ul>'
        f"</header>{_grid('Metrics', names, rows)}</section>"
    )


def _section(evaluation: Evaluation) -> str:
    """Return the part of one evaluation."""
    result = evaluation.result
    charts = "".join(svg_of(it) for it in result.charts)
    parts = [
        _head(evaluation),
        _tiles(evaluation),
        f'<div class="charts">{charts}</div>' if charts else "",
        *(_table(it) for it in result.tables),
        *(_confusion(it) for it in result.confusions),
        _gallery("Worst", evaluation.measure, evaluation.worst),
        _gallery("Best", evaluation.measure, evaluation.best),
        _remarks(evaluation),
    ]
    return f"<section>{''.join(parts)}</section>"


def _head(evaluation: Evaluation) -> str:
    """Return the heading: the function and the dataset."""
    speed = evaluation.speed
    facts = [
        f"{evaluation.variant} variant",
        evaluation.device,
        f"{evaluation.measure} of {evaluation.dataset}",
        f"{evaluation.used()} {sample_noun(evaluation.samples)}",
        f"{speed.milliseconds[0]:.1f} ms per request" if speed else "",
    ]
    listed = "".join(f"<li>{text(it)}</li>" for it in facts if it)
    return (
        f"<header><h1>{text(Path(evaluation.function).name)}</h1>"
        f'<ul class="facts">{listed}</ul></header>'
    )


def _tiles(evaluation: Evaluation) -> str:
    """Return the metrics."""
    tiles = "".join(
        f"<div><dt>{text(_title(name))}</dt><dd>{_number(value)}</dd></div>"
        for name, value in evaluation.result.metrics.items()
    )
    return f'<dl class="tiles">{tiles}</dl>'


def _table(table: Table) -> str:
    """Return a table."""
    return _grid(table.title, [_title(it) for it in table.columns], table.rows)


def _grid(title: str, columns: Sequence[str], rows: Mapping[str, Sequence[Value]]) -> str:
    """Return named rows with a bar behind each fraction."""
    heads = "".join(f'<th scope="col">{text(it)}</th>' for it in columns)
    body = "".join(
        f'<tr><th scope="row">{text(name)}</th>{"".join(map(_cell, cells))}</tr>'
        for name, cells in rows.items()
    )
    return (
        f'<h2>{text(title)}</h2><div class="scroll"><table><thead><tr><td></td>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _cell(value: Value) -> str:
    """Return a cell."""
    if isinstance(value, float) and 0 <= value <= 1:
        return f'<td class="bar" style="--part:{value:.4f}">{_number(value)}</td>'
    return f"<td>{_number(value)}</td>"


def _confusion(confusion: Confusion) -> str:
    """Return a confusion matrix, shaded by the part of the row, or its largest entries."""
    head = f"<h2>{text(confusion.title)}</h2>"
    if len(confusion.truth) > _LABELS + 1:
        return head + _entries(confusion)
    names = "".join(f'<th scope="col">{text(it)}</th>' for it in confusion.found)
    rows = []
    for place, (name, counts) in enumerate(zip(confusion.truth, confusion.counts, strict=True)):
        total = sum(counts) or 1
        cells = "".join(
            f'<td class="{"right" if column == place else "wrong"}" '
            f'style="--part:{count / total:.3f}">{count or ""}</td>'
            for column, count in enumerate(counts)
        )
        rows.append(f'<tr><th scope="row">{text(name)}</th>{cells}</tr>')
    return (
        f'{head}<p class="hint">Rows are annotations, columns are detections.</p>'
        f'<div class="scroll"><table class="confusion"><thead><tr><td></td>{names}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _entries(confusion: Confusion) -> str:
    """Return the largest entries beside the diagonal."""
    entries = sorted(
        (
            (-count, name, other)
            for row, (name, counts) in enumerate(
                zip(confusion.truth, confusion.counts, strict=True)
            )
            for column, (other, count) in enumerate(zip(confusion.found, counts, strict=True))
            if count and row != column
        ),
    )
    rows = "".join(
        f'<tr><th scope="row">{text(name)}</th><td class="word">{text(other)}</td>'
        f"<td>{-count}</td></tr>"
        for count, name, other in entries[:_ENTRIES]
    )
    return (
        '<div class="scroll"><table><thead><tr><th scope="col">annotation</th>'
        '<th scope="col">detection</th><th scope="col">count</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _gallery(which: str, measure: str, pictures: Sequence[Picture]) -> str:
    """Return pairs of pictures under a heading, such as `Worst images`."""
    if not pictures:
        return ""
    noun, left, right = _PAIRS.get(measure, ("images", "annotations", "detections"))
    figures = "".join(
        "<figure>"
        f'<div class="pair">{_image(it.truth, left)}{_image(it.found, right)}</div>'
        f"<figcaption><b>{text(it.name)}</b> {text(it.note)}</figcaption></figure>"
        for it in pictures
    )
    return (
        f'<h2>{which} {noun}</h2><p class="hint">{left.capitalize()} on the left, {right} on the '
        f'right.</p><div class="gallery">{figures}</div>'
    )


def _image(jpeg: bytes, name: str) -> str:
    """Return an embedded picture."""
    data = base64.b64encode(jpeg).decode()
    return f'<img alt="{name}" loading="lazy" src="data:image/jpeg;base64,{data}">'


def _remarks(evaluation: Evaluation) -> str:
    """Return the failures and the notes."""
    lines = [*failures_of(evaluation), *evaluation.notes]
    items = "".join(f"<li>{text(it)}</li>" for it in lines)
    return f'<h2>Notes</h2><ul class="notes">{items}</ul>' if lines else ""


def _title(name: str) -> str:
    """Return the name of a metric for people."""
    return _TITLES.get(name, name.replace("_", " "))


def _number(value: Value) -> str:
    """Return a figure."""
    if value is None:
        return "&ndash;"
    return f"{value:.4f}" if isinstance(value, float) else text(str(value))
