"""ReID: rank-1, rank-5 and mAP as for Market-1501.

Source: Zheng et al., Scalable Person Re-identification: A Benchmark (2015). Entries of the gallery
with the identity and the camera of the query do not count, and neither do those of the identity -1.
The average precision is the mean of the precision at each right entry.
"""

import weakref
from array import array
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from tempfile import TemporaryFile
from typing import Any

import cv2
import numpy as np

from builder.datasets.annotation import Annotation, LabeledImage, Tag
from builder.evaluation.evaluation import Result
from builder.evaluation.examples import Examples
from builder.evaluation.measure import Measure, Sample, Task, Unanswered
from builder.evaluation.shapes import bounds_of
from builder.run.function import Function
from builder.run.predict.files import pixels_of
from runtimes.arrays import Array, size_of
from runtimes.errors import BadRequest
from runtimes.reid import window_of

NAME = "reid"
"""See Kind."""

TYPE = "reid"
"""See Kind."""

JUNK = "-1"
"""Identity of boxes that are neither right nor wrong; Market-1501's name for bad detections."""

_QUERIES = 64
"""Queries that are compared with the gallery together."""

_NEVER = 2**31
"""Rank where no right entry is found."""

_BLOCK = 4096
"""Vectors that are read from the file together."""

LABELS: frozenset[str] = frozenset()
"""See Kind."""

NEEDS = "annotations with an identity"
"""See Kind."""


def compares(annotation: Annotation) -> bool:
    """See Kind."""
    return _identity(annotation) is not None


def fits(task: Task, first: Sequence[LabeledImage]) -> bool:
    """See Kind: annotations with an identity."""
    return any(compares(it) for image in first for it in image.annotations)


def start(task: Task) -> Measure:
    """See Kind."""
    return ReidMeasure(task)


