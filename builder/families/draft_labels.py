"""The labels of a drafted manifest."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from builder.diagnostics.errors import ManifestError
from builder.diagnostics.problem import Problem
from builder.families.coco_keypoints import COCO, COCO_EDGES, COCO_PLACES, names_of
from builder.families.match import Match
from builder.families.yaml_writer import Line, flow
from builder.manifest.label_files import from_metadata, words_of
from builder.manifest.labels import Label, Labels
from builder.model.metadata import BESIDE

if TYPE_CHECKING:
    from builder.families.draft import Source

_UNKNOWN_COUNT = 80
"""How many labels are written where the model does not say how many classes it has."""


def label_lines(source: "Source", match: Match, notes: list[Problem]) -> Iterator[Line]:
    """The lines of a manifest's `labels`, from whatever names them.

    Args:
        source: what the manifest is drafted from.
        match: a detector's.
        notes: gets what the person should look at.
    """
    classes = match.classes
    assert classes is not None
    found, why = _named(source, match, notes)
    if isinstance(found, str):
        yield Line(f"labels: {found}", why)
        return
    named = found or []
    guessed = False
    if not named:
        count = classes.count or _UNKNOWN_COUNT
        guessed = classes.count is None
        why = (
            f"guessed: the model does not say how many classes it has; {count} numbered"
            if guessed
            else f"numbered, since nothing names them; {classes.why}"
        )
        named = [Label(name=f"class_{number + classes.first}") for number in range(count)]
        if guessed or classes.first:
            what = f"the model does not say how many classes it has; {count} labels are written"
            if not guessed:
                what = "nothing says that class 0 is the background, and it gets no label"
            hint = "write the labels into the manifest, or give a file of them: --labels FILE"
            notes.append(Problem(what, file=source.files[0], path=("labels",), hint=hint))
    yield Line("labels:", why)
    for place, label in enumerate(named):
        number = label.id if label.id is not None else place + classes.first
        entry: dict[str, Any] = {"name": label.name}
        if classes.first or label.id is not None:
            entry["id"] = number
        if label.attributes:
            entry["attributes"] = [
                {key: it for key, it in attribute.model_dump().items() if it not in ((), None)}
                for attribute in label.attributes
            ]
        if match.keypoints:
            yield from _skeleton(label, entry, match.keypoints)
        else:
            yield Line(f"  - {flow(entry if len(entry) > 1 else label.name)}")


def _skeleton(label: Label, entry: Mapping[str, Any], count: int) -> Iterator[Line]:
    """A label with its keypoints, and lines between them where they are known."""
    names = label.keypoints or names_of(count)
    head, *rest = (f"{key}: {flow(value)}" for key, value in entry.items())
    yield Line(f"  - {head}")
    for line in rest:
        yield Line(f"    {line}")
    coco = names == COCO
    yield Line(
        "    sublabels:",
        "guessed: COCO's keypoints"
        if coco and not label.keypoints
        else "the keypoints"
        if label.keypoints
        else "numbered, since nothing names them",
    )
    for place, name in enumerate(names):
        x, y = COCO_PLACES[place] if coco else (None, None)
        at = {"x": x, "y": y} if coco else {}
        yield Line(f"      - {flow({'name': name, **at} if at else name)}")
    edges = label.edges or (COCO_EDGES if coco else ())
    if edges:
        yield Line("    edges:")
        for edge in edges:
            yield Line(f"      - {flow(edge)}")


def _named(
    source: "Source", match: Match, notes: list[Problem]
) -> tuple[list[Label] | str | None, str]:
    """The labels that something names, and what does; "metadata" where they can stay there."""
    classes = match.classes
    assert classes is not None
    evidence = source.ranking.evidence[0]
    if source.labels is not None:
        return _fitted(source, match, notes), f"from {source.labels_from}"
    if "names" in evidence.signature.metadata:
        origin = "metadata_props" if evidence.graph.opset is not None else BESIDE
        try:
            found = from_metadata(evidence.signature.metadata, source.files[0])
        except ManifestError as error:
            notes += [
                Problem(
                    f"the names in the metadata cannot be used: {problem.what}",
                    file=source.files[0],
                    found=problem.found,
                    hint="write the labels into the manifest",
                )
                for problem in error.problems
            ]
            found = []
        problems = Labels.of(found).problems()
        if problems:
            notes.append(Problem(f"in the metadata: {problems[0].what}", hint=problems[0].hint))
        elif found and classes.count not in (len(found), None):
            what = f"the metadata name {len(found)} classes, the model has {classes.count}"
            notes.append(Problem(what, path=("labels",), found=classes.why))
        elif found:
            points = found[0].keypoints
            if match.keypoints and len(points) != match.keypoints:
                bare = [Label(name=label.name) for label in found]
                return bare, f"{origin}.names; the keypoints have no names there"
            first = ", ".join(label.name for label in found[:4])
            more = ", ..." if len(found) > 4 else ""
            return "metadata", f"{origin}.names: {first}{more}"
    spelled = [Label(name=word) for word in words_of(evidence.signature.metadata)]
    if spelled and classes.count in (len(spelled), None):
        return spelled, "rt_info labels"
    if classes.names:
        return [Label(name=name) for name in classes.names], classes.why
    return None, ""


def _fitted(source: "Source", match: Match, notes: list[Problem]) -> list[Label]:
    """The person's labels, with class numbers where their place in the list is not the number."""
    given = list(source.labels or ())
    classes = match.classes
    assert classes is not None
    count = classes.count
    numbered = all(label.id is not None for label in given)
    if count in (len(given), None) and not (numbered and count is None):
        # As many as the model has: their order is the model's, however they are numbered.
        return [label.model_copy(update={"id": None}) for label in given]
    if numbered and given:
        ids = [label.id or 0 for label in given]
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
            label.model_copy(update={"id": place})
            for place, label in enumerate(given)
            if place >= classes.first
        ]
    what = f"{source.labels_from} names {len(given)} labels, the model has {count} classes"
    notes.append(Problem(what, path=("labels",), found=classes.why))
    return given
