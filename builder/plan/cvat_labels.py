"""The labels of a detector as the function declares them to CVAT."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import ValidationError

from builder.diagnostics.errors import ManifestError
from builder.diagnostics.path import Path_
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule
from builder.manifest.attribute_values import value_fault
from builder.manifest.labels import (
    INVALID_ATTRIBUTE,
    INVALID_KEYPOINTS,
    Attribute,
    Label,
    Labels,
    Skeleton,
)
from builder.manifest.reading import ManifestFile
from builder.manifest.schema import DetectorManifest
from runtimes.step import Attribute as AttributeStep
from runtimes.step import Shape

LABEL_TYPE = Rule(
    "label-type",
    "Label type does not match the shapes",
    "CVAT could not map the shapes to a label of the task.",
)
CONFLICTING_LABELS = Rule(
    "conflicting-labels",
    "Conflicting label names",
    "CVAT accepts no two labels with the same name, and no name of more than 64 characters.",
)
LABELS_TOO_LARGE = Rule(
    "labels-too-large",
    "Labels are too large for Nuclio",
    "Nuclio passes the labels on a command line of limited length.",
)
ATTRIBUTE_DROPPED = Rule(
    "attribute-dropped",
    "CVAT would drop the attribute",
    "CVAT compares each value with the label's declaration, and silently drops a value that"
    " does not match.",
)


MAX_BYTES = 80_000
"""Nuclio passes a function's configuration as base64 on one shell command line, where Linux allows
an argument of 128 KiB."""

MAX_NAME = 64
"""CVAT stores names of labels in columns of 64 characters."""


def invalid_attributes(manifest_file: ManifestFile[DetectorManifest]) -> list[Problem]:
    """Return the problems of attributes from steps that CVAT would not accept."""
    problems = []
    for stage in manifest_file.stages():
        for path, step in manifest_file.steps("postprocess", stage).items():
            try:
                if isinstance(step, AttributeStep):
                    _declared(step)
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
                what = f"CVAT rejects this attribute: {first['msg'].removeprefix('Value error, ')}"
                found = repr(first["input"]) if first["input"] and _is_text(first["input"]) else ""
                problems.append(manifest_file.problem(path, what, found, rule=INVALID_ATTRIBUTE))
    return problems


def _is_text(value: object) -> bool:
    """Return whether a value is text."""
    return isinstance(value, str)


def _declared(step: AttributeStep) -> Attribute:
    """Return the declaration of a step's attribute."""
    input_type, values = step.declare()
    return Attribute(name=step.attribute, input_type=input_type, values=values)


def declared_labels(
    labels: Labels, manifest_file: ManifestFile[DetectorManifest]
) -> tuple[Label, ...]:
    """Return the labels as the function declares them to CVAT.

    Every label has a type, and each suffix of a shape adds a label. Attributes from steps are
    added to the labels, because CVAT drops attributes that are not declared.

    Raises:
        ManifestError: CVAT would not accept the labels, or the shapes for them.
    """
    drawn = _drawn_types(manifest_file)
    problems = [
        *_unnamed_keypoints(labels, manifest_file),
        *_wrong_types(labels, drawn, manifest_file),
        *(it for label in labels.entries for it in _dropped_values(label, manifest_file)),
    ]
    declared = [
        it
        for suffix, types in sorted(drawn.items())
        for label in labels.entries
        for it in _with_suffix(_with_attributes(label, manifest_file), suffix, types)
    ]
    problems += [
        *_labels_without_shapes(labels, declared, drawn, manifest_file),
        *_name_conflicts(declared, any(drawn), manifest_file),
    ]
    size = len(label_spec(declared).encode())
    if size > MAX_BYTES:
        what = f"the labels take {size} bytes as CVAT reads them; Nuclio allows {MAX_BYTES}"
        hint = "remove labels, and give each of the others its `id`"
        problems.append(manifest_file.problem(("labels",), what, hint=hint, rule=LABELS_TOO_LARGE))
    if problems:
        raise ManifestError(*problems)
    return tuple(declared)


def _drawn_types(manifest_file: ManifestFile[DetectorManifest]) -> dict[str, set[str]]:
    """Return suffix -> the label types that the shapes with this suffix need."""
    drawn: dict[str, set[str]] = {}
    for step in manifest_file.steps("postprocess").values():
        if isinstance(step, Shape):
            drawn.setdefault(step.suffix, set()).add(step.label_type)
    return drawn


def _own_types(label: Label, types: set[str]) -> set[str]:
    """Return the types of the shapes that are drawn under a label itself."""
    return types if label.sublabels else types - {"skeleton"}


def _unnamed_keypoints(
    labels: Labels, manifest_file: ManifestFile[DetectorManifest]
) -> Iterator[Problem]:
    """Report skeletons of labels without sublabels."""
    for path, step in manifest_file.steps("postprocess").items():
        if isinstance(step, Shape) and step.label_type == "skeleton" and not labels.joints:
            what = "a skeleton needs labels with `sublabels`, and no label has any"
            hint = "give the label `sublabels`, in the model's order of keypoints"
            yield manifest_file.problem(path, what, hint=hint, rule=INVALID_KEYPOINTS)


