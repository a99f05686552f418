"""Models with operators that no runtime has."""

from collections.abc import Iterator

from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule
from builder.families.operators import foreign_operators
from builder.families.yaml_writer import printable
from builder.lint.scene import Scene

UNSUPPORTED_OPERATOR = Rule(
    "unsupported-operator",
    "Operator is not in any runtime",
    "The function fails when it starts.",
    stops_lint=False,
)


def find(scene: Scene) -> Iterator[Problem]:
    """Yield a problem for each model with operators that no runtime has."""
    for path, model in scene.models.items():
        foreign = foreign_operators(model.graph)
        if foreign is not None:
            yield scene.problem(
                UNSUPPORTED_OPERATOR,
                path,
                printable(foreign.what),
                found=", ".join(printable(name) for name in model.graph.domains),
                hint=foreign.hint,
            )
