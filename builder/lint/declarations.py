"""What model files say of themselves that is not so."""

from collections.abc import Iterator

from builder.diagnostics.problem import Problem
from builder.families.yaml_writer import printable
from builder.lint.scene import Scene
from builder.model.shape_inference import DECLARED_SHAPE


def find(scene: Scene) -> Iterator[Problem]:
    """See builder.lint."""
    for path, model in scene.models.items():
        for declared, real in model.misdeclared:
            yield scene.problem(
                DECLARED_SHAPE,
                path,
                "declares another shape of an output than its graph gives",
                printable(str(declared)),
                printable(str(real)),
                "the function is built by what the graph gives; other tools may need a new export",
            )
