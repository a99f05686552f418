"""Raw heads with an output of scores, one of boxes and one of landmarks for each stride."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from runtimes.arrays import Array
from runtimes.decoders.grids import cells
from runtimes.decoders.outputs import take
from runtimes.errors import BadModel, Fault
from runtimes.signature import Signature, Tensor, absent, listed
from runtimes.view import View


@dataclass(frozen=True, slots=True)
class Level:
    """The candidates of one stride with a score above the threshold.

    Attributes:
        stride: in pixels of the model's input.
        places: (M, 2) column and row of the candidates' cells.
        scores: (M,).
        boxes: (M, 4) as in the output.
        points: (M, K, 2) as in the output; K is 0 without landmarks.
    """

    stride: int
    places: Array
    scores: Array
    boxes: Array
    points: Array


@dataclass(frozen=True, slots=True)
class Heads:
    """Names of the outputs, in any order: their numbers of rows tell the strides.

    Attributes:
        scores, boxes, points: outputs of one column, four columns, and two for each landmark.
    """

    scores: tuple[str, ...]
    boxes: tuple[str, ...]
    points: tuple[str, ...]

    @classmethod
    def bind(
        cls, signature: Signature, given: "Heads", strides: Sequence[int], each: int
    ) -> "Heads":
        """Return the names of all outputs: the given ones, or those with fitting columns.

        Args:
            signature: the model's.
            given: the names from the manifest; an empty list for the default.
            strides: of the grids.
            each: the number of outputs with scores per stride.

        Raises:
            BadModel: a name is wrong, or the number of fitting outputs differs from the strides'.
        """
        tables = [it for it in signature.outputs if len(it.shape) in (2, 3)]
        named = {*given.scores, *given.boxes, *given.points}
        for key, names in (("scores", given.scores), ("boxes", given.boxes)):
            for name in names:
                _known(signature, name, key)
        for name in given.points:
            _known(signature, name, "landmarks")
        free = [it for it in tables if it.name not in named]
        scores = given.scores or tuple(it.name for it in free if it.shape[-1] == 1)
        boxes = given.boxes or tuple(it.name for it in free if it.shape[-1] == 4)
        points = given.points or tuple(it.name for it in free if _is_landmarks(it))
        count = len(strides)
        for key, names, what, wanted in (
            ("scores", scores, "one column", (count * each,)),
            ("boxes", boxes, "four columns", (count,)),
            ("landmarks", points, "two columns for each landmark", (0, count)),
        ):
            if len(names) not in wanted or len(set(names)) < len(names):
                raise BadModel(
                    f"{len(names)} outputs have {what}; strides {', '.join(map(str, strides))} "
                    f"need {wanted[-1]}",
                    where=key,
                    found=listed(signature.outputs),
                    allowed=f"{wanted[-1]} outputs [1, candidates, columns] with {what}",
                    hint=f"name them: `{key}: [NAME, ...]`, or set `strides` to the model's",
                    fault=Fault.OUTPUT_MISSING,
                )
        return cls(scores, boxes, points)

    def levels(
        self,
        outputs: Mapping[str, Array],
        strides: Sequence[int],
        anchors: int,
        view: View,
        threshold: float,
    ) -> Iterator[Level]:
        """Yield the candidates of each stride. Several scores of a candidate are averaged.

        The average is the geometric mean, as in YuNet's sqrt(class * objectness).

        Args:
            outputs: the model's outputs by name.
            strides: of the grids, in pixels of the input.
            anchors: the number of candidates per cell.
            view: the size of the input.
            threshold: 0..1.

        Raises:
            BadModel: an output has another number of rows than any stride's grid.
        """
        height, width = view.input
        grids = {it: (-(-height // it), -(-width // it)) for it in strides}
        counts = {rows * columns * anchors: it for it, (rows, columns) in grids.items()}
        found: dict[int, dict[str, list[Array]]] = {
            stride: {"scores": [], "boxes": [], "landmarks": []} for stride in strides
        }
        for key, names in (
            ("scores", self.scores),
            ("boxes", self.boxes),
            ("landmarks", self.points),
        ):
            for name in names:
                table = _table(take(outputs, name), key)
                stride = counts.get(len(table))
                if stride is None:
                    listing = ", ".join(map(str, counts))
                    raise BadModel(
                        f"the output {name} has {len(table)} candidates; an input of "
                        f"{height}x{width} and strides {', '.join(map(str, strides))} with "
                        f"{anchors} per cell give {listing}",
                        where="strides",
                        found=str(list(strides)),
                        hint="set `strides` to the model's",
                    )
                found[stride][key].append(table)
        for stride, parts in found.items():
            if not parts["scores"] or len(parts["boxes"]) != 1 or len(parts["landmarks"]) > 1:
                raise BadModel(
                    f"stride {stride} needs one output of boxes and at least one of scores, got "
                    f"{len(parts['boxes'])} and {len(parts['scores'])}",
                    where="boxes",
                )
            scores = parts["scores"][0][:, 0].astype(np.float32)
            for more in parts["scores"][1:]:
                scores = np.sqrt((scores * more[:, 0]).clip(0))
            kept = np.flatnonzero(scores > threshold)
            places, _ = cells(kept // anchors, [grids[stride]])
            points = parts["landmarks"][0][kept] if parts["landmarks"] else np.zeros((len(kept), 0))
            yield Level(
                stride,
                places,
                scores[kept],
                parts["boxes"][0][kept].astype(np.float64),
                points.reshape(len(kept), points.shape[1] // 2, 2).astype(np.float64),
            )


def _known(signature: Signature, name: str, key: str) -> None:
    """Check that an output exists.

    Raises:
        BadModel: it does not.
    """
    if all(tensor.name != name for tensor in signature.outputs):
        raise absent(name, signature.outputs, "output", key)


def _is_landmarks(tensor: Tensor) -> bool:
    """Whether an output has two columns for each of several landmarks."""
    columns = tensor.shape[-1]
    return columns is not None and columns > 4 and columns % 2 == 0


def _table(values: Array, key: str) -> Array:
    """Return the rows of an output, [1, candidates, columns] or [candidates, columns].

    Raises:
        BadModel: it has another shape.
    """
    if values.ndim == 3 and values.shape[0] == 1:
        values = values[0]
    columns = {"scores": (1,), "boxes": (4,)}.get(key)
    fits = values.ndim == 2 and (
        values.shape[1] in columns if columns else values.shape[1] % 2 == 0 and values.shape[1] > 0
    )
    if not fits:
        raise BadModel(
            f"an output of {key} has the shape {list(values.shape)}",
            where=key,
            allowed=f"[1, candidates, {columns[0] if columns else 'two for each landmark'}]",
        )
    return values
