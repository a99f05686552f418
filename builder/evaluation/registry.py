"""The list of measures, and which one a function and a dataset need."""

import importlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import cast

from builder.datasets.annotation import LabeledImage
from builder.diagnostics.errors import BuiltError, CommandLineError, DatasetError
from builder.diagnostics.problem import Problem
from builder.diagnostics.text import did_you_mean
from builder.evaluation.measure import Kind, Task

_MODULES = ("keypoints", "tags", "masks", "boxes", "semantic", "clicks", "tracks", "reid")
"""Modules of builder.evaluation.measures. The first one that fits is used without --measure."""

_PEEKED = 100
"""Annotated images that decide about the measure."""

_SCANNED = 1000
"""Images among which these are sought."""


@cache
def kinds() -> tuple[Kind, ...]:
    """Return the modules of all measures."""
    names = (f"builder.evaluation.measures.{name}" for name in _MODULES)
    return tuple(cast(Kind, importlib.import_module(name)) for name in names)


def kind_of(function_type: str, task: Task, wanted: str | None) -> Kind:
    """Return the measure to use.

    Args:
        function_type: the function's type.
        task: what is evaluated.
        wanted: the value of --measure; None to choose by the labels and the annotations.

    Raises:
        CommandLineError: there is no such measure for the function's type.
        BuiltError: no measure fits the function.
        DatasetError: the dataset has no annotations, or none that fit the function or the measure.
    """
    known = {it.NAME: it for it in kinds() if function_type == it.TYPE}
    if wanted is not None and wanted not in known:
        raise CommandLineError(
            Problem(
                f"functions of type {function_type} have no such measure",
                found=wanted,
                allowed=", ".join(known),
                hint=did_you_mean(wanted, known),
            )
        )
    if not known:
        what = f"functions of type {function_type} cannot be evaluated"
        raise BuiltError(Problem(what, allowed=", ".join(sorted({it.TYPE for it in kinds()}))))
    first = list(islice(_annotated(task), _PEEKED))
    if not first:
        raise DatasetError(
            Problem(
                f"the first {_SCANNED} images have no annotation with a label of the function",
                file=task.dataset.path,
            )
        )
    if wanted is not None:
        kind = known[wanted]
        # Annotations of one type may follow after many of another type.
        if _measures(kind, task, first) or _measures(kind, task, task.dataset):
            return kind
        raise _unfit(task, first, [kind], known.values())
    for kind in known.values():
        if kind.fits(task, first):
            return kind
    raise _unfit(task, first, known.values(), known.values())


def _measures(kind: Kind, task: Task, images: Iterable[LabeledImage]) -> bool:
    """Return whether a measure compares a label of the function and one of the annotations."""
    if kind.LABELS and not task.types() & {*kind.LABELS, "any"}:
        return False
    names = task.label_map.of_dataset
    return any(
        it.label in names and kind.compares(it) for image in images for it in image.annotations
    )


def _unfit(
    task: Task, first: Sequence[LabeledImage], tried: Iterable[Kind], known: Iterable[Kind]
) -> DatasetError:
    """Return the error that none of the tried measures compares the function with the dataset."""
    names = task.label_map.of_dataset
    annotated = (it for image in first for it in image.annotations if it.label in names)
    shapes = sorted({type(it.shape).__name__.lower() for it in annotated})
    types = ", ".join(sorted(task.types()))
    # An interactor has no labels.
    labels = f"; labels of the function of type {types}" if types else ""
    fitting = [it.NAME for it in known if _measures(it, task, first)]
    return DatasetError(
        Problem(
            "the annotations cannot be compared with what the function finds",
            file=task.dataset.path,
            found=f"annotations of type {', '.join(shapes)}{labels}",
            allowed="; ".join(map(_needs, tried)),
            hint=f"measures that fit: --measure {' or '.join(fitting)}" if fitting else "",
        )
    )


def _needs(kind: Kind) -> str:
    """Return what a measure compares, for people."""
    labels = f", and labels of type {', '.join(sorted(kind.LABELS))}" if kind.LABELS else ""
    return f"{kind.NAME} needs {kind.NEEDS}{labels}"


def _annotated(task: Task) -> Iterator[LabeledImage]:
    """Yield the images with an annotation of a label that is compared."""
    for image in islice(iter(task.dataset), _SCANNED):
        if any(it.label in task.label_map.of_dataset for it in image.annotations):
            yield image
