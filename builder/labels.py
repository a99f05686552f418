"""Labels: what a class number means to CVAT."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, field_validator, model_validator

from builder.document import Document
from builder.errors import ManifestError, Problem, Refused, did_you_mean
from builder.foreign_labels import coco, cvat
from builder.metadata import literal
from builder.skeleton import Point, layout, svg
from builder.texts import has_controls
from builder.validation import Strict
from runtimes.classes import Classes, Joints
from runtimes.step import InputType

LabelType = Literal[
    "any",
    "rectangle",
    "polygon",
    "polyline",
    "points",
    "ellipse",
    "cuboid",
    "mask",
    "skeleton",
    "tag",
]
"""CVAT's types of labels (cvat-core, enums.ts, LabelType)."""


def _printable(name: str) -> str:
    """Refuse line breaks and control characters, and what nobody would see was there."""
    if has_controls(name) or name != name.strip():
        raise ValueError("a name cannot hold control characters, or spaces at its ends")
    return name


Name = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_printable)]
"""CVAT stores names of labels and attributes in columns of 64 characters."""


class Attribute(Strict):
    """A property that annotators see beside a label, as CVAT declares it."""

    name: Name
    """The attribute's name in CVAT."""
    input_type: InputType
    """How CVAT lets people edit it."""
    values: tuple[str | bool | int | float, ...] = ()
    """The choices of `select` and `radio`; minimum, maximum and step of a `number`; "true" or
    "false" for a `checkbox`; nothing for `text`."""

    @field_validator("values")
    @classmethod
    def _as_text(cls, values: tuple[Any, ...]) -> tuple[str, ...]:
        """CVAT takes every value as text, a checkbox's in lower case."""
        return tuple(
            str(value).lower() if isinstance(value, bool) else str(value) for value in values
        )

    @model_validator(mode="after")
    def _values_fit(self) -> "Attribute":
        values = [str(value) for value in self.values]
        kind = self.input_type
        if kind in ("select", "radio") and not values:
            raise Refused(f"a {kind} attribute needs `values`: the choices", "attribute-values")
        if kind == "checkbox" and not set(values) <= {"true", "false"}:
            raise Refused("the values of a checkbox can only be true and false", "attribute-values")
        if kind == "number":
            # CVAT's servers compare with int(value); a fraction would fail the whole request.
            numbers = [int(value) for value in values if value.removeprefix("-").isdigit()]
            if len(numbers) != 3 or len(values) != 3:
                raise Refused(
                    "a number needs three whole `values`: minimum, maximum, step",
                    "attribute-values",
                )
            if numbers[0] >= numbers[1] or numbers[2] < 1:
                raise Refused(
                    "a number needs minimum < maximum and a step of at least 1", "attribute-values"
                )
        return self


_ESCAPED = set("\"'<>&")


def _plain(name: str) -> str:
    """Refuse what the drawing of a skeleton would have to escape; see builder.skeleton."""
    if set(name) & _ESCAPED:
        raise Refused("the name of a keypoint cannot hold quotes, < > or &", "keypoint")
    return name


class Sublabel(Strict):
    """One keypoint of a skeleton."""

    name: Annotated[Name, AfterValidator(_plain)]
    """The keypoint's name in CVAT."""
    id: Annotated[int, Field(ge=0)] | None = None
    """The model's number of the keypoint. Default: one more than the one before it, from 0. With
    it, keypoints that are not wanted can be left out."""
    x: Annotated[float, Field(ge=0, le=100)] | None = None
    """Where the keypoint is drawn in the skeleton's picture, from 0 (left) to 100. Default: on a
    circle."""
    y: Annotated[float, Field(ge=0, le=100)] | None = None
    """Where the keypoint is drawn, from 0 (top) to 100."""

    @property
    def point(self) -> Point | None:
        """Where the keypoint is drawn, if the manifest says so."""
        return None if self.x is None or self.y is None else (self.x, self.y)


