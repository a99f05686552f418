"""Labels: what a class number means to CVAT."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from builder.diagnostics.errors import Refused
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule
from builder.diagnostics.text import did_you_mean, has_controls
from builder.manifest.skeleton_svg import Point, layout, svg
from builder.manifest.validation import Strict
from runtimes.classes import Classes, Joints
from runtimes.step import InputType

DUPLICATE_LABEL = Rule(
    "duplicate-label",
    "Duplicate label",
    "CVAT hides a function with duplicate label names; older servers then list no function at all.",
)
DUPLICATE_CLASS_ID = Rule(
    "duplicate-class-id",
    "Duplicate class ID",
    "Only one of the labels would ever be used.",
)
KEYPOINTS_DIFFER = Rule(
    "keypoints-differ",
    "Labels with different keypoints",
    "A model returns the same keypoints for all classes.",
)
INVALID_KEYPOINTS = Rule(
    "invalid-keypoints",
    "Invalid keypoints",
    "A skeleton needs unique keypoints, and edges that connect them.",
    depends_on="labels",
)
INVALID_ATTRIBUTE = Rule(
    "invalid-attribute",
    "Invalid attribute",
    "CVAT's server drops the attribute, or fails the whole request.",
)
DUPLICATE_ATTRIBUTE = Rule(
    "duplicate-attribute",
    "Duplicate attribute",
    "CVAT hides a function with duplicate attribute names.",
)


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
            raise Refused(f"a {kind} attribute needs `values`: the choices", INVALID_ATTRIBUTE)
        if kind == "checkbox" and not set(values) <= {"true", "false"}:
            raise Refused("the values of a checkbox can only be true and false", INVALID_ATTRIBUTE)
        if kind == "number":
            # CVAT's servers compare with int(value); a fraction would fail the whole request.
            numbers = [int(value) for value in values if value.removeprefix("-").isdigit()]
            if len(numbers) != 3 or len(values) != 3:
                raise Refused(
                    "a number needs three whole `values`: minimum, maximum, step",
                    INVALID_ATTRIBUTE,
                )
            if numbers[0] >= numbers[1] or numbers[2] < 1:
                raise Refused(
                    "a number needs minimum < maximum and a step of at least 1", INVALID_ATTRIBUTE
                )
        return self


ESCAPED = frozenset("\"'<>&")
"""What the name of a keypoint cannot hold."""


def _plain(name: str) -> str:
    """Refuse what the drawing of a skeleton would have to escape; see skeleton_svg."""
    if set(name) & ESCAPED:
        raise Refused("the name of a keypoint cannot hold quotes, < > or &", INVALID_KEYPOINTS)
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
                raise Refused(f"has the sublabel '{name}' twice", INVALID_KEYPOINTS)
        for edge in self.edges:
            for name in edge:
                if name not in names:
                    hint = did_you_mean(name, names)
                    raise Refused(
                        f"has an edge to '{name}', which is no sublabel" + (hint and f"; {hint}"),
                        INVALID_KEYPOINTS,
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
            raise Refused("has both `sublabels` and `skeletons`", INVALID_KEYPOINTS)
        for skeleton in self.skeletons:
            if not skeleton.sublabels:
                raise Refused(
                    f"the skeleton '{skeleton.name}' has no `sublabels`", INVALID_KEYPOINTS
                )
        if self.type == "skeleton" and not self.sublabels:
            raise Refused(
                "a skeleton needs `sublabels`: its keypoints, in the model's order",
                INVALID_KEYPOINTS,
            )
        for joints in self.joints():
            if len(set(joints.points.values())) < len(joints.points):
                raise Refused(
                    "gives one of the model's keypoints to two sublabels", INVALID_KEYPOINTS
                )
        return self

    @model_validator(mode="after")
    def _unique_attributes(self) -> Self:
        names = [attribute.name for attribute in self.attributes]
        for name in names:
            if names.count(name) > 1:
                raise Refused(
                    f"has the attribute '{name}' twice; CVAT drops such a function",
                    DUPLICATE_ATTRIBUTE,
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

    def problems(self) -> list[Problem]:
        """Return duplicates and contradictions; the path of each is the label's index."""
        found: list[Problem] = []
        names: set[str] = set()
        numbers: set[int | None] = set()
        totals: set[int] = set()
        for place, label in enumerate(self.entries):
            totals |= {it.total for it in label.joints() if it.total}
            if label.name in names:
                hint = "give it another name, or leave it out: CVAT would hide the function"
                what = f"duplicate label '{label.name}'"
                found.append(Problem(what, path=(place,), hint=hint, rule=DUPLICATE_LABEL))
            if label.id in numbers:
                hint = "give each label the model's class ID"
                what = f"two labels have the id {label.id}"
                found.append(Problem(what, path=(place,), hint=hint, rule=DUPLICATE_CLASS_ID))
            if len(totals) > 1:
                hint = "give each sublabel an `id`: the model's keypoint ID, from 0"
                what = "the labels have different numbers of sublabels"
                found.append(Problem(what, path=(place,), hint=hint, rule=KEYPOINTS_DIFFER))
            names.add(label.name)
            numbers.add(label.id)
        return found
