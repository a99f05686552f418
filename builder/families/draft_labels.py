"""The labels of a drafted manifest."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from builder.diagnostics.errors import ManifestError
from builder.diagnostics.problem import Problem
from builder.families.coco_keypoints import COCO, COCO_EDGES, COCO_PLACES, keypoint_names
from builder.families.evidence import Evidence
from builder.families.face_keypoints import FACE, FACE_EDGES, FACE_PLACES
from builder.families.match import ClassList, Match
from builder.families.yaml_writer import Line, inline
from builder.manifest.labels import Label, Labels
from builder.model.hugging_face import CONFIG_FILE, read_labels
from builder.model.label_metadata import from_metadata, names_key, openvino_labels
from builder.model.metadata import METADATA_FILE
from runtimes.decoders.semantic import Semantic, is_background

_DEFAULT_COUNT = 80
"""The number of labels where the number of classes is not known."""
_DRAWINGS: Mapping[tuple[str, ...], tuple[Sequence[tuple[str, str]], Sequence[tuple[int, int]]]] = {
    COCO: (COCO_EDGES, COCO_PLACES),
    FACE: (FACE_EDGES, FACE_PLACES),
}
"""Names of keypoints -> the edges between them, and their places in the drawing."""
_PATH = ("labels",)
_WRITE_LABELS = "write the labels into the manifest"


@dataclass(frozen=True, slots=True)
class GivenLabels:
    """Labels that the user gave.

    Attributes:
        entries: the labels.
        file: the name of their file.
    """

    entries: tuple[Label, ...]
    file: str


@dataclass(frozen=True, slots=True)
class _Source:
    """A source of labels.

    Attributes:
        entries: the labels; None for `labels: metadata`, which leaves them in the model.
        why: what the source is.
    """

    entries: list[Label] | None
    why: str


def label_lines(
    match: Match,
    classes: ClassList,
    evidence: Evidence,
    file: Path,
    given: GivenLabels | None,
    notes: list[Problem],
) -> Iterator[Line]:
    """Yield the lines of a manifest's `labels`.

    Args:
        match: a detector's.
        classes: its classes.
        evidence: of the model.
        file: the model file.
        given: labels that take precedence over all other sources.
        notes: receives what the user has to check.
    """
    if _names_class_0(match, classes, _known_names(given, evidence, file)):
        count = None if classes.count is None else classes.count + classes.first
        classes = replace(classes, count=count, first=0)
    source = (
        _from_user(given, classes, notes)
        if given is not None and given.entries
        else _from_metadata(match, classes, evidence, file, notes)
        or _from_model_info(classes, evidence)
        or _from_config(classes, file)
        or _from_family(classes)
        or _numbered(classes, file, notes)
    )
    if source.entries is None:
        yield Line("labels: metadata", source.why)
        return
    yield Line("labels:", source.why)
    for index, label in enumerate(source.entries):
        entry: dict[str, Any] = {"name": label.name}
        if classes.first or label.id is not None:
            own = list(label.id) if isinstance(label.id, tuple) else label.id
            entry["id"] = own if own is not None else index + classes.first
        if label.attributes:
            entry["attributes"] = [
                {key: it for key, it in attribute.model_dump().items() if it not in ((), None)}
                for attribute in label.attributes
            ]
        if match.keypoints:
            yield from _skeleton(label, entry, match)
        else:
            yield Line(f"  - {inline(entry if len(entry) > 1 else label.name)}")


def _known_names(given: GivenLabels | None, evidence: Evidence, file: Path) -> list[str]:
    """Return the names of all classes that the user, the metadata or config.json give."""
    if given is not None and given.entries:
        if any(label.id is not None for label in given.entries):
            return []
        return [label.name for label in given.entries]
    try:
        return [it.name for it in from_metadata(evidence.signature.metadata, Path("the model"))]
    except ManifestError:
        names = read_labels(file)
        return list(names.values()) if [*names] == [*range(len(names))] else []


def _names_class_0(match: Match, classes: ClassList, names: Sequence[str]) -> bool:
    """Return whether names include class 0 of a semantic model, and it is not a background."""
    return (
        classes.first == 1
        and any(it.step is Semantic for it in match.postprocess)
        and classes.count in (None, len(names) - 1)
        and bool(names)
        and not is_background(names[0])
    )


def _skeleton(label: Label, entry: Mapping[str, Any], match: Match) -> Iterator[Line]:
    """Yield a label with its keypoints, and the edges between them where they are known."""
    names = label.keypoints or match.keypoint_names or keypoint_names(match.keypoints)
    head, *rest = (f"{key}: {inline(value)}" for key, value in entry.items())
    yield Line(f"  - {head}")
    for line in rest:
        yield Line(f"    {line}")
    edges, places = _DRAWINGS.get(names, ((), ()))
    if label.keypoints:
        why = "the keypoints"
    elif match.keypoint_names:
        why = f"the keypoints of {match.name}"
    else:
        why = "guessed: COCO's keypoints" if places else "numbered: the model does not name them"
    yield Line("    sublabels:", why)
    for index, name in enumerate(names):
        if places:
            x, y = places[index]
            yield Line(f"      - {inline({'name': name, 'x': x, 'y': y})}")
        else:
            yield Line(f"      - {inline(name)}")
    edges = label.edges or edges
    if edges:
        yield Line("    edges:")
        for edge in edges:
            yield Line(f"      - {inline(edge)}")


def _from_metadata(
    match: Match, classes: ClassList, evidence: Evidence, file: Path, notes: list[Problem]
) -> _Source | None:
    """Return the labels of the model's metadata, or None if they are absent or invalid."""
    key = names_key(evidence.signature.metadata)
    if key is None:
        return None
    try:
        found = from_metadata(evidence.signature.metadata, file)
    except ManifestError as error:
        notes += [
            Problem(
                f"the names in the metadata are invalid: {problem.what}",
                file=file,
                found=problem.found,
                hint=_WRITE_LABELS,
            )
            for problem in error.problems
        ]
        return None
    problems = Labels.of(found).problems()
    if problems:
        notes.append(Problem(f"in the metadata: {problems[0].what}", hint=problems[0].hint))
        return None
    if not found:
        return None
    fitted = _fitted(found, classes)
    if fitted is None:
        what = f"the metadata name {len(found)} classes, the model has {classes.count}"
        notes.append(Problem(what, path=_PATH, found=classes.why))
        return None
    origin = "metadata_props"
    if evidence.graph.opset is None:
        origin = METADATA_FILE if file.with_name(METADATA_FILE).is_file() else "rt_info framework"
    if match.keypoints and len(found[0].keypoints) != match.keypoints:
        bare = [Label(name=label.name) for label in found]
        return _Source(bare, f"{origin}.{key}, which name no keypoints")
    listed = ", ".join(label.name for label in found[:4]) + (", ..." if len(found) > 4 else "")
    # A background that the names omit, or a name of it, shifts the class IDs.
    has_ids = classes.first > 0 and classes.count is not None
    return _Source(fitted if has_ids else None, f"{origin}.{key}: {listed}")


