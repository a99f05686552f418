"""The labels of a function as CVAT is to know them: from where they come to what is declared."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from builder.diagnostics.errors import ManifestError
from builder.diagnostics.files import ABSENT, unreadable
from builder.diagnostics.path import Path_
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule
from builder.diagnostics.text import did_you_mean
from builder.manifest.attribute_values import value_fault
from builder.manifest.label_files import LABEL_FILE, from_file, from_metadata
from builder.manifest.labels import (
    INVALID_ATTRIBUTE,
    INVALID_KEYPOINTS,
    Attribute,
    Label,
    Labels,
    Name,
    Skeleton,
)
from builder.manifest.located_yaml import LocatedYaml
from builder.manifest.pydantic_errors import validate
from builder.manifest.reading import ManifestFile
from builder.manifest.schema import DetectorManifest
from builder.manifest.validation import Strict
from runtimes.signature import Signature
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


class _LabelFile(Strict):
    """The entries of a label file, under the key by which the manifest would have them."""

    labels: tuple[Name | Label, ...]


def read_labels(manifest_file: ManifestFile[DetectorManifest], signature: Signature) -> Labels:
    """Return the labels from the manifest, from a file that it names, or from the metadata.

    Raises:
        ManifestError: the labels cannot be read, or contradict each other.
    """
    given = manifest_file.manifest.labels
    if given == "metadata":
        try:
            entries: Sequence[str | Label] = from_metadata(signature.metadata, Path("the model"))
        except ManifestError as error:
            raise ManifestError(
                *(manifest_file.yaml.locate(it, ("labels",)) for it in error.problems)
            ) from error
    elif isinstance(given, str):
        file = manifest_file.resolve(given)
        wrong = unreadable(file)
        if wrong:
            raise ManifestError(
                manifest_file.problem(
                    ("labels",),
                    f"there is no file {file}" if wrong == ABSENT else f"{file} {wrong}",
                    given,
                    "a list of labels, the path of a file with them, or `metadata`",
                    did_you_mean(given, ["metadata"]),
                    LABEL_FILE,
                )
            )
        data = from_file(file)
        listing = LocatedYaml(file, {"labels": data}, {}, {})
        entries = validate(_LabelFile, {"labels": data}, listing).labels
    else:
        entries = given
    labels = Labels.of([it if isinstance(it, Label) else Label(name=it) for it in entries])
    problems = labels.problems()
    if isinstance(given, str):
        # The labels are in another file, so the problems have no location of their own here.
        problems = [replace(it, path=()) for it in problems]
    if problems:
        raise ManifestError(*(_located(it, manifest_file) for it in problems))
    return labels


def _located(problem: Problem, manifest_file: ManifestFile[DetectorManifest]) -> Problem:
    """Return a problem with labels, located in the manifest."""
    path = ("labels", *problem.path)
    return manifest_file.problem(
        path, problem.what, "", problem.allowed, problem.hint, problem.rule
    )


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
                what = (
                    f"CVAT cannot have this attribute: {first['msg'].removeprefix('Value error, ')}"
                )
                found = str(first["input"]) if isinstance(first["input"], str) else ""
                shown = repr(found) if found else ""
                problems.append(manifest_file.problem(path, what, shown, rule=INVALID_ATTRIBUTE))
    return problems


def _declared(step: AttributeStep) -> Attribute:
    """An attribute that a step gives, as CVAT is to know it."""
    kind, values = step.declare()
    return Attribute(name=step.attribute, input_type=kind, values=values)


def declared_labels(
    labels: Labels, manifest_file: ManifestFile[DetectorManifest]
) -> tuple[Label, ...]:
    """The labels as CVAT is to know them: every one with a type, and one more for each suffix.

    Attributes that the steps give and the labels do not mention are declared as well, since CVAT
    drops what is not.

    Raises:
        ManifestError: CVAT would not take the shapes for a label.
    """
    problem = manifest_file.problem
    problems: list[Problem] = []
    typed: list[Label] = []
    kinds: dict[str, set[str]] = {}
    joints = labels.joints
    for path, step in manifest_file.steps("postprocess").items():
        if isinstance(step, Shape):
            kinds.setdefault(step.suffix, set()).add(step.label_type)
            if step.label_type == "skeleton" and not joints:
                what = "the keypoints that a skeleton is made of have no names"
                hint = "give the label `sublabels`, in the model's order of keypoints"
                problems.append(problem(path, what, hint=hint, rule=INVALID_KEYPOINTS))
    for suffix, drawn in sorted(kinds.items()):
        for place, label in enumerate(labels.entries):
            own = _own_kinds(label, drawn)
            if "skeleton" in own and len(own) > 1:
                what = "a label can be a skeleton or something else, not both"
                hint = "give the other shape a label of its own: `rectangle: {suffix: -box}`"
                listing = ", ".join(sorted(own))
                raise ManifestError(
                    problem(("postprocess",), what, listing, hint=hint, rule=LABEL_TYPE)
                )
            allowed = [*sorted(own), *(["any"] if own and "skeleton" not in own else [])]
            if not suffix and label.type not in (None, *allowed):
                what = "CVAT would not take the shapes that the postprocessing draws for"
                here = ("labels", place, "type")
                problems.append(
                    problem(
                        here,
                        f"{what} '{label.name}'",
                        str(label.type),
                        " or ".join(allowed),
                        "leave the type out",
                        LABEL_TYPE,
                    )
                )
            whole = _with_attributes(label, manifest_file)
            if own:
                one: Any = next(iter(own)) if len(own) == 1 else "any"
                kind = one if suffix else label.type or one
                typed.append(_renamed(whole, label.name + suffix, kind))
            if "skeleton" in drawn:
                typed += [
                    _renamed(whole, part.name + suffix, "skeleton", part)
                    for part in label.skeletons
                ]
    problems += [it for label in labels.entries for it in _unfit_values(label, manifest_file)]
    drawn_ids = {label.id for label in typed}
    problems += [
        problem(
            ("labels",) if isinstance(manifest_file.manifest.labels, str) else ("labels", place),
            f"nothing is drawn for '{label.name}': it has no `sublabels`",
            hint="list the keypoints in the model's order, or leave the label out",
            rule=INVALID_KEYPOINTS,
        )
        for place, label in enumerate(labels.entries)
        if joints and kinds and label.id not in drawn_ids
    ]
    for name, count in Counter(label.name for label in typed).items():
        if count > 1 or len(name) > 64:
            what = "is there twice" if len(name) <= 64 else "is longer than 64 characters"
            hint = "choose another suffix" if any(kinds) else "choose another name"
            problems.append(
                problem(
                    ("postprocess",),
                    f"the label '{name}' {what}",
                    hint=hint,
                    rule=CONFLICTING_LABELS,
                )
            )
    size = len(label_spec(typed).encode())
    if size > MAX_BYTES:
        problems.append(
            problem(
                ("labels",),
                f"take {size} bytes as CVAT reads them; Nuclio can pass on {MAX_BYTES}",
                hint="leave out labels, with an `id` for each of the others",
                rule=LABELS_TOO_LARGE,
            )
        )
    if problems:
        raise ManifestError(*problems)
    return tuple(typed)


def _own_kinds(label: Label, drawn: set[str]) -> set[str]:
    """The types of shapes that are drawn under a label itself and not under its `skeletons`."""
    return drawn if label.sublabels else drawn - {"skeleton"}


def _renamed(label: Label, name: str, kind: str, part: Skeleton | None = None) -> Label:
    """A label as CVAT is to know it, with the keypoints of its own or of one of its skeletons."""
    source = part or label
    points = {"sublabels": source.sublabels, "edges": source.edges, "skeletons": ()}
    return label.model_copy(update={"name": name, "type": kind, **points})


def _with_attributes(label: Label, manifest_file: ManifestFile[DetectorManifest]) -> Label:
    """A label with the attributes that steps give for it, after its own."""
    own = [attribute.name for attribute in label.attributes]
    steps = _attribute_steps(label, manifest_file).values()
    given = {step.attribute: _declared(step) for step in steps if step.attribute not in own}
    return label.model_copy(update={"attributes": (*label.attributes, *given.values())})


def _attribute_steps(
    label: Label, manifest_file: ManifestFile[DetectorManifest]
) -> dict[Path_, AttributeStep]:
    """The steps that say something of a label's instances, with their places."""
    return {
        path: step
        for stage in manifest_file.stages()
        if not stage
        or label.name in (manifest_file.manifest.then[int(stage[1])].only or [label.name])
        for path, step in manifest_file.steps("postprocess", stage).items()
        if isinstance(step, AttributeStep)
    }


def _unfit_values(label: Label, manifest_file: ManifestFile[DetectorManifest]) -> Iterator[Problem]:
    """What steps say of a label that its own declaration of the attribute does not let through."""
    own = {it.name: it for it in label.attributes}
    for path, step in _attribute_steps(label, manifest_file).items():
        declared, given = own.get(step.attribute), _declared(step)
        if declared is None:
            continue
        # A number is given as its bounds and its step; other types may be able to hold it.
        values = [str(value) for value in given.values]
        if given.input_type == "number":
            values = values[:2] if declared.input_type == "number" else []
        faults = [value_fault(value, declared.input_type, declared.values) for value in values]
        for fault in [it for it in faults if it][:1]:
            what = f"CVAT would drop what this says of '{label.name}': {fault}"
            hint = f"leave '{step.attribute}' out of the label, or declare it as the step gives it"
            yield manifest_file.problem(path, what, hint=hint, rule=ATTRIBUTE_DROPPED)


def label_spec(labels: Sequence[Label]) -> str:
    """The labels as CVAT's server reads them: a JSON list, one label a line."""
    lines = []
    for label in labels:
        entry: dict[str, Any] = {"id": label.id, "name": label.name, "type": label.type}
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
