"""Which label of the dataset is which label of the function."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.diagnostics.errors import CommandLineError, DatasetError
from builder.diagnostics.problem import Problem
from builder.diagnostics.text import closest, did_you_mean

_LISTED = 10
"""Names that a message lists."""


@dataclass(frozen=True, slots=True)
class LabelMap:
    """The labels that are compared.

    Attributes:
        names: labels of the function that have a counterpart, in the function's order.
        of_dataset: label of the dataset -> label of the function, for those with a counterpart.
        only_in_dataset: labels of the dataset without a counterpart. Their annotations are left
            out.
        only_in_function: labels of the function without a counterpart. Their detections are left
            out.
        repeated: labels that are the names of several classes of the dataset.
    """

    names: tuple[str, ...]
    of_dataset: Mapping[str, str]
    only_in_dataset: tuple[str, ...]
    only_in_function: tuple[str, ...]
    repeated: tuple[str, ...] = ()

    def notes(self) -> tuple[str, ...]:
        """Return sentences about repeated labels and those without a counterpart."""
        repeated = f"duplicate labels of the dataset, used as one: {_listing(self.repeated)}"
        return (
            *([repeated] if self.repeated else []),
            *_note("dataset", self.only_in_dataset, "function", self.only_in_function),
            *_note("function", self.only_in_function, "dataset", self.only_in_dataset),
        )


def label_map(
    dataset: Sequence[str], spec: Sequence[Mapping[str, Any]], given: Sequence[str], file: Path
) -> LabelMap:
    """Match the labels of a dataset with those of a function.

    Equal names belong together, unless `given` maps the dataset's label to another one. Several
    labels of the dataset may belong to one label of the function. A function without labels, such
    as an interactor, is compared on all labels.

    Args:
        dataset: the labels of the dataset; classes may have equal ones.
        spec: the labels of the function, as its `spec` annotation lists them.
        given: the values of --map, each `DATASET=FUNCTION`.
        file: the dataset, for messages.

    Raises:
        CommandLineError: a value of --map is invalid.
        DatasetError: no label has a counterpart.
    """
    repeated = tuple(name for name, count in Counter(dataset).items() if count > 1)
    dataset = list(dict.fromkeys(dataset))
    if not spec and not given:
        return LabelMap(tuple(dataset), {name: name for name in dataset}, (), (), repeated)
    function = [str(label["name"]) for label in spec]
    pairs = _parsed(given, dataset, function)
    found = {name: pairs.get(name, name) for name in dataset}
    matched = {name: other for name, other in found.items() if other in function}
    used = set(matched.values())
    if not matched:
        raise DatasetError(
            Problem(
                "the dataset and the function have no label in common",
                file=file,
                found=f"labels of the dataset: {_listing(dataset)}",
                allowed=f"labels of the function: {_listing(function)}",
                hint="name the pairs with --map DATASET=FUNCTION, such as "
                f"--map {_word(dataset)}={_word(function)}",
            )
        )
    return LabelMap(
        names=tuple(name for name in function if name in used),
        of_dataset=matched,
        only_in_dataset=tuple(name for name in dataset if name not in matched),
        only_in_function=tuple(name for name in function if name not in used),
        repeated=repeated,
    )


def _parsed(
    given: Sequence[str], dataset: Sequence[str], function: Sequence[str]
) -> dict[str, str]:
    """Return the pairs of --map.

    A label may contain `=`: the name on the left is the first one that the dataset has.

    Raises:
        CommandLineError: a value has no `=`, or names an unknown label.
    """
    pairs: dict[str, str] = {}
    for text in given:
        parts = text.split("=")
        splits = [("=".join(parts[:at]), "=".join(parts[at:])) for at in range(1, len(parts))]
        if not splits:
            raise CommandLineError(
                Problem("--map needs two labels", found=text, allowed="--map DATASET=FUNCTION")
            )
        theirs, ours = next((it for it in splits if it[0] in dataset), splits[0])
        for side, name, known in (("dataset", theirs, dataset), ("function", ours, function)):
            if name not in known:
                raise CommandLineError(
                    Problem(
                        f"--map names a label that the {side} does not have",
                        found=name,
                        allowed=_listing(known),
                        hint=did_you_mean(name, known),
                    )
                )
        if pairs.setdefault(theirs, ours) != ours:
            raise CommandLineError(
                Problem(f"--map maps '{theirs}' twice", found=f"{pairs[theirs]}, {ours}")
            )
    return pairs


def _note(
    side: str, names: Sequence[str], other: str, candidates: Sequence[str]
) -> tuple[str, ...]:
    """Return one sentence about the labels that only one side has, or no sentence."""
    if not names:
        return ()
    text = f"labels of the {side} that the {other} does not have, left out: {_listing(names)}"
    for name in names:
        near = closest(name.lower(), [it.lower() for it in candidates])
        if near is not None:
            meant = next(it for it in candidates if it.lower() == near)
            theirs, ours = (name, meant) if side == "dataset" else (meant, name)
            return (f"{text}; did you mean --map {theirs}={ours}?",)
    return (text,)


def _word(names: Sequence[str]) -> str:
    """Return the first name, or a placeholder."""
    return names[0] if names else "NAME"


def _listing(names: Sequence[str]) -> str:
    """Return the first names and the number of the others."""
    more = f", and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more if names else "none"
