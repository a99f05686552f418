"""The smoke test of a build: each variant starts, and finds something credible in pictures."""

import importlib.util
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import cast

from builder.backends.backend import BackendSettings
from builder.backends.registry import backend_of
from builder.datasets.drawn import blank, pictures
from builder.diagnostics.errors import BuiltError
from builder.diagnostics.faults import RULES
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import warning
from builder.lint.memory import LOW_MEMORY
from builder.lint.scene import Deployment
from builder.manifest.quantity import amount
from builder.manifest.variants import VariantName
from builder.plan.plan import Plan
from builder.run.judge.detector import judge
from builder.run.predict import PREDICTORS
from builder.run.process import FunctionProcess
from builder.run.trial.comparison import difference
from builder.run.trial.defects import (
    BOX_VALUES,
    MASK_SIZE,
    NOT_FINITE,
    SAME_VECTORS,
    Defect,
    Examinations,
    detector_defect,
    interactor_defect,
    reid_defect,
    tracker_defect,
)
from builder.run.trial.model_info import class_count, located, other_decoders
from builder.targets.measured import Memory, write
from runtimes.errors import Fault
from runtimes.heap import release

NOT_SMOKE_TESTED = warning(
    "not-smoke-tested",
    "Variant was not smoke-tested",
    "Its inference runtime is not installed on this machine.",
)

VARIANTS_DIFFER = warning(
    "variants-differ",
    "Variants find different objects",
    "The annotations depend on the machine that the function runs on.",
)

_LARGE_BYTES = 20_000_000
"""From this size the variants are started one after the other. While a runtime loads a model, it
needs several times the model's size, and a second process as much again."""

_PROCESS_BYTES = 200_000_000
"""Memory of a started variant with a small model, Python and the pictures included."""

_LOADING_FACTOR = 4
"""Memory that a runtime needs while it loads a model, divided by the size of the model."""

_OF_DECODER = (
    *(RULES[it] for it in (Fault.SCORE_RANGE, Fault.CLASS_VALUES, Fault.MODEL_MISMATCH)),
    *(BOX_VALUES, MASK_SIZE, NOT_FINITE, SAME_VECTORS),
)
"""The rules of problems that the decoder has with the model's outputs."""

Seen = Mapping[VariantName, Examinations]
"""Variant -> what it finds in each picture."""


def smoke_test(
    plan: Plan, folder: Path, start: Callable[..., FunctionProcess] = FunctionProcess
) -> list[Problem]:
    """Start each variant of a function, and send it a blank image and several pictures.

    Write the memory of its workers to measured.md.

    The variants start at the same time, unless their models are too large for that.

    Args:
        plan: the function.
        folder: the directory that it was written to.
        start: starts a variant; takes the arguments of FunctionProcess.

    Returns:
        A warning for each variant that was not tested, since its runtime is not installed, for a
        difference of two variants, and for workers that exceed the memory limit.

    Raises:
        BuiltError: a variant does not start, its reply is not what CVAT expects, or what its
            decoder finds does not come from a model that the decoder matches.
    """
    warnings = []
    variants = []
    for variant in plan.variants:
        backend = backend_of(plan.settings(variant))
        if importlib.util.find_spec(backend.module):
            variants.append(variant)
        else:
            what = f"{backend.runtime} is not installed; the {variant} variant was not smoke-tested"
            hint = f"pip install {backend.package}"
            warnings.append(Problem(what, file=plan.file, hint=hint, rule=NOT_SMOKE_TESTED))
    files = pictures()
    seen: dict[VariantName, Examinations] = {}
    measured: list[Memory] = []
    release()
    for group in _groups(variants, _size(folder)):
        with ExitStack() as stack:
            functions = [
                stack.enter_context(
                    closing(start(folder, variant, allow_fallback=True, low_memory=True))
                )
                for variant in group
            ]
            for variant, function in zip(group, functions, strict=True):
                seen[variant] = _try(plan, variant, function, files)
                peak = function.peak_memory
                # Without its device, a variant needs another amount of memory.
                if peak is not None and not function.warnings:
                    workers = _deployment(plan, variant).worker_count(plan.manifest.type)
                    measured.append(Memory(variant, workers, peak))
    write(folder, measured)
    return [*warnings, *_differences(plan, seen), *exceeded_limits(plan, measured)]


def memory_needed(plan: Plan, folder: Path) -> int:
    """Return about how many bytes of memory the smoke test of a function needs at once."""
    size = _size(folder)
    processes = max(map(len, _groups(plan.variants, size)))
    return processes * (_PROCESS_BYTES + _LOADING_FACTOR * size)


