"""Made datasets and functions for tests of evaluations."""

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np

from builder.datasets.annotation import Annotation, LabeledImage, Shape
from builder.run.function import Function, Reply


@dataclass(frozen=True)
class MadeDataset:
    """A dataset in memory."""

    images: Sequence[LabeledImage]
    labels: tuple[str, ...] = ("cat", "dog")
    format: str = "made"
    path: Path = Path("made")

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> LabeledImage:
        return self.images[index]

    def __iter__(self) -> Iterator[LabeledImage]:
        return iter(self.images)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class MadeFunction(Function):
    """A function that answers with what `answer` returns for an image's number.

    The image's number is the gray value of its pixels; see `picture`.
    """

    def __init__(
        self, answer: Callable[[int], Any], spec: Sequence[Mapping[str, Any]], status: int = 200
    ) -> None:
        self._answer, self._spec, self._status = answer, spec, status
        self.asked: list[int] = []
        self.thresholds: list[object] = []

    @property
    def type(self) -> str:
        return "detector"

    @property
    def labels(self) -> list[dict[str, Any]]:
        return [dict(it) for it in self._spec]

    @property
    def annotations(self) -> Mapping[str, str]:
        return {}

    def send(self, body: object, content_type: str) -> Reply:
        assert isinstance(body, dict)
        data = np.frombuffer(base64.b64decode(body["image"]), np.uint8)
        pixels = cv2.imdecode(data, cv2.IMREAD_COLOR)
        assert pixels is not None
        number = int(pixels[0, 0, 0])
        self.asked.append(number)
        self.thresholds.append(body.get("threshold"))
        return Reply(self._status, self._answer(number), "text", 10.0 + number)


def picture(folder: Path, number: int, *shapes: tuple[str, Shape]) -> LabeledImage:
    """A gray image file whose gray value is its number, with annotations."""
    file = folder / f"{number:04}.png"
    cv2.imwrite(str(file), np.full((80, 100, 3), number, np.uint8))
    return LabeledImage(file.name, file, tuple(Annotation(*it) for it in shapes))


class Counted:
    """A counter that remembers what it was told."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []
        self.closed = False

    def show(self, done: int, total: int, stored: int = 0) -> None:
        self.seen.append((done, total))

    def close(self) -> None:
        self.closed = True
