"""The planner: from a manifest and its models to a plan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.diagnostics.collector import Diagnostics
from builder.diagnostics.errors import CvatbuildError
from builder.diagnostics.path import Path_
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import warning
from builder.manifest.labels import Labels
from builder.manifest.reading import ManifestFile
from builder.manifest.schema import DetectorManifest
from builder.manifest.variants import VariantName
from builder.model import file as model_files
from builder.model.file import EXTERNAL_DATA, Model
from builder.plan.context import Bound, Context
from builder.plan.labels import label_conflicts, label_warnings, read_labels
from builder.plan.plan import Plan
from builder.plan.selection import select
from builder.plan.types import TYPES
from runtimes.signature import Signature

if TYPE_CHECKING:
    from builder.model.download import Progress

LABELS_NOT_CHECKED = warning(
    "labels-not-checked",
    "Labels were not checked",
    "`labels: metadata` cannot be checked without the model.",
)


@dataclass(frozen=True, slots=True)
class Planned:
    """The result of planning.

    Attributes:
        plan: None if there are errors, or if the models were not read.
        models: the models, by the path of the key that names them; empty if one of them could not
            be read.
        labels: a detector's labels; None for other types, and if they are unknown or contradict
            each other.
    """

    plan: Plan | None
    models: Mapping[Path_, Model]
    labels: Labels | None


def plan_function(
    manifest_file: ManifestFile[Any],
    diagnostics: Diagnostics,
    variants: Sequence[VariantName],
    *,
    progress: "Progress | None" = None,
    with_models: bool = True,
) -> Planned:
    """Read the models of a manifest and bind its steps to them.

    An error suppresses only the checks that depend on the invalid value.

    Args:
        manifest_file: the manifest.
        diagnostics: gets the problems.
        variants: the variants to build; the manifest may disable one of them.
        progress: gets the bytes of a model that is downloaded.
        with_models: whether to read the models.
    """
    models: Mapping[Path_, Model] = {}
    if with_models:
        models = _read_models(manifest_file, diagnostics, progress)
    all_read = len(models) == len(manifest_file.manifest.sources())
    if diagnostics.is_recovered(("labels",)):
        # The number of classes is unknown.
        diagnostics.recover(("postprocess",))
        diagnostics.recover(("then",))
    if diagnostics.is_affected(("variants",)):
        # The memory that a function needs depends on its number of workers.
        diagnostics.recover(("resources",))
    diagnostics.add(_file_conflicts(manifest_file, models))
    selected = None
    with diagnostics.collect():
        selected = select(manifest_file, tuple(models.values()), variants)
    labels = _read_labels(manifest_file, models, diagnostics, with_models)
    complete = all_read and not diagnostics.is_affected(("postprocess", 0), 1)
    context = Context(manifest_file, models, labels, complete, diagnostics)
    bound, models = _bind(context)
    plan = None
    if bound is not None and selected is not None and not diagnostics.has_errors:
        plan = Plan(
            manifest_file.path,
            manifest_file.manifest,
            tuple(models.values()),
            bound.labels,
            bound.annotations,
            bound.function,
            selected,
        )
    usable = labels if labels is None or not labels.problems() else None
    return Planned(plan, models if all_read else {}, usable)


def _read_models(
    manifest_file: ManifestFile[Any], diagnostics: Diagnostics, progress: "Progress | None"
) -> dict[Path_, Model]:
    """Return the models that can be read."""
    found = {}
    for path, source in manifest_file.manifest.sources().items():
        if diagnostics.is_affected(path):
            continue
        name = f"then-{int(path[1]) + 1}" if len(path) > 1 else str(path[0])
        try:
            file = model_files.locate(source, manifest_file.path.parent, progress, str(path[-1]))
            found[path] = model_files.read(file, name)
        except CvatbuildError as error:
            diagnostics.add(manifest_file.yaml.locate(it, path) for it in error.problems)
    return found


def _read_labels(
    manifest_file: ManifestFile[Any],
    models: Mapping[Path_, Model],
    diagnostics: Diagnostics,
    with_models: bool,
) -> Labels | None:
    """Return the labels of a detector; None if they are unknown."""
    if not isinstance(manifest_file.manifest, DetectorManifest):
        return None
    model = models.get(("model",))
    if manifest_file.manifest.labels == "metadata" and model is None:
        if not with_models:
            what = "the labels are in the model, which was not read"
            hint = "omit --no-model, or list the labels in the manifest"
            diagnostics.add(
                [
                    manifest_file.problem(
                        ("labels",), what, "metadata", hint=hint, rule=LABELS_NOT_CHECKED
                    )
                ]
            )
        return None
    with diagnostics.collect():
        labels = read_labels(manifest_file, model.signature if model else Signature((), ()))
        diagnostics.add(label_conflicts(labels, manifest_file))
        diagnostics.add(label_warnings(manifest_file))
        return labels
    return None


def _file_conflicts(
    manifest_file: ManifestFile[Any], models: Mapping[Path_, Model]
) -> list[Problem]:
    """Return the problems of models whose files would overwrite each other in the function."""
    problems = []
    files: dict[str, Path] = {}
    for path, model in models.items():
        for name, file in model.files.items():
            if files.setdefault(name, file) != file:
                what = "two models keep their weights in files of the same name"
                hint = "save one of the models again with another name for its weights"
                problems.append(
                    manifest_file.problem(path, what, name, hint=hint, rule=EXTERNAL_DATA)
                )
    return problems


def _bind(context: Context) -> tuple[Bound | None, Mapping[Path_, Model]]:
    """Bind the steps to the models.

    Files can declare wrong shapes. If the steps do not match outputs whose shapes are only
    declared, the models run once on a blank image, and the shapes of that run count.

    Returns:
        The function, and the models with the shapes that were used.
    """
    models = context.models
    bind = TYPES[context.manifest_file.manifest.type].bind
    attempt = Diagnostics()
    bound = bind(replace(context, diagnostics=attempt))
    keys = {problem.path[:1] for problem in attempt.problems}
    if context.complete and bound is None and keys & {("labels",), ("postprocess",), ("then",)}:
        # This is seldom needed, and importing it takes long.
        from builder.families.blank_run import with_real_shapes

        run = {path: with_real_shapes(it) if it.unconfirmed else it for path, it in models.items()}
        if run != models:
            models, attempt = run, Diagnostics()
            bound = bind(replace(context, models=run, diagnostics=attempt))
    context.diagnostics.add(attempt.problems)
    return bound, models
