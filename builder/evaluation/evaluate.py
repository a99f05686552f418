"""Evaluate a variant of a built function on a dataset."""

import ast
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.datasets.dataset import Dataset
from builder.diagnostics.errors import OutputError
from builder.diagnostics.problem import Problem
from builder.diagnostics.progress import Counter
from builder.evaluation.collect import Collected, collect
from builder.evaluation.evaluation import Evaluation, Example, Picture
from builder.evaluation.label_map import label_map
from builder.evaluation.measure import Measure, Sample, Task
from builder.evaluation.registry import kind_of
from builder.evaluation.store import Store, identity_of, key_of, store_path
from builder.manifest.variants import VariantName
from builder.run.process import FunctionProcess
from builder.targets.built import describe
from runtimes.errors import BadRequest


@dataclass(frozen=True, slots=True)
class Options:
    """How functions are evaluated.

    Attributes:
        label_pairs: the values of --map.
        measure: the value of --measure.
        lowest: the confidence threshold to send to a detector; None for the measure's own.
        sigma: the sigma of OKS; None for COCO's.
        store: the directory of the stored answers; None for the default.
        pictures: whether the worst and the best images are drawn.
    """

    label_pairs: tuple[str, ...] = ()
    measure: str | None = None
    lowest: float | None = None
    sigma: float | None = None
    store: Path | None = None
    pictures: bool = False


def evaluate(
    folder: Path,
    variant: VariantName,
    dataset: Dataset,
    options: Options,
    counter: Counter,
    prepared: Callable[[Measure], None] = lambda _: None,
) -> Evaluation:
    """Run a function on all images of a dataset that its store lacks, and score the answers.

    The GPU variant runs on the CPU if there is no usable GPU, as in the smoke test.

    Args:
        folder: directory of a built function.
        variant: the variant to run.
        dataset: the labeled images.
        options: see Options.
        counter: shows the progress.
        prepared: called with the measure before the first image.

    Raises:
        BuiltError: the function does not start, or its process ends.
        CommandLineError: an option is invalid.
        DatasetError: the dataset does not fit the function, or is invalid.
        OutputError: the store cannot be used.
    """
    description = describe(folder, variant)
    task = Task(
        labels=description.labels,
        annotations=description.annotations,
        threshold=threshold_of(description.code_folder),
        dataset=dataset,
        label_map=label_map(dataset.labels, description.labels, options.label_pairs, dataset.path),
        lowest=options.lowest,
        sigma=options.sigma,
    )
    kind = kind_of(description.type, task, options.measure)
    measure = kind.start(task)
    prepared(measure)
    with _disk_errors(), FunctionProcess(folder, variant, allow_fallback=True) as function:
        device, warnings = _device(function.log, variant), tuple(function.warnings[:1])
        identity = identity_of(folder, variant, device=device)
        with Store(store_path(options.store, folder, variant), identity) as store:
            collected = collect(function, measure, store, counter)
            result = measure.result()
            drawing = _DRAWINGS.get(description.type) if options.pictures else None
            worst, best = (
                tuple(drawing(examples, collected, measure, store, task)) if drawing else ()
                for examples in (result.worst, result.best)
            )
    return Evaluation(
        function=str(folder),
        variant=variant,
        device=device,
        dataset=str(dataset.path),
        measure=kind.NAME,
        samples=collected.samples,
        result=result,
        notes=(*task.label_map.notes(), *warnings, *result.notes),
        speed=collected.speed,
        failures=collected.failures,
        failed=collected.failed,
        skipped=len(collected.skipped),
        worst=worst,
        best=best,
    )


def threshold_of(code_folder: Path) -> float | None:
    """Return the threshold in a function's model_handler.py; None if it has none."""
    try:
        tree = ast.parse((code_folder / "model_handler.py").read_bytes())
    except (OSError, SyntaxError, ValueError):
        # The function then does not start, with an error of its own.
        return None
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call):
            targets = [it.id for it in statement.targets if isinstance(it, ast.Name)]
            for keyword in statement.value.keywords if targets == ["FUNCTION"] else ():
                value = keyword.value
                if keyword.arg == "threshold" and isinstance(value, ast.Constant):
                    return float(value.value) if isinstance(value.value, int | float) else None
    return None


def _detections(
    examples: Sequence[Example], collected: Collected, measure: Measure, store: Store, task: Task
) -> Iterator[Picture]:
    """Draw the examples of a detector. Images that were deleted meanwhile are left out."""
    from builder.evaluation.report.pictures import picture_of

    prompt = next(measure.samples()).prompt
    for example in examples:
        image = task.dataset[collected.place(example.index)]
        with suppress(OSError, BadRequest):
            stored = store.get(key_of(Sample(image.name, (image,), prompt)))
            answer: Any = stored.answer if stored else {"items": []}
            yield picture_of(image, answer["items"], example.note, task)


def _tracks(
    examples: Sequence[Example], collected: Collected, measure: Measure, store: Store, _: Task
) -> Iterator[Picture]:
    """Draw the examples of a tracker."""
    from builder.evaluation.report.pictures import track_picture

    places = {collected.place(it.index) for it in examples}
    samples = {place: it for place, it in enumerate(measure.samples()) if place in places}
    for example in examples:
        sample = samples[collected.place(example.index)]
        with suppress(OSError, BadRequest):
            stored = store.get(key_of(sample))
            boxes: Any = stored.answer if stored else [None] * len(sample.images)
            yield track_picture(sample, boxes, example.note)


def _matches(
    examples: Sequence[Example], collected: Collected, measure: Measure, _: Store, __: Task
) -> Iterator[Picture]:
    """Return the boxes of the examples of ReID: the query and the nearest entry."""
    from builder.evaluation.report.pictures import match_picture

    pairs = [(it, *it.match) for it in examples if it.match is not None]
    indexes = {index for it, _, entry, _ in pairs for index in (it.index, entry)}
    places = {collected.place(index): index for index in indexes}
    images = {
        places[place]: sample.images[0]
        for place, sample in enumerate(measure.samples())
        if place in places
    }
    for example, own, entry, found in pairs:
        with suppress(OSError, BadRequest):
            query = images[example.index], own
            yield match_picture(query, (images[entry], found), example.note)


_DRAWINGS = {"detector": _detections, "tracker": _tracks, "reid": _matches}
"""Type of a function -> what draws its examples."""


@contextmanager
def _disk_errors() -> Iterator[None]:
    """Report an error of a measure's temporary database, such as a full disk.

    Raises:
        OutputError: SQLite raises an error.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise OutputError(
            Problem(
                f"the temporary files of the evaluation cannot be written: {error}",
                hint="free some space, or name another directory in TMPDIR",
            )
        ) from error


def _device(log: list[str], variant: VariantName) -> str:
    """Return the device that a started function names in its log; see runtimes.service."""
    for line in log:
        head = f"info: {variant}: "
        if line.startswith(head):
            return line.removeprefix(head).partition(";")[0]
    return ""