class Skeleton(Strict):
    """One of several skeletons that the keypoints of a label make, with a name of its own."""

    name: Name
    """The label's name in CVAT. Tasks whose labels have the same name are matched by it."""
    sublabels: tuple[Annotated[Name, AfterValidator(_plain)] | Sublabel, ...] = ()
    """The keypoints of a skeleton, in the model's order: names, or names with a place in the
    skeleton's picture."""
    edges: tuple[tuple[str, str], ...] = ()
    """The lines of a skeleton: pairs of keypoints' names."""

    @property
    def keypoints(self) -> tuple[str, ...]:
        """The names of the sublabels."""
        return tuple(it if isinstance(it, str) else it.name for it in self.sublabels)

    @property
    def svg(self) -> str:
        """The drawing of the skeleton."""
        points = layout([None if isinstance(it, str) else it.point for it in self.sublabels])
        return svg(self.keypoints, points, self.edges)

    @model_validator(mode="after")
    def _skeleton_fits(self) -> Self:
        names = self.keypoints
        for name in names:
            if names.count(name) > 1:
                raise Refused(f"has the sublabel '{name}' twice", "keypoint")
        for edge in self.edges:
            for name in edge:
                if name not in names:
                    hint = did_you_mean(name, names)
                    raise Refused(
                        f"has an edge to '{name}', which is no sublabel" + (hint and f"; {hint}"),
                        "keypoint",
                    )
        return self


class Label(Skeleton):
    """One class of the model, as CVAT is to know it."""

    id: Annotated[int, Field(ge=0)] | None = None
    """The model's class number. Default: the place in the list, from 0. With it, classes that are
    not wanted can be left out."""
    type: LabelType | None = None
    """CVAT's type of the label. Default: the shape that the postprocessing ends with."""
    attributes: tuple[Attribute, ...] = ()
    """Properties that annotators see beside the label."""
    skeletons: tuple[Skeleton, ...] = ()
    """Instead of `sublabels`: several skeletons, each with `name`, `sublabels` and `edges`, that
    `skeleton` draws as labels of their own, all of an instance in one group. Body and hands of a
    person, say."""

    def joints(self) -> list[Joints]:
        """The skeletons of the label; none where nothing is said of keypoints."""
        found: list[tuple[str, dict[str, int]]] = []
        following = 0
        for skeleton in self.skeletons or (self,):
            points = {}
            for sublabel, name in zip(skeleton.sublabels, skeleton.keypoints, strict=True):
                given = None if isinstance(sublabel, str) else sublabel.id
                points[name] = following if given is None else given
                following = points[name] + 1
            if points:
                found.append((skeleton.name if self.skeletons else "", points))
        listed = [it for skeleton in self.skeletons or (self,) for it in skeleton.sublabels]
        some = any(not isinstance(it, str) and it.id is not None for it in listed)
        total = None if some else len(listed)
        return [Joints((self.id or 0,), name, points, total) for name, points in found]

    @model_validator(mode="after")
    def _has_what_its_type_needs(self) -> Self:
        if self.skeletons and self.sublabels:
            raise Refused("has both `sublabels` and `skeletons`", "keypoint")
        for skeleton in self.skeletons:
            if not skeleton.sublabels:
                raise Refused(f"the skeleton '{skeleton.name}' has no `sublabels`", "keypoint")
        if self.type == "skeleton" and not self.sublabels:
            raise Refused(
                "a skeleton needs `sublabels`: its keypoints, in the model's order", "keypoint"
            )
        for joints in self.joints():
            if len(set(joints.points.values())) < len(joints.points):
                raise Refused("gives one of the model's keypoints to two sublabels", "keypoint")
        return self

    @model_validator(mode="after")
    def _unique_attributes(self) -> Self:
        names = [attribute.name for attribute in self.attributes]
        for name in names:
            if names.count(name) > 1:
                raise Refused(
                    f"has the attribute '{name}' twice; CVAT drops such a function",
                    "attribute-twice",
                )
        return self


