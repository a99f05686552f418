"""What a manifest with mistakes says all the same, so that all of them are told of at once.

What is wrong is left out, or replaced by something that is right and means nothing; what else the
manifest says can then be checked as if it were whole. Findings that may come from the replacement
itself are not to be trusted.
"""

import copy
from collections.abc import Iterable, Set
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from builder.diagnostics.errors import Problem
from builder.manifest.located_yaml import Document, Path_, spell
from builder.manifest.validation import problems_of, read

_Model = TypeVar("_Model", bound=BaseModel)

_STAND_INS: dict[str, Any] = {
    "name": "unnamed",
    "model": "model.onnx",
    "encoder": "model.onnx",
    "decoder": "model.onnx",
    "labels": ["unnamed"],
    "preprocess": [],
    "postprocess": [{}],
}
"""What takes the place of a key's wrong value where it cannot be left out."""

_ROUNDS = 8
"""Each round mends what the one before had not reached; no manifest needs this many."""


@dataclass(frozen=True, slots=True)
class Mended(Generic[_Model]):
    """What could be read.

    Attributes:
        value: the data, mended where it was wrong; None where that is not possible.
        problems: everything that is wrong with its form.
        doubtful: the places that were mended.
    """

    value: _Model | None
    problems: tuple[Problem, ...]
    doubtful: frozenset[Path_]


def mend(model: type[_Model], data: Any, document: Document) -> Mended[_Model]:
    """Read `data`, which came from `document` and may have been brought into a long form."""
    data = copy.deepcopy(data)
    problems: list[Problem] = []
    doubtful: set[Path_] = set()
    for _ in range(_ROUNDS):
        try:
            return Mended(read(model, data), tuple(problems), frozenset(doubtful))
        except ValidationError as error:
            found = problems_of(error, model, data, document)
        # Some mistakes are looked for only where there are no others, so a later round may tell
        # more; but it also tells of what the rounds before it left out.
        problems += apart(found.values(), doubtful)
        mended = {_mend(data, path, set(model.model_fields)) for path in found}
        if None in mended:
            break
        doubtful |= {path for path in mended if path is not None}
    return Mended(None, tuple(problems), frozenset(doubtful))


def trusted(problems: Iterable[Problem], doubtful: Iterable[Path_]) -> list[Problem]:
    """The problems whose places are neither doubtful nor in anything that is."""
    places = [spell(path) for path in doubtful]
    return [it for it in problems if not any(_within(it.path, place) for place in places)]


def has_part_in(doubtful: Iterable[Path_], path: Path_, depth: int) -> bool:
    """Whether something was mended at a place, above it, or up to `depth` keys below it."""
    return any(
        it[: len(path)] == path[: len(it)] and len(it) <= len(path) + depth for it in doubtful
    )


def apart(problems: Iterable[Problem], doubtful: Iterable[Path_]) -> list[Problem]:
    """Those of them that nothing doubtful lies in either."""
    places = [spell(path) for path in doubtful]
    known = trusted(problems, doubtful)
    return [it for it in known if not any(_within(place, it.path) for place in places)]


def _within(path: str, above: str) -> bool:
    """Whether a place lies at or below another; the top counts as above nothing."""
    return path == above or (bool(above) and path.startswith((f"{above}.", f"{above}[")))


def _mend(data: Any, path: Path_, keys: Set[str]) -> Path_ | None:
    """Take what is wrong at `path` out of `data`, which has `keys` at its top.

    Returns:
        The place that was changed; None where nothing can be done.
    """
    if not path:
        return None
    if len(path) == 1 and path[0] in keys and path[0] in _STAND_INS:
        data[path[0]] = copy.deepcopy(_STAND_INS[str(path[0])])
        return path
    *above, last = path
    parent = data
    for key in above:
        parent = parent[key]
    if isinstance(last, int):
        if above[-1] == "labels" and len(path) == 2:
            # Their number is a thing to be checked.
            parent[last] = f"unnamed {last}"
            return path
        if above[-1] in ("preprocess", "postprocess"):
            # The others keep their places in the list.
            parent[last] = {}
            return path
    elif last in parent:
        del parent[last]
        return path
    # What is missing makes that which misses it wrong, and an entry that is wrong the whole list.
    return _mend(data, tuple(above), keys)