def _wrong_types(
    labels: Labels, drawn: dict[str, set[str]], manifest_file: ManifestFile[DetectorManifest]
) -> Iterator[Problem]:
    """Report labels whose type does not match the shapes.

    Raises:
        ManifestError: a label would be a skeleton and another shape.
    """
    for suffix, types in sorted(drawn.items()):
        for place, label in enumerate(labels.entries):
            own = _own_types(label, types)
            if "skeleton" in own and len(own) > 1:
                what = "a label is either a skeleton or another shape, not both"
                hint = "give the other shape its own label: `rectangle: {suffix: -box}`"
                found = ", ".join(sorted(own))
                raise ManifestError(
                    manifest_file.problem(("postprocess",), what, found, hint=hint, rule=LABEL_TYPE)
                )
            allowed = [*sorted(own), *(["any"] if own and "skeleton" not in own else [])]
            if not suffix and label.type not in (None, *allowed):
                yield manifest_file.problem(
                    ("labels", place, "type"),
                    f"CVAT would not accept the shapes of `postprocess` for '{label.name}'",
                    str(label.type),
                    " or ".join(allowed),
                    "omit the type",
                    LABEL_TYPE,
                )


def _labels_without_shapes(
    labels: Labels,
    declared: Sequence[Label],
    drawn: dict[str, set[str]],
    manifest_file: ManifestFile[DetectorManifest],
) -> Iterator[Problem]:
    """Report labels for which no shape is drawn."""
    if not labels.joints or not drawn:
        return
    declared_ids = {label.id for label in declared}
    in_file = not isinstance(manifest_file.manifest.labels, str)
    for place, label in enumerate(labels.entries):
        if label.id not in declared_ids:
            yield manifest_file.problem(
                ("labels", place) if in_file else ("labels",),
                f"no shape is drawn for '{label.name}', which has no `sublabels`",
                hint="list the keypoints in the model's order, or remove the label",
                rule=INVALID_KEYPOINTS,
            )


def _name_conflicts(
    declared: Sequence[Label], suffixes: bool, manifest_file: ManifestFile[DetectorManifest]
) -> Iterator[Problem]:
    """Report duplicate and too long names, which suffixes can cause."""
    for name, count in Counter(label.name for label in declared).items():
        if count > 1 or len(name) > MAX_NAME:
            what = f"duplicate label '{name}'"
            if len(name) > MAX_NAME:
                what = f"the label '{name}' is longer than {MAX_NAME} characters"
            hint = "choose another suffix" if suffixes else "choose another name"
            yield manifest_file.problem(("postprocess",), what, hint=hint, rule=CONFLICTING_LABELS)


def _with_suffix(label: Label, suffix: str, types: set[str]) -> Iterator[Label]:
    """Yield the labels that the shapes with one suffix need: the label, and its skeletons."""
    own = _own_types(label, types)
    if own:
        one: Any = next(iter(own)) if len(own) == 1 else "any"
        yield _renamed(label, label.name + suffix, one if suffix else label.type or one)
    if "skeleton" in types:
        for part in label.skeletons:
            yield _renamed(label, part.name + suffix, "skeleton", part)


def _renamed(label: Label, name: str, type_: str, part: Skeleton | None = None) -> Label:
    """Return a label with another name and type, and its keypoints or those of a skeleton."""
    source = part or label
    points = {"sublabels": source.sublabels, "edges": source.edges, "skeletons": ()}
    return label.model_copy(update={"name": name, "type": type_, **points})


def _with_attributes(label: Label, manifest_file: ManifestFile[DetectorManifest]) -> Label:
    """Return a label with its own attributes, then those from steps."""
    own = [attribute.name for attribute in label.attributes]
    steps = _attribute_steps(label, manifest_file).values()
    given = {step.attribute: _declared(step) for step in steps if step.attribute not in own}
    return label.model_copy(update={"attributes": (*label.attributes, *given.values())})


def _attribute_steps(
    label: Label, manifest_file: ManifestFile[DetectorManifest]
) -> dict[Path_, AttributeStep]:
    """Return the steps that set an attribute of a label's instances, by their paths."""
    return {
        path: step
        for stage in manifest_file.stages()
        if not stage
        or label.name in (manifest_file.manifest.then[int(stage[1])].only or [label.name])
        for path, step in manifest_file.steps("postprocess", stage).items()
        if isinstance(step, AttributeStep)
    }


def _dropped_values(
    label: Label, manifest_file: ManifestFile[DetectorManifest]
) -> Iterator[Problem]:
    """Report steps whose values do not match the label's own declaration of the attribute."""
    own = {it.name: it for it in label.attributes}
    for path, step in _attribute_steps(label, manifest_file).items():
        declared, given = own.get(step.attribute), _declared(step)
        if declared is None:
            continue
        # A number is declared by its bounds and its increment; other types may accept any number.
        values = [str(value) for value in given.values]
        if given.input_type == "number":
            values = values[:2] if declared.input_type == "number" else []
        faults = [value_fault(value, declared.input_type, declared.values) for value in values]
        for fault in [it for it in faults if it][:1]:
            what = f"CVAT would drop the attribute of '{label.name}': {fault}"
            hint = f"remove '{step.attribute}' from the label, or declare it as the step does"
            yield manifest_file.problem(path, what, hint=hint, rule=ATTRIBUTE_DROPPED)


def label_spec(labels: Sequence[Label]) -> str:
    """Return the labels as CVAT's server reads them: a JSON list, one label a line."""
    lines = []
    for label in labels:
        entry: dict[str, Any] = {"id": label.ids[0], "name": label.name, "type": label.type}
        if label.attributes:
            entry["attributes"] = [
                {**attribute.model_dump(), "values": list(attribute.values)}
                for attribute in label.attributes
            ]
        if label.type == "skeleton":
            entry["sublabels"] = [
                {"id": number, "name": name, "type": "points"}
                for number, name in enumerate(label.keypoints, 1)
            ]
            entry["svg"] = label.svg
        lines.append("  " + json.dumps(entry, ensure_ascii=False))
    return "[\n" + ",\n".join(lines) + "\n]\n" if lines else "[]\n"
