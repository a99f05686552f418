"""Raw output of NanoDet, NanoDet-Plus and PicoDet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from runtimes.arrays import Array, Size
from runtimes.classes import Classes
from runtimes.decoders.grids import cells, check_count, check_strides
from runtimes.decoders.outputs import scored, softmax, take
from runtimes.errors import BadModel, Fault
from runtimes.instances import Instances
from runtimes.signature import Signature, Tensor
from runtimes.step import Count, Decoder
from runtimes.view import View


@dataclass(frozen=True, slots=True)
class Nanodet(Decoder):
    """Raw output of NanoDet, NanoDet-Plus and PicoDet. Follow it with `nms`.

    Either one output [1, candidates, classes + 4 * (reg_max + 1)], or for each stride one output
    with class scores [1, n, classes] and one with bins [1, n, 4 * (reg_max + 1)], in any order. The
    sigmoid of the class scores is in the graph. The distance from a cell's center point to each
    side of the box (left, top, right, bottom) is the expectation over the softmax of its bins, in
    cells. Sources: Li et al., "Generalized Focal Loss", 2020; PaddleDetection's PicoHead, exported
    without post-processing.

    Example:
        - nanodet: {center: middle}   # PicoDet
    """

    output: str | None = None
    """Name of the output, for models with a single output. Default: the only output with three
    axes."""
    scores: tuple[str, ...] = ()
    """Names of the outputs with class scores. Default: recognized by their shapes or names."""
    bins: tuple[str, ...] = ()
    """Names of the outputs with bins. Default: recognized by their shapes or names."""
    strides: tuple[Count, ...] = (8, 16, 32, 64)
    """Size of a cell of each grid in pixels of the input, in the order of the candidates. The first
    NanoDet has only [8, 16, 32]."""
    reg_max: Count = 7
    """Index of the last bin: `reg_max` in the model's configuration."""
    center: Literal["corner", "middle", "pixel"] = "corner"
    """Center point of a cell: `corner`, x * stride (NanoDet-Plus); `middle`, (x + 0.5) * stride
    (PicoDet, the first NanoDet); `pixel`, (x + 0.5) * stride - 0.5 (NanoDet's first release, the
    one in OpenCV's model zoo)."""
    multi_label: bool = False
    """Whether a candidate is found once for each class with a score above the threshold, as in
    PaddleDetection. Default: once, as the class with its highest score."""

    def bind(self, signature: Signature, classes: Classes) -> "Nanodet":
        """See Decoder.bind."""
        check_strides(self.strides)
        heads = [tensor for tensor in signature.outputs if len(tensor.shape) == 3]
        if self.output is not None or not (len(heads) > 1 or self.scores or self.bins):
            return self._bind_one(signature, classes)
        scores, bins = self._scores_and_bins(signature, heads)
        for tensor in scores:
            if tensor.shape[2] is not None:
                classes.check(tensor.shape[2], str(tensor))
        return replace(
            self,
            scores=tuple(tensor.name for tensor in scores),
            bins=tuple(tensor.name for tensor in bins),
        )

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder."""
        height, width = view.input
        grids = [(-(-height // stride), -(-width // stride)) for stride in self.strides]
        shift = {"corner": (0.0, 0.0), "middle": (0.5, 0.0), "pixel": (0.5, 0.5)}[self.center]
        steps = np.arange(self.reg_max + 1)
        found: list[tuple[Array, Array, Array]] = []
        for scores, bins, levels in self._levels(outputs, grids, view):
            kept, numbers = scored(scores, threshold, multi_label=self.multi_label)
            places, level = cells(kept, [grids[number] for number in levels])
            stride = np.array(self.strides)[levels][level, None]
            with np.errstate(invalid="ignore"):  # Instances.of drops what is not finite
                shares = softmax(bins[kept].reshape(-1, 4, len(steps)).astype(np.float32), axis=2)
            sides = shares.astype(np.float64) @ steps * stride
            points = (places + shift[0]) * stride - shift[1]
            boxes = np.concatenate([points - sides[:, :2], points + sides[:, 2:]], axis=1)
            found.append((boxes, scores[kept, numbers], numbers))
        boxes, best, numbers = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return Instances.of(boxes, best, numbers)

    @property
    def _columns(self) -> int:
        """The number of bins of a candidate, for all four sides."""
        return 4 * (self.reg_max + 1)

    def _bind_one(self, signature: Signature, classes: Classes) -> "Nanodet":
        """Return the step bound to a single output with scores and bins.

        Raises:
            BadModel: the output does not have these columns.
        """
        tensor = signature.output(
            self.output, rank=(3,), role=f"[1, candidates, {self._columns_text()}]"
        )
        columns = tensor.shape[-1]
        if len(tensor.shape) != 3 or (columns is not None and columns <= self._columns):
            raise BadModel(
                f"the output {tensor} does not hold candidates of `nanodet`",
                where="output",
                allowed=f"[1, candidates, {self._columns_text()}]",
                hint="set `reg_max` to the model's",
                fault=Fault.OUTPUT_LAYOUT,
            )
        if columns is not None:
            left = columns - self._columns
            classes.check(left, f"{tensor}: {columns} columns = {self._columns} bins + {left}")
        return replace(self, output=tensor.name)

    def _columns_text(self) -> str:
        """Return the size of the last axis of a single output, for messages."""
        return f"classes + {self._columns}"

    def _scores_and_bins(
        self, signature: Signature, heads: list[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Return the outputs with class scores and those with bins, one of each per stride.

        Raises:
            BadModel: the number of outputs differs, or a shape does not fit.
        """
        listing = ", ".join(str(tensor) for tensor in signature.outputs)
        if self.scores or self.bins:
            scores, bins = (
                [signature.output(name, rank=(3,), role="") for name in given]
                for given in (self.scores, self.bins)
            )
        else:
            bins = [tensor for tensor in heads if tensor.shape[2] == self._columns]
            scores = [tensor for tensor in heads if tensor not in bins]
            if len(bins) != len(scores):  # as many classes as bins, or unknown shapes
                bins = [
                    tensor
                    for tensor in heads
                    if any(word in tensor.name.lower() for word in ("dis", "reg", "box", "bin"))
                ]
                scores = [tensor for tensor in heads if tensor not in bins]
        wrong = any(tensor.shape[-1] not in (self._columns, None) for tensor in bins)
        wrong |= any(len(tensor.shape) != 3 for tensor in (*scores, *bins))
        numbers = (len(scores), len(bins))
        if wrong or numbers not in ((1, 1), (len(self.strides), len(self.strides))):
            raise BadModel(
                f"{numbers[0]} outputs could hold class scores and {numbers[1]} bins; one of each "
                f"for the {len(self.strides)} strides is needed",
                where="scores",
                found=listing,
                allowed=f"[1, n, classes] and [1, n, {self._columns}] for each stride, or one "
                f"[1, candidates, {self._columns_text()}]",
                hint="give the model's `strides` and `reg_max`, or name the outputs: `scores: "
                "[NAME, ...]`, `bins: [NAME, ...]`",
                fault=Fault.OUTPUT_MISSING,
            )
        return scores, bins

    def _levels(
        self, outputs: Mapping[str, Array], grids: Sequence[Size], view: View
    ) -> list[tuple[Array, Array, list[int]]]:
        """Return scores (n, classes), bins (n, 4 * (reg_max + 1)) and the indexes of their grids.

        Raises:
            BadModel: the outputs have other shapes.
        """
        everything = list(range(len(grids)))
        if self.output is not None or not self.scores:
            rows = take(outputs, self.output)
            if rows.ndim != 3 or rows.shape[0] != 1 or rows.shape[2] <= self._columns:
                raise BadModel(
                    f"`nanodet` decodes [1, candidates, {self._columns_text()}], got "
                    f"{list(rows.shape)}",
                    where="output",
                )
            check_count(rows.shape[1], grids, self.strides, view)
            split = rows.shape[2] - self._columns
            return [(rows[0, :, :split], rows[0, :, split:], everything)]
        scores = [self._rows(outputs, name, "scores", None) for name in self.scores]
        bins = [self._rows(outputs, name, "bins", self._columns) for name in self.bins]
        for parts in (scores, bins):
            check_count(sum(len(part) for part in parts), grids, self.strides, view)
        if len(scores) == 1:
            return [(scores[0], bins[0], everything)]
        levels = []
        for number, (height, width) in enumerate(grids):
            pair = []
            for parts in (scores, bins):
                # Outputs of equally large grids are in the order of the strides.
                fitting = [place for place, it in enumerate(parts) if len(it) == height * width]
                if not fitting:
                    raise BadModel(
                        f"no output holds the {height}x{width} = {height * width} candidates of "
                        f"stride {self.strides[number]}",
                        where="strides",
                        found=", ".join(str(list(it.shape)) for it in parts),
                    )
                pair.append(parts.pop(fitting[0]))
            levels.append((pair[0], pair[1], [number]))
        return levels

    def _rows(
        self, outputs: Mapping[str, Array], name: str, key: str, columns: int | None
    ) -> Array:
        """Return one of several outputs, (n, columns).

        Raises:
            BadModel: it has another shape.
        """
        found = take(outputs, name)
        if found.ndim != 3 or found.shape[0] != 1 or found.shape[2] != (columns or found.shape[2]):
            raise BadModel(
                f"`nanodet` decodes {key} [1, n, {columns or 'classes'}], got {list(found.shape)}",
                where=key,
            )
        return np.asarray(found[0])
