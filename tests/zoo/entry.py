"""What must come of the zoo's models, from `init` to the reply of the built function."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tests.zoo.net import BOX, SCORE, Maker

LETTERBOX, STRETCH = ("letterbox", "normalize"), ("resize", "normalize")
OPENCV = ("resize", "channels")
RECTANGLE = ("class_1", "rectangle", BOX)
DOG = ("dog", "rectangle", BOX)
PIXELS = (16, 8, 47, 23)
"""First and last column and row of a mask of BOX."""
NO_COUNT = "the number of classes is unknown; 80 labels are written"
BACKGROUND = "class 0 is assumed to be the background, and gets no label"

Found = tuple[str, str, tuple[float, ...]]
"""Label, type, and x1 y1 x2 y2 around an item of a reply."""

_Maker = TypeVar("_Maker", bound=Callable[..., Path])


@dataclass(frozen=True)
class Entry:
    """What must come of a model without an edit.

    Attributes:
        make: writes the model.
        decoder: the first step of `postprocess`.
        preprocess: the names of the steps.
        found: the one item of the reply.
        score: its confidence.
        size: height and width of the image, which is as large as the model's input.
        slack: how many pixels the box may be off: masks have whole pixels.
        note: what `init` tells the user to check.
        guessed: whether only the shapes fit, so that `init` writes `guessed: true`.
    """

    make: Maker
    decoder: str
    preprocess: tuple[str, ...]
    found: Found
    score: float
    size: tuple[int, int]
    slack: float
    note: str
    guessed: bool


ENTRIES: dict[str, Entry] = {}
"""Name of the function that writes a model -> what must come of it."""


def expect(
    decoder: str,
    preprocess: tuple[str, ...],
    found: Found,
    *,
    score: float = SCORE,
    size: tuple[int, int] = (64, 64),
    slack: float = 0.05,
    note: str = "",
    guessed: bool = False,
) -> Callable[[_Maker], _Maker]:
    """Enter the function that writes a model into ENTRIES; see Entry."""

    def enter(make: _Maker) -> _Maker:
        entry = Entry(make, decoder, preprocess, found, score, size, slack, note, guessed)
        ENTRIES[make.__name__] = entry
        return make

    return enter