def _size(folder: Path) -> int:
    """Return the size of all files below a folder in bytes."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _groups(variants: Sequence[VariantName], size: int) -> list[Sequence[VariantName]]:
    """Return the variants of each group that starts at the same time."""
    return [variants] if size < _LARGE_BYTES else [[variant] for variant in variants]


def _try(
    plan: Plan, variant: VariantName, function: FunctionProcess, files: Mapping[str, bytes]
) -> Examinations:
    """Send a blank image and pictures to a variant, and return what it finds in the pictures.

    Raises:
        BuiltError: see smoke_test.
    """
    failed = f"smoke test of the {variant} variant failed"
    try:
        function.wait_until_started()
    except BuiltError as error:
        raise BuiltError(
            *(
                _explained(replace(it, what=f"{failed}: {it.what}"), plan)
                if it.rule in _OF_DECODER[:2]
                else it
                for it in error.problems
            )
        ) from error
    try:
        faults = PREDICTORS[function.type].smoke_test(function, blank())
        examinations = {} if faults else {it: function.examine(files[it]) for it in files}
    except BuiltError as error:
        raise BuiltError(
            *(
                _explained(replace(it, what=f"{failed}: {it.what}", file=plan.file), plan)
                for it in error.problems
            )
        ) from error
    if faults:
        what = f"{failed}: CVAT cannot use the reply"
        raise BuiltError(Problem(what, file=plan.file, found=faults[0]))
    found = _defect(plan, function.type, examinations)
    if found is not None:
        what = f"{failed}: {found.what}"
        problem = Problem(
            what,
            file=plan.file,
            found=found.found,
            allowed=found.allowed,
            hint=found.hint,
            rule=found.rule,
        )
        raise BuiltError(_explained(problem, plan))
    for name, arrays in examinations.items():
        reply = arrays.get("reply")
        wrong = [] if reply is None else judge(json.loads(reply.tobytes()), function.labels)
        if wrong:
            what = f"{failed}: CVAT cannot use the reply for the picture `{name}`"
            raise BuiltError(Problem(what, file=plan.file, found=wrong[0]))
    return examinations


def _defect(plan: Plan, function_type: str, examinations: Examinations) -> Defect | None:
    """Return the first reason to refuse a function of this type."""
    if function_type == "detector":
        return detector_defect(examinations, lambda: class_count(plan))
    judges = {
        "interactor": interactor_defect,
        "tracker": tracker_defect,
        "reid": reid_defect,
    }
    return judges[function_type](examinations)


def _explained(problem: Problem, plan: Plan) -> Problem:
    """Return a problem with the decoder's line, and with the decoders that also fit the model."""
    if problem.rule not in _OF_DECODER:
        return problem
    others = other_decoders(plan)
    hint = "; ".join(filter(None, (problem.hint, others)))
    return located(replace(problem, hint=hint), plan)


def exceeded_limits(plan: Plan, measured: Sequence[Memory]) -> list[Problem]:
    """Return a warning for each variant whose workers exceed the memory limit."""
    found = []
    for it in measured:
        limit = _deployment(plan, it.variant).memory or plan.manifest.resources.memory
        if limit is not None and it.workers * it.peak > amount(limit):
            mebibytes = -(-it.peak // 2**20)
            what = (
                f"{it.workers} worker{'s' if it.workers > 1 else ''} of {mebibytes} MiB, as the "
                f"smoke test measured, exceed the memory limit of the {it.variant} variant"
            )
            hint = f"write `memory: {it.workers * mebibytes}Mi`"
            hint += ", or fewer `workers`" if it.workers > 1 else ""
            found.append(Problem(what, file=plan.file, found=limit, hint=hint, rule=LOW_MEMORY))
    return found


def _deployment(plan: Plan, variant: VariantName) -> Deployment:
    """Return a variant's settings, typed as lint rules read them."""
    return cast(Deployment, plan.settings(variant))


def _differences(plan: Plan, seen: Seen) -> list[Problem]:
    """Return a warning if two variants differ on a picture."""
    reduced = [plan.settings(it).part(BackendSettings).reduced for it in seen]
    # The build measures what 8-bit integers change, which is more than the tolerances here.
    if len(seen) < 2 or "int8" in reduced:
        return []
    (one, first), (other, second) = seen.items()
    for picture, arrays in first.items():
        text = difference(arrays, second[picture])
        if text:
            return [
                Problem(
                    f"the variants {one} and {other} differ on the picture `{picture}`",
                    file=plan.file,
                    found=text,
                    allowed="the same objects, within the tolerances of the smoke test",
                    hint="compare them on your images with `cvatbuild predict --variant`",
                    rule=VARIANTS_DIFFER,
                )
            ]
    return []
