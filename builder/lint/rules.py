"""The lint rules of all subjects."""

from builder.diagnostics.problem import Problem
from builder.lint import (
    candidates,
    cuda_graph,
    declarations,
    environment,
    guesses,
    image,
    input_sizes,
    interactor,
    kubernetes,
    labels,
    layouts,
    memory,
    onnx_versions,
    operators,
    outputs,
    platform,
    precision,
    preprocessing,
    steps,
    thresholds,
    tracker,
)
from builder.lint.scene import Scene

_SUBJECTS = (
    guesses,
    operators,
    layouts,
    declarations,
    onnx_versions,
    labels,
    thresholds,
    preprocessing,
    steps,
    candidates,
    outputs,
    interactor,
    tracker,
    precision,
    memory,
    image,
    environment,
    cuda_graph,
    kubernetes,
    platform,
    input_sizes,
)


def lint(scene: Scene) -> tuple[Problem, ...]:
    """Return the problems that all lint rules report, in the order of the manifest's lines.

    Rules that need the models report nothing without them.
    """
    problems = [problem for subject in _SUBJECTS for problem in subject.find(scene)]
    return tuple(sorted(problems, key=lambda problem: (problem.line, problem.column)))
