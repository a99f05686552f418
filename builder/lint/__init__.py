"""What manifests say that can be said, but that does not do what its author thinks.

Each module knows one family of such traps. It has a function `find`, which takes a Scene and yields
problems, errors and warnings alike; builder.diagnostics.findings says of each why it matters.
"""

from collections.abc import Mapping
from typing import Any

from builder.diagnostics.errors import Problem
from builder.lint import (
    declarations,
    environment,
    interactor,
    labels,
    memory,
    preprocessing,
    steps,
    thresholds,
    tracker,
)
from builder.lint.scene import Scene
from builder.manifest.located_yaml import Path_
from builder.manifest.reading import ManifestFile
from builder.model.file import Model

_FAMILIES = (
    declarations,
    labels,
    thresholds,
    preprocessing,
    steps,
    interactor,
    tracker,
    memory,
    environment,
)


def find(read: ManifestFile[Any], models: Mapping[Path_, Model]) -> tuple[Problem, ...]:
    """Every trap that a manifest is in, in the order of its lines.

    Args:
        read: the manifest.
        models: by the place that names them; none where they are not looked at, and then nothing
            that depends on them is found.
    """
    scene = Scene(read, models)
    problems = [problem for family in _FAMILIES for problem in family.find(scene)]
    return tuple(sorted(problems, key=lambda problem: (problem.line, problem.column)))
