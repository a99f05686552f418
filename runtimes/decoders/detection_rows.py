"""Final detections in the rows of a table, with columns in any order."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, TypeAlias

import numpy as np

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.box_formats import BoxUnit
from runtimes.decoders.outputs import take
from runtimes.decoders.roles import Role, above, resolve, to_pixels, used_rows
from runtimes.errors import BadModel
from runtimes.instances import Instances
from runtimes.rotated import bounds, from_corners
from runtimes.signature import Signature
from runtimes.step import Capability, Decoder
from runtimes.view import View

Column: TypeAlias = Literal[
    "x1", "y1", "x2", "y2", "x3", "y3", "x4", "y4", "cx", "cy", "w", "h", "angle",
    "score", "class", "image", "unused",
]  # fmt: skip
"""What a column of the table holds."""

_BOXES: tuple[tuple[Column, ...], ...] = (
    ("x1", "y1", "x2", "y2"),
    ("x1", "y1", "w", "h"),
    ("cx", "cy", "w", "h"),
    ("cx", "cy", "w", "h", "angle"),
    ("x1", "y1", "x2", "y2", "x3", "y3", "x4", "y4"),
)
"""The columns of a box, in each format."""
_OTHERS = ("score", "class", "image", "unused")
_LABELS = Role("labels", "labels [N] or [1, N]", ("label", "class"), ((None,), (1, None)), "int")
_COUNT = Role(
    "count", "the number of rows [1]", ("count", "num"), ((1,), (1, 1)), "int", optional=True
)


@dataclass(frozen=True, slots=True)
class DetectionRows(Decoder):
    """Final detections in the rows of a table, with columns in any order. Needs no `nms`.

    The table is [rows, columns] or [1, rows, columns]. PaddleDetection's rows are class, score, x1,
    y1, x2, y2, or class, score and four corners for oriented boxes; SuperGradients' flat rows are
    image, x1, y1, x2, y2, score, class; those of MMRotate and MMDeploy are cx, cy, w, h, angle,
    score, with the classes in an output of their own.

    Example:
        - detection_rows: [class, score, x1, y1, x2, y2]   # PaddleDetection
    """

    columns: tuple[Column, ...]
    """What each column holds: `score`; `class`; a box as `x1`, `y1`, `x2`, `y2`, as `x1`, `y1`,
    `w`, `h`, as `cx`, `cy`, `w`, `h` (the center), the same with `angle` in radians (clockwise), or
    as corners `x1`, `y1` to `x4`, `y4`; `image`, the number of the image (rows below 0 are
    padding); `unused`."""
    output: str | None = None
    """Name of the output with the table. Default: the only output with as many columns."""
    labels: str | None = None
    """Name of the output with the classes, [rows] or [1, rows], if no column has them. Default:
    recognized by its name or type."""
    count: str | None = None
    """Name of the output with the number of rows that hold detections, if the model has one.
    Default: recognized by its shape."""
    unit: BoxUnit = "pixels"
    """Unit of the coordinates: `pixels` of the model's input, or `fraction`, 0..1 of its width and
    height. Oriented boxes are in pixels."""
    background: bool = False
    """Whether the model's class 0 is the background. If so, class 1 is the label with class ID
    0."""

    provides: ClassVar[frozenset[Capability]] = frozenset({"oriented"})

    def bind(self, signature: Signature, classes: Classes) -> "DetectionRows":
        """See Decoder.bind."""
        self._check_columns()
        parts = [(self._table(), self.output), (_COUNT, self.count)]
        if "class" not in self.columns:
            parts.insert(1, (_LABELS, self.labels))
        elif self.labels is not None:
            raise BadModel(
                "the classes are a column of the table and an output",
                where="labels",
                found=self.labels,
                hint="remove `labels`, or `class` from `columns`",
            )
        found = resolve(signature, parts)
        named = {role.key: it.name for (role, _), it in zip(parts, found, strict=True) if it}
        return replace(
            self, output=named["output"], labels=named.get("labels"), count=named.get("count")
        )

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder."""
        table = self._rows(outputs)
        column: dict[str, Array] = dict(zip(self.columns, table.T, strict=True))
        scores, first = column["score"], int(self.background)
        classes = column["class"] if "class" in column else self._labels(outputs, len(table))
        used = np.ones(len(table), bool)
        if "image" in column:
            used &= column["image"] >= 0
        used[used_rows(outputs, self.count, len(table), _COUNT.key) :] = False
        places = np.flatnonzero(used)
        kept = places[above(scores[places], classes[places], threshold, first)]
        numbers = classes[kept].astype(np.int64) - first
        values = {name: column[name][kept].astype(np.float64) for name in self._box}
        if self._box in _BOXES[3:]:
            rotated = _rotated(values, self._box)
            return Instances.of(bounds(rotated), scores[kept], numbers, rotated=rotated, rows=kept)
        boxes = _upright(values, self._box)
        if self.unit == "fraction":
            boxes = to_pixels(boxes, view.input)
        return Instances.of(boxes, scores[kept], numbers, rows=kept)

    @property
    def _box(self) -> tuple[Column, ...]:
        """The columns of the box, sorted as in _BOXES; empty if they are no format of a box."""
        given = {it for it in self.columns if it not in _OTHERS}
        return next((box for box in _BOXES if set(box) == given), ())

    def _check_columns(self) -> None:
        """Check the columns.

        Raises:
            BadModel: they do not describe one box with one score.
        """
        twice = [it for it, times in Counter(self.columns).items() if times > 1 and it != "unused"]
        if self._box and "score" in self.columns and not twice:
            rotated = self._box in _BOXES[3:]
            if not rotated or self.unit == "pixels":
                return
            raise BadModel(
                "oriented boxes are in pixels", where="unit", found=self.unit, allowed="pixels"
            )
        boxes = "; or ".join(", ".join(box) for box in _BOXES)
        raise BadModel(
            f"the column {twice[0]} is given twice" if twice else "the columns are no detection",
            where="columns",
            found=", ".join(self.columns) or "none",
            allowed=f"score, and {boxes}; class, image, unused",
        )

    def _table(self) -> Role:
        """Return the role of the table."""
        number = len(self.columns)
        return Role(
            "output",
            f"[rows, {number}] or [1, rows, {number}]",
            ("dets", "box", "predictions"),
            ((None, number), (1, None, number)),
        )

    def _rows(self, outputs: Mapping[str, Array]) -> Array:
        """Return the table, (N, columns).

        Raises:
            BadModel: it has another shape.
        """
        table, role = take(outputs, self.output), self._table()
        if role.pattern(table.shape) is None:
            raise BadModel(
                f"`{self.name()}` decodes {role.holds}, got {list(table.shape)}", where="columns"
            )
        return table.reshape(-1, len(self.columns))

    def _labels(self, outputs: Mapping[str, Array], count: int) -> Array:
        """Return the classes, (N,), of the output that holds them.

        Raises:
            BadModel: there are not as many as rows.
        """
        labels = take(outputs, self.labels)
        if labels.size != count or labels.shape[-1:] != (count,):
            raise BadModel(
                f"`{self.name()}` needs a class for each of {count} rows",
                where="labels",
                found=str(list(labels.shape)),
                allowed=f"[{count}] or [1, {count}]",
            )
        return labels.reshape(-1)


def _upright(column: Mapping[Column, Array], box: tuple[Column, ...]) -> Array:
    """Return boxes, (N, 4) x1 y1 x2 y2, of columns in one of the first three formats."""
    a, b, c, d = (column[name] for name in box)
    if "x2" in box:
        sides = [a, b, c, d]
    elif "x1" in box:
        sides = [a, b, a + c, b + d]
    else:
        sides = [a - c / 2, b - d / 2, a + c / 2, b + d / 2]
    return np.stack(sides, axis=1)


def _rotated(column: Mapping[Column, Array], box: tuple[Column, ...]) -> Array:
    """Return oriented boxes, (N, 5), of columns with an angle or with four corners."""
    values = np.stack([column[name] for name in box], axis=1)
    return values if "angle" in box else from_corners(values.reshape(-1, 4, 2))
