from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from builder.diagnostics.problem import Problem
from builder.lint.examine import plan
from builder.plan.plan import Plan
from tests.builder import models
from tests.builder.conftest import WriteManifest, failure

Planned: TypeAlias = Callable[..., Plan]
Refused: TypeAlias = Callable[..., tuple[Problem, ...]]

CHOICE = {"choice_attribute": {"attribute": "hue", "values": ["red", "green"]}}
NUMBER = {"number_attribute": {"attribute": "age", "least": 18, "most": 99}}


@pytest.fixture
def planned(write_manifest: WriteManifest) -> Planned:
    """Plan the usual manifest with some keys changed."""
    return lambda **changes: plan(write_manifest(**changes))


@pytest.fixture
def refused(write_manifest: WriteManifest) -> Refused:
    """Return the problems of the usual manifest with some keys changed."""

    def problems(**changes: Any) -> tuple[Problem, ...]:
        manifest = write_manifest(**changes)
        error = failure(lambda: plan(manifest))
        assert all(problem.file == manifest for problem in error.problems)
        return error.problems

    return problems


def drawn(*steps: Any) -> list[Any]:
    """`postprocess` with steps between `nms` and `rectangle`."""
    return ["yolo", "nms", *steps, "rectangle"]


def seconds(*steps: Any, model: Any = "model.onnx", **more: Any) -> list[dict[str, Any]]:
    """`then` with one second model, whose only output any attribute can be read from."""
    return [{"model": model, **more, "preprocess": ["resize"], "postprocess": list(steps)}]


def weights_in_files(folder: Path, first: str, second: str) -> None:
    """Write the models a/model.onnx and b/model.onnx with weights in files of the given names."""
    for name, location, change in (("a", first, 1), ("b", second, 2)):
        (folder / name).mkdir()
        models.external_model(folder / name / "model.onnx", location)
        data = bytearray((folder / name / location).read_bytes())
        data[-1] ^= change  # no two models have the same weights
        (folder / name / location).write_bytes(data)
