"""The smoke test of a build: each variant starts and answers a blank image."""

import importlib.util
from contextlib import ExitStack, closing
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
from builder.run.function import Function
from builder.run.predict import PREDICTORS
from builder.run.process import FunctionProcess

NOT_SMOKE_TESTED = warning(
    "not-smoke-tested",
    "Variant was not smoke-tested",
    "Its inference runtime is not installed on this machine.",
)

_BLANK_SIZE = (360, 480)
"""Height and width: neither square nor multiples of 32, so that a wrong size shows."""


_LARGE_BYTES = 500_000_000
"""From this size the variants are started one after the other. While a runtime loads a model, it
needs several times the model's size."""


def smoke_test(plan: Plan, folder: Path) -> list[Problem]:
    """Start each variant of a function, and send it a blank image.

    The variants start at the same time, unless their models are too large for that.

    Args:
        plan: the function.
        folder: the directory that it was written to.

    Returns:
        A warning for each variant that was not tested, since its runtime is not installed.

    Raises:
        BuiltError: a variant does not start, or its reply is not what CVAT expects.
    """
    _, blank = cv2.imencode(".png", np.zeros((*_BLANK_SIZE, 3), np.uint8))
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
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    for group in [variants] if size < _LARGE_BYTES else [[variant] for variant in variants]:
        with ExitStack() as stack:
            functions = [
                stack.enter_context(closing(FunctionProcess(folder, variant, allow_fallback=True)))
                for variant in group
            ]
            for variant, function in zip(group, functions, strict=True):
                function.wait_until_started()
                _check_reply(plan, variant, function, blank.tobytes())
    return warnings


def _check_reply(plan: Plan, variant: VariantName, function: Function, blank: bytes) -> None:
    """Send a blank image.

    Raises:
        BuiltError: the reply is not what CVAT expects.
    """
    try:
        faults = PREDICTORS[function.type].smoke_test(function, blank)
    except BuiltError as error:
        what = f"smoke test of the {variant} variant failed"
        raise BuiltError(
            *(replace(it, what=f"{what}: {it.what}", file=plan.file) for it in error.problems)
        ) from error
    if faults:
        what = f"smoke test of the {variant} variant failed: CVAT cannot use the reply"
        raise BuiltError(Problem(what, file=plan.file, found=faults[0]))
