"""The result of a comparison as text, Markdown and JSON."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from builder.diagnostics.text import printable
from builder.evaluation.parity.measures import COUNTS
from builder.evaluation.parity.tally import Tally, Unmatched

Row = tuple[str, ...]

WITHIN = "within the limits"
"""The verdict on small differences."""


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a comparison.

    Attributes:
        subject: the function's directory, as the user named it.
        sides: the names of the two sides.
        notes: what both sides are, and what was not compared.
        tally: the differences.
    """

    subject: str
    sides: tuple[str, str]
    notes: tuple[str, ...]
    tally: Tally

    @property
    def is_good(self) -> bool:
        """Whether there was something to compare, and all differences are within the limits."""
        return self.tally.is_within and any(self.tally.items)

    def as_text(self) -> str:
        """Return tables for a terminal."""
        tables = ["\n".join(_aligned(self._sides())), "\n".join(_aligned(self._differences()))]
        lists = ["\n".join(self._unmatched()), "\n".join(self._worst())]
        parts = [self._head(), *tables, *lists, "\n".join(self.notes), self._verdict()]
        return printable("\n\n".join(part for part in parts if part))

    def as_markdown(self) -> str:
        """Return tables for a comment on a pull request."""
        parts = [
            f"### Parity: {_cell(self._head())}",
            "\n".join(_markdown(self._sides())),
            "\n".join(_markdown(self._differences())),
            "\n".join(f"- {_cell(line)}" for line in self._unmatched()),
            "\n".join(f"- {_cell(line)}" for line in self._worst()),
            "\n".join(f"- {_cell(line)}" for line in self.notes),
            f"**{_cell(self._verdict())}**",
        ]
        return printable("\n\n".join(part for part in parts if part))

    def as_json(self) -> str:
        """Return one JSON object; docs/parity.md describes it."""
        tally = self.tally
        measures = {
            name: {
                "worst": it.worst,
                "mean": it.mean,
                "pairs": it.count,
                "limit": tally.limits.measures[name].limit,
                "within": tally.limits.measures[name].is_within(it.worst),
                "image": it.image,
            }
            for name, it in tally.sums.items()
        }
        counts = {
            name: {"count": number, "limit": most, "within": number <= most}
            for (name, most), number in zip(
                tally.limits.counts.items(), tally.counts.values(), strict=True
            )
        }
        found: dict[str, Any] = {
            "function": self.subject,
            "sides": list(self.sides),
            "within": self.is_good,
            "images": tally.images,
            "failures": tally.failures,
            "items": tally.items,
            "pairs": tally.pairs,
            "measures": measures,
            "counts": counts,
            "at_threshold": tally.at_threshold,
            "threshold": tally.threshold,
            "unmatched": [asdict(it) for it in tally.unmatched],
            "worst_images": tally.worst_images(),
            "notes": list(self.notes),
        }
        return printable(json.dumps(found, ensure_ascii=False))

    def _head(self) -> str:
        """Return the first line."""
        one, other = self.sides
        return f"{self.subject}: {one} and {other}, {_count(self.tally.images, 'image')}"

    def _verdict(self) -> str:
        """Return the last line."""
        tally = self.tally
        if tally.failures:
            failed = f"{_count(tally.failures, 'image')} not answered by both sides"
            return f"failed: {failed}; the first one: {tally.first_failure}"
        if not self.is_good and not any(tally.items):
            return "nothing was compared: neither side found an item in any image"
        beyond = [
            *(
                tally.limits.measures[name].title
                for name, it in tally.sums.items()
                if not tally.limits.measures[name].is_within(it.worst)
            ),
            *(
                COUNTS[name]
                for name, most in tally.limits.counts.items()
                if tally.counts[name] > most
            ),
        ]
        return f"beyond the limits: {', '.join(beyond)}" if beyond else WITHIN

    def _sides(self) -> Iterator[Row]:
        """Yield the table of what each side has."""
        tally = self.tally
        yield ("", *self.sides)
        yield ("items", *map(str, tally.items))
        yield ("matched", *(2 * [str(tally.pairs)]))
        yield ("only on this side", *(str(number - tally.pairs) for number in tally.items))

    def _differences(self) -> Iterator[Row]:
        """Yield the table of differences."""
        tally = self.tally
        yield ("difference", "worst", "mean", "limit", "worst image")
        for name, measure in tally.limits.measures.items():
            if name in tally.sums:
                it = tally.sums[name]
                limit = f"{'>=' if measure.is_iou else '<='} {measure.limit:g}"
                yield (measure.title, _figure(it.worst), _figure(it.mean), limit, it.image)
        for name, most in tally.limits.counts.items():
            if name == "unmatched" or tally.counts[name]:
                yield (COUNTS[name], str(tally.counts[name]), "", f"<= {most}", "")
        if tally.at_threshold:
            yield ("unmatched items at the threshold", str(tally.at_threshold), "", "", "")

    def _unmatched(self) -> Iterator[str]:
        """Yield a line for each listed item that only one side has."""
        for it in self.tally.unmatched:
            yield f"only in {self.sides[it.side]}: {_described(it)}"
        more = self.tally.counts["unmatched"] + self.tally.at_threshold - len(self.tally.unmatched)
        if more > 0:
            yield f"and {more} more"

    def _worst(self) -> Iterator[str]:
        """Yield a line that names the images with the largest differences."""
        if images := self.tally.worst_images():
            within = "" if self._verdict() != WITHIN else ", all within the limits"
            yield f"largest differences{within}: {', '.join(images)}"


def _described(found: Unmatched) -> str:
    """Return an unmatched item as text."""
    confidence = "" if found.confidence is None else f" {found.confidence:.5f}"
    text = f"{found.label}{confidence} in {found.image}"
    if found.margin is not None:
        side = "above" if found.margin >= 0 else "below"
        text += f", {abs(found.margin):.5f} {side} the threshold"
    return f"{text}; the other side has {found.other_label} there" if found.other_label else text


def _figure(value: float) -> str:
    """Return a number with as many digits as are of interest."""
    return f"{value:.5f}" if value < 10 else f"{value:.1f}"


def _count(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _aligned(rows: Iterator[Row]) -> Iterator[str]:
    """Yield the lines of a table; the first column and the last of five are aligned left."""
    listed = list(rows)
    widths = [max(map(len, column)) for column in zip(*listed, strict=True)]
    for row in listed:
        cells = [
            cell.ljust(width) if place in (0, 4) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def _markdown(rows: Iterator[Row]) -> Iterator[str]:
    """Yield the lines of a table in Markdown."""
    for number, row in enumerate(rows):
        yield f"| {' | '.join(map(_cell, row))} |"
        if number == 0:
            yield f"|---{'|---:' * (len(row) - 1)}|"


def _cell(text: str) -> str:
    """Return a text in Markdown, in which names of files and labels are not markup."""
    return "".join(f"\\{it}" if it in "\\`*_[]<>|#" else it for it in text.replace("\n", " "))


def joined(names: Sequence[str], most: int = 5) -> str:
    """Return the first names and the number of the others."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