@dataclass(frozen=True, slots=True)
class Labels:
    """All labels of a function.

    Attributes:
        entries: the labels, every one with its id.
        exact: whether they are meant to be all classes of the model.
    """

    entries: tuple[Label, ...]
    exact: bool

    @classmethod
    def of(cls, labels: Sequence[Label]) -> "Labels":
        """Number the labels that have no id by their place in the list."""
        return cls(
            tuple(
                label if label.id is not None else label.model_copy(update={"id": place})
                for place, label in enumerate(labels)
            ),
            exact=all(label.id is None for label in labels),
        )

    @property
    def names(self) -> dict[int, str]:
        """Class number -> name."""
        return {label.id or 0: label.name for label in self.entries}

    @property
    def classes(self) -> Classes:
        """What a decoder compares with the model's number of classes."""
        return Classes(1 + max(self.names), self.exact)

    @property
    def joints(self) -> tuple[Joints, ...]:
        """The skeletons of all labels; classes that have the same one share it."""
        shared: dict[tuple[object, ...], Joints] = {}
        for one in (joints for label in self.entries for joints in label.joints()):
            key = (one.label, one.total, *one.points.items())
            other = shared.get(key, replace(one, classes=()))
            shared[key] = replace(other, classes=other.classes + one.classes)
        return tuple(shared.values())

    def mistakes(self) -> list[tuple[int, str, str, str]]:
        """What CVAT or the function would trip over: (place in the list, what, hint, code)."""
        found = []
        names: set[str] = set()
        numbers: set[int | None] = set()
        totals: set[int] = set()
        for place, label in enumerate(self.entries):
            totals |= {it.total for it in label.joints() if it.total}
            if label.name in names:
                hint = "give it another name, or leave it out: CVAT would hide the function"
                what = f"the label '{label.name}' is there twice"
                found.append((place, what, hint, "label-twice"))
            if label.id in numbers:
                hint = "give each label the model's own class number"
                what = f"the id {label.id} is given to two labels"
                found.append((place, what, hint, "class-number-twice"))
            if len(totals) > 1:
                hint = "give the sublabels an `id`: the model's number of the keypoint, from 0"
                what = "the labels have different numbers of sublabels"
                found.append((place, what, hint, "keypoints-differ"))
            names.add(label.name)
            numbers.add(label.id)
        return found


def from_metadata(metadata: Mapping[str, str], model: Path) -> list[Label]:
    """Labels from what a model says of itself.

    That is the `names` that Ultralytics writes, a Python literal in text, or else the `labels` in
    the `model_info` of an OpenVINO IR.

    Raises:
        ManifestError: there are none, or they are not what their key says.
    """
    text = metadata.get("names")
    if text is None and (words := words_of(metadata)):
        return [Label(name=word) for word in words]
    if text is None:
        raise ManifestError(
            Problem(
                "the model carries no class names",
                path="labels",
                found=f"metadata keys of {model.name}: {', '.join(sorted(metadata)) or 'none'}",
                allowed="an entry `names`, as Ultralytics writes it, or `labels`, as OpenVINO does",
                hint="list the labels in the manifest instead of `labels: metadata`",
                code="labels-not-in-model",
            )
        )
    try:
        names = literal(text)
    except ValueError as error:
        raise _bad_names(text, "cannot be read") from error
    if isinstance(names, list | tuple):
        names = dict(enumerate(names))
    if (
        not isinstance(names, dict)
        or not names
        or not all(isinstance(key, int) and not isinstance(key, bool) for key in names)
        or not all(isinstance(name, str) and 0 < len(name) <= 64 for name in names.values())
    ):
        raise _bad_names(text, "are not numbers with names of 1 to 64 characters")
    if sorted(names) != list(range(len(names))):
        raise _bad_names(text, "are not numbered from 0 without a gap")
    points = _keypoint_names(metadata)
    try:
        return [Label(name=names[number], sublabels=points) for number in range(len(names))]
    except ValidationError as error:
        raise _bad_names(text, "are not printable text without spaces at its ends") from error