def _from_model_info(classes: ClassList, evidence: Evidence) -> _Source | None:
    """Return the labels of OpenVINO's `rt_info`, if there are as many as classes."""
    names = openvino_labels(evidence.signature.metadata)
    if not names or classes.count not in (len(names), None):
        return None
    return _Source([Label(name=name) for name in names], "rt_info labels")


def _from_config(classes: ClassList, file: Path) -> _Source | None:
    """Return the labels of Hugging Face's config.json, if they are classes of the model."""
    names = read_labels(file)
    if not names or len(set(names.values())) < len(names):
        return None
    last = None if classes.count is None else classes.count + classes.first - 1
    if last is not None and max(names) > last:
        return None
    why = f"{CONFIG_FILE} id2label"
    wanted = {number: name for number, name in names.items() if number >= classes.first}
    if not wanted:
        return None
    expected = range(classes.first, len(wanted) + classes.first)
    if [*wanted] == [*expected] and last in (max(wanted), None):
        return _Source([Label(name=name) for name in wanted.values()], why)
    return _Source([Label(name=name, id=number) for number, name in wanted.items()], why)


def _from_family(classes: ClassList) -> _Source | None:
    """Return the labels that every model of the family has."""
    if not classes.names:
        return None
    return _Source([Label(name=name) for name in classes.names], classes.why)


def _numbered(classes: ClassList, file: Path, notes: list[Problem]) -> _Source:
    """Return a numbered label for each class."""
    count = classes.count or _DEFAULT_COUNT
    hint = f"{_WRITE_LABELS}, or pass a label file: --labels FILE"
    why = f"numbered: the model does not name its classes; {classes.why}"
    if classes.count is None:
        what = f"the number of classes is unknown; {count} labels are written"
        notes.append(Problem(what, file=file, path=_PATH, hint=hint))
        why = f"guessed: the number of classes is unknown; {count} numbered"
    elif classes.first:
        what = "class 0 is assumed to be the background, and gets no label"
        notes.append(Problem(what, file=file, path=_PATH, hint=hint))
    names = [f"class_{number + classes.first}" for number in range(count)]
    return _Source([Label(name=name) for name in names], why)


def _from_user(given: GivenLabels, classes: ClassList, notes: list[Problem]) -> _Source:
    """Return the user's labels, with IDs where their order is not that of the classes."""
    found = _fitted(list(given.entries), classes)
    if found is None:
        what = (
            f"{given.file} has {len(given.entries)} labels, the model has {classes.count} classes"
        )
        notes.append(Problem(what, path=_PATH, found=classes.why))
        found = list(given.entries)
    return _Source(found, f"from {given.file}")


def _fitted(given: list[Label], classes: ClassList) -> list[Label] | None:
    """Return labels with the model's class IDs, or None if their number does not fit."""
    count = classes.count
    if any(isinstance(label.id, tuple) for label in given):
        # Merged classes: the file is written for this model.
        most = max(number for label in Labels.of(given).entries for number in label.ids)
        return given if count is None or most < count + classes.first else None
    numbered = all(label.id is not None for label in given)
    if count in (len(given), None) and not (numbered and count is None):
        # As many as the model has: their order is the model's, however they are numbered.
        return [label.model_copy(update={"id": None}) for label in given]
    if numbered and given:
        ids = [label.ids[0] for label in given]
        if count is not None and not classes.first and min(ids) >= 1 and max(ids) == count:
            # COCO counts from 1; a model without a class for the background counts from 0.
            return [
                label.model_copy(update={"id": number - 1})
                for label, number in zip(given, ids, strict=True)
            ]
        if count is None or max(ids) < count + classes.first:
            return given
    if classes.first and count is not None and len(given) == count + classes.first:
        return [
            label.model_copy(update={"id": index})
            for index, label in enumerate(given)
            if index >= classes.first
        ]
    return None
