"""Models with a known layout of outputs that no decoder reads."""

from collections.abc import Iterator

from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule
from builder.families.evidence import Evidence
from builder.families.ranking import recognize
from builder.families.unsupported import unsupported_layout
from builder.lint.scene import Scene

UNSUPPORTED_LAYOUT = Rule(
    "unsupported-layout",
    "Layout of outputs is not supported",
    "Every decoder reads such outputs wrongly.",
    stops_lint=False,
)
_PATH = ("model",)


def find(scene: Scene) -> Iterator[Problem]:
    """Yield a problem if the first model of a detector has outputs that no decoder reads."""
    model = scene.models.get(_PATH)
    if model is None or scene.manifest_file.manifest.type != "detector":
        return
    layout = unsupported_layout(Evidence.of(model))
    if layout is None or recognize([model], run=False).best is not None:
        return
    yield scene.problem(
        UNSUPPORTED_LAYOUT,
        _PATH,
        f"no decoder reads the model's outputs: {layout.name}",
        found=", ".join(map(str, model.signature.outputs)),
        hint=layout.hint,
    )