def words_of(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """The `labels` that OpenVINO's tools write: words between spaces, all of them different.

    Nothing where they are not what their key says.
    """
    words = metadata.get("labels", "").split()
    sane = all(re.fullmatch(r"[\w.()/+-]{1,64}", word) for word in words)
    return tuple(words) if sane and len(set(words)) == len(words) else ()


def _keypoint_names(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """The keypoints' names that Ultralytics may write beside the classes'; nothing if it did not.

    They are a list, or class number -> list; only one list for all classes is of use.
    """
    try:
        names = literal(metadata.get("kpt_names", "()"))
    except ValueError:
        return ()
    lists = list(names.values()) if isinstance(names, dict) else [names]
    first = lists[0] if lists else ()
    if not isinstance(first, list) or any(other != first for other in lists):
        return ()
    sane = all(
        isinstance(name, str) and 0 < len(name) <= 64 and not has_controls(name) for name in first
    ) and not any(set(name) & _ESCAPED for name in first)
    return tuple(first) if sane and len(set(first)) == len(first) else ()


def _bad_names(text: str, what: str) -> ManifestError:
    """The error for class names in metadata that make no sense."""
    return ManifestError(
        Problem(
            f"the class names in the model's metadata {what}",
            path="labels",
            found=text[:80] + ("..." if len(text) > 80 else ""),
            allowed="{0: 'name', 1: 'name', ...}",
            hint="list the labels in the manifest instead of `labels: metadata`",
            code="labels-not-in-model",
        )
    )


def from_file(file: Path, *, numbered: bool = False) -> list[Any]:
    """The entries of a label file, to be validated as if they stood in the manifest.

    Args:
        file: `.txt` with one name a line; `.yaml` or `.json` with a list of names or of labels,
            or with a key `names` (a list, or class number -> name) as Ultralytics' data.yaml has;
            COCO's annotations; the raw JSON of CVAT's constructor of labels.
        numbered: keep the numbers of COCO's categories. Without it their order counts: most models
            are trained on them without the gaps.

    Raises:
        ManifestError: it cannot be read or holds no labels.
    """
    if file.suffix.lower() == ".txt":
        try:
            lines = file.read_text("utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise _unreadable(file, error) from error
        entries: Any = [line.strip() for line in lines if line.strip()]
    elif file.suffix.lower() == ".json":
        try:
            entries = json.loads(file.read_text("utf-8-sig"))
        except (OSError, ValueError, RecursionError) as error:
            raise _unreadable(file, error) from error
    elif file.suffix.lower() in (".yaml", ".yml"):
        entries = Document.read(file, text_keys=False).data
    else:
        raise ManifestError(
            Problem(
                "is not a label file",
                file=file,
                allowed=".txt, .yaml, .yml or .json",
                code="label-file",
            )
        )
    categories = coco(entries)
    if categories is not None:
        drop = () if numbered else ("id",)
        entries = [
            {key: value for key, value in it.items() if key not in drop}
            if isinstance(it, dict)
            else it
            for it in categories
        ]
    entries = cvat(entries) or entries
    if isinstance(entries, dict):
        entries = entries.get("names")
    if isinstance(entries, dict):
        numbers = [_number(key) for key in entries]
        if numbers == list(range(len(numbers))):
            entries = list(entries.values())
        else:
            entries = [
                {"name": name, "id": number}
                for number, name in zip(numbers, entries.values(), strict=True)
            ]
    if not isinstance(entries, list) or not entries:
        raise ManifestError(
            Problem(
                "holds no labels",
                file=file,
                allowed="a list, or a key `names`",
                code="label-file",
            )
        )
    return entries


def _unreadable(file: Path, error: Exception) -> ManifestError:
    """The error for a label file that cannot be read."""
    return ManifestError(Problem(f"cannot be read: {error}", file=file, code="label-file"))


def _number(key: object) -> object:
    """A class number that JSON had to write as text."""
    return int(key) if isinstance(key, str) and key.isascii() and key.isdecimal() else key
