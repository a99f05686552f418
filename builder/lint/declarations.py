"""Declared output shapes that differ from the shapes that the graph computes."""

from collections.abc import Iterator

from builder.diagnostics.problem import Problem
from builder.families.yaml_writer import printable
from builder.lint.scene import Scene
from builder.model.shape_inference import DECLARED_SHAPE


def find(scene: Scene) -> Iterator[Problem]:
    """Yield problems of wrongly declared output shapes."""
    for path, model in scene.models.items():
        for declared, real in model.misdeclared:
            yield scene.problem(
                DECLARED_SHAPE,
                path,
                "the declared shape of an output differs from the shape that the graph computes",
                printable(str(declared)),
                printable(str(real)),
                "export the model again if other tools use its declared shapes",
            )
