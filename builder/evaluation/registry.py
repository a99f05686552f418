"""The list of measures, and which one a function and a dataset need."""

import importlib
from collections.abc import Iterator
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
        DatasetError: the dataset has no annotations, or none that fit the function.
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
        return known[wanted]
    for kind in known.values():
        if kind.fits(task, first):
            return kind
    shapes = sorted({type(it.shape).__name__ for image in first for it in image.annotations})
    raise DatasetError(
        Problem(
            "the annotations cannot be compared with what the function finds",
            file=task.dataset.path,
            found=f"{', '.join(shapes)}; the function's labels have the types "
            + ", ".join(sorted({str(it.get("type", "any")) for it in task.labels})),
            hint=f"choose a measure with --measure: {', '.join(known)}",
        )
    )


def _annotated(task: Task) -> Iterator[LabeledImage]:
    """Yield the images with an annotation of a label that is compared."""
    for image in islice(iter(task.dataset), _SCANNED):
        if any(it.label in task.label_map.of_dataset for it in image.annotations):
            yield image