class ReidMeasure:
    """See Measure. A sample is an image with boxes of known identities.

    The identity is the attribute `identity`, or the track. The attribute `camera` names the camera,
    and `query` is `true` for queries and `false` for the gallery; without it, every box is a query,
    and all others are the gallery. A tag stands for the whole image. Vectors are compared by the
    cosine of their angle.
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self._numbers: dict[str, int] = {}
        self._cameras: dict[str, int] = {}
        # Per box: number of its identity, of its camera, of its image; query or gallery; row of its
        # vector, -1 without one; number of the box in its image.
        self._boxes = [array("q") for _ in range(6)]
        # The vectors are in a file, since there may be many.
        self._vectors = TemporaryFile()  # noqa: SIM115
        weakref.finalize(self, self._vectors.close)
        self._length = self._rows = 0
        self._index = 0

    def __len__(self) -> int:
        """See Measure."""
        return sum(bool(self._compared(image)) for image in self._task.dataset)

    def samples(self) -> Iterator[Sample]:
        """See Measure."""
        for image in self._task.dataset:
            own = self._compared(image)
            if own:
                boxes = [None if isinstance(it.shape, Tag) else bounds_of(it.shape) for it in own]
                only = LabeledImage(image.name, image.file, own)
                yield Sample(image.name, (only,), {"boxes": boxes})

    def ask(self, function: Function, sample: Sample) -> object:
        """See Measure. The answer is one vector per box, base64 of float32; null outside the image.

        The function embeds the quarters of an image (see runtimes.reid.OpenReid.examine), so that
        it gets an image of four times the box.
        """
        image = sample.images[0]
        try:
            pixels = pixels_of(image.file.read_bytes())
        except OSError as error:
            raise Unanswered(f"cannot be read: {error.strerror or error}", skipped=True) from error
        except BadRequest as error:
            raise Unanswered(f"cannot be decoded: {error}", skipped=True) from error
        height, width = size_of(pixels)
        vectors: list[str | None] = []
        for it in image.annotations:
            box = bounds_of(it.shape) or (0.0, 0.0, float(width), float(height))
            window = window_of(box, (height, width))
            if window is None:
                vectors.append(None)
                continue
            left, top, right, bottom = window
            _, png = cv2.imencode(".png", np.tile(pixels[top:bottom, left:right], (2, 2, 1)))
            vector = function.examine(png.tobytes())["vectors"][0]
            vectors.append(b64encode(vector.astype(np.float32).tobytes()).decode())
        return vectors

    def add(self, sample: Sample, answer: Any) -> None:
        """See Measure. A box without a vector is never found, and finds nothing."""
        annotations = sample.images[0].annotations
        texts = answer or [None] * len(annotations)
        for place, (it, text) in enumerate(zip(annotations, texts, strict=True)):
            row = -1
            if text is not None:
                vector = np.frombuffer(b64decode(text), np.float32)
                length = float(np.linalg.norm(vector))
                row, self._rows, self._length = self._rows, self._rows + 1, len(vector)
                self._vectors.write((vector / max(length, 1e-12)).astype(np.float32).tobytes())
            identity, camera = _identity(it), it.attributes.get("camera")
            assert identity is not None
            query = {"true": 1, "false": 0}.get(it.attributes.get("query", ""), 2)
            self._boxes[0].append(self._numbers.setdefault(identity, len(self._numbers)))
            self._boxes[1].append(
                -1 if camera is None else self._cameras.setdefault(camera, len(self._cameras))
            )
            values = (self._index, query, row, place)
            for column, value in zip(self._boxes[2:], values, strict=True):
                column.append(value)
        self._index += 1

    def result(self) -> Result:
        """See Measure."""
        identities, cameras, images, roles, rows, places = (
            np.frombuffer(it, np.int64) if it else np.zeros(0, np.int64) for it in self._boxes
        )
        junk = identities == self._numbers.get(JUNK, -1)
        gallery = np.flatnonzero((roles != 1) & ~junk)
        queries = np.flatnonzero((roles != 0) & ~junk)
        vectors = self._all_vectors()
        examples = Examples()
        ranks: list[int] = []
        precisions: list[float] = []
        for start in range(0, len(queries), _QUERIES):
            chunk = queries[start : start + _QUERIES]
            near = _similar(vectors, rows[chunk], rows[gallery])
            for number, query in enumerate(chunk.tolist()):
                same = identities[gallery] == identities[query]
                # Without cameras, only the box itself is left out.
                own = (cameras[gallery] == cameras[query]) & (cameras[query] >= 0)
                counted = ~((same & own) | (gallery == query))
                found = _ranked(near[number], same, counted)
                if found is None:
                    continue
                rank, precision = found
                ranks.append(rank)
                precisions.append(precision)
                note = f"first right match at rank {rank + 1}" if rank < _NEVER else "not found"
                nearest = gallery[np.where(counted, near[number], -np.inf).argmax()]
                match = int(places[query]), int(images[nearest]), int(places[nearest])
                examples.add(int(images[query]), precision, note, rank > 0, rank, match)
        count = len(ranks)
        metrics: dict[str, float | None] = {
            "rank1": sum(it < 1 for it in ranks) / count if count else None,
            "rank5": sum(it < 5 for it in ranks) / count if count else None,
            "map": sum(precisions) / count if count else None,
        }
        note = (
            f"{count} queries, {len(gallery)} entries in the gallery; as for Market-1501, entries "
            "of the query's identity and camera do not count"
        )
        return Result(metrics, worst=examples.worst, best=examples.best, notes=(note,))

    def _compared(self, image: LabeledImage) -> tuple[Annotation, ...]:
        """Return the annotations of an image that have an identity and a place."""
        return tuple(
            it
            for it in image.annotations
            if it.label in self._task.label_map.of_dataset
            and _identity(it) is not None
            and (isinstance(it.shape, Tag) or bounds_of(it.shape) is not None)
        )

    def _all_vectors(self) -> Array:
        """Return all vectors, (rows, D) float32 of length 1, from the file."""
        self._vectors.flush()
        if not self._rows:
            return np.zeros((0, 1), np.float32)
        return np.memmap(self._vectors, np.float32, "r", shape=(self._rows, self._length))


def _identity(annotation: Annotation) -> str | None:
    """Return the identity of an annotation; None if it has none."""
    identity = annotation.attributes.get("identity")
    if identity is None and annotation.track is not None:
        return f"{annotation.label} {annotation.track}"
    return identity


def _similar(vectors: Array, rows: Array, columns: Array) -> Array:
    """Return the cosines of vectors with others, (N, M); -inf where one is missing."""
    if not len(vectors):
        return np.full((len(rows), len(columns)), -np.inf)
    wanted = np.asarray(vectors[rows]).T
    # In blocks, so that only a part of the file is in memory.
    blocks = [vectors[at : at + _BLOCK] @ wanted for at in range(0, len(vectors), _BLOCK)]
    cosines = np.concatenate(blocks)[columns].T
    missing = (rows < 0)[:, None] | (columns < 0)
    return np.where(missing, -np.inf, cosines)


def _ranked(near: Array, same: Array, counted: Array) -> tuple[int, float] | None:
    """Return the rank of the first right entry, from 0, and the average precision of a query.

    Args:
        near: (M,) similarities; -inf for entries without a vector.
        same: (M,) whether the entry is right.
        counted: (M,) whether it counts.

    Returns:
        None if no right entry counts. Rank _NEVER if none can be found.
    """
    if not (same & counted).any():
        return None
    order = np.argsort(-near[counted], kind="stable")
    order = order[np.isfinite(near[counted][order])]
    places = np.flatnonzero(same[counted][order])
    if not len(places):
        return _NEVER, 0.0
    precision = np.arange(1, len(places) + 1) / (places + 1)
    return int(places[0]), float(precision.sum() / (same & counted).sum())
