"""Trying a function out before its build is called done."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from builder.backends.registry import backend_of
from builder.diagnostics.errors import BuiltError
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import warning
from builder.manifest.variants import VariantName
from builder.plan.plan import Plan
from builder.run.local import BuiltFunction
from builder.run.predict import PREDICTORS

NOT_SMOKE_TESTED = warning(
    "not-smoke-tested",
    "Variant was not smoke-tested",
    "Its inference runtime is not installed on this machine.",
)


_BLANK_SIZE = (360, 480)
"""Neither square nor a multiple of 32, so that a wrong size shows."""


def runtime_of(plan: Plan, variant: VariantName) -> str:
    """The module of the inference runtime that a variant needs."""
    return backend_of(plan.settings(variant)).module


def smoke_test(plan: Plan, folder: Path) -> list[Problem]:
    """Test all variants."""
    found = [try_out(plan, variant, folder) for variant in plan.variants]
    return [warning for warning in found if warning]


def try_out(plan: Plan, variant: VariantName, folder: Path) -> Problem | None:
    """Start a variant's function from `folder` and send it a blank image.

    Returns:
        A warning where the runtime is not installed here, else None.

    Raises:
        BuiltError: it does not start, or does not answer as its kind must.
    """
    runtime = runtime_of(plan, variant)
    if importlib.util.find_spec(runtime) is None:
        return Problem(
            f"the {variant} variant was not tried out: {runtime} is not installed here",
            file=plan.file,
            hint=f"pip install {runtime}",
            rule=NOT_SMOKE_TESTED,
        )
    function = BuiltFunction(folder, variant, cpu_is_enough=True)
    _, blank = cv2.imencode(".png", np.zeros((*_BLANK_SIZE, 3), np.uint8))
    try:
        faults = PREDICTORS[function.kind].try_out(function, blank.tobytes())
    except BuiltError as error:
        what = f"the {variant} variant does not answer a blank image as CVAT expects"
        raise BuiltError(
            *(replace(problem, what=what, file=plan.file) for problem in error.problems)
        ) from error
    if faults:
        raise BuiltError(Problem("CVAT could not use the reply", file=plan.file, found=faults[0]))
    return None
