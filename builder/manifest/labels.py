"""Labels of a function: names, class IDs, keypoints and attributes."""

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
"""CVAT's label types (cvat-core, enums.ts, LabelType)."""


def _printable(name: str) -> str:
    """Refuse control characters, line breaks included, and spaces at the ends."""
    if has_controls(name) or name != name.strip():
        raise ValueError("a name must not contain control characters, or begin or end with a space")
    return name


Name = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_printable)]
"""The name of a label or attribute. CVAT stores at most 64 characters."""


class Attribute(Strict):
    """An attribute of a label, as CVAT declares it."""

    name: Name
    """Name of the attribute in CVAT."""
    input_type: InputType
    """Type of the attribute's input field in CVAT."""
    values: tuple[str | bool | int | float, ...] = ()
    """Choices of `select` and `radio`; minimum, maximum and step of `number`; "true" or "false" for
    `checkbox`; empty for `text`."""

    @field_validator("values")
    @classmethod
    def _as_text(cls, values: tuple[Any, ...]) -> tuple[str, ...]:
        """Convert the values to text, as CVAT expects them; booleans in lower case."""
        return tuple(
            str(value).lower() if isinstance(value, bool) else str(value) for value in values
        )

    @model_validator(mode="after")
    def _check_values(self) -> "Attribute":
        """Check that the values match the input type."""
        values = [str(value) for value in self.values]
        type_ = self.input_type
        if type_ in ("select", "radio") and not values:
            raise Refused(
                f"an attribute of type `{type_}` needs choices in `values`", INVALID_ATTRIBUTE
            )
        if type_ == "checkbox" and not set(values) <= {"true", "false"}:
            raise Refused("the values of `checkbox` can only be true and false", INVALID_ATTRIBUTE)
        if type_ == "number":
            # CVAT's server parses the values with int(); a fraction would fail the whole request.
            numbers = [int(value) for value in values if value.removeprefix("-").isdigit()]
            if len(numbers) != 3 or len(values) != 3:
                raise Refused(
                    "`number` needs three integers in `values`: minimum, maximum and step",
                    INVALID_ATTRIBUTE,
                )
            if numbers[0] >= numbers[1] or numbers[2] < 1:
                raise Refused(
                    "`number` needs minimum < maximum and a step of at least 1", INVALID_ATTRIBUTE
                )
        return self


ESCAPED = frozenset("\"'<>&")
"""Characters that are not allowed in the name of a keypoint, because SVG would escape them."""


def _unescaped(name: str) -> str:
    """Refuse characters that the drawing of a skeleton would escape; see skeleton_svg."""
    if set(name) & ESCAPED:
        raise Refused(
            "the name of a keypoint must not contain quotes, <, > or &", INVALID_KEYPOINTS
        )
    return name


class Sublabel(Strict):
    """A keypoint of a skeleton."""

    name: Annotated[Name, AfterValidator(_unescaped)]
    """Name of the keypoint in CVAT."""
    id: Annotated[int, Field(ge=0)] | None = None
    """The model's keypoint ID. Default: one more than the previous keypoint's, starting at 0. With
    IDs, keypoints can be omitted."""
    x: Annotated[float, Field(ge=0, le=100)] | None = None
    """Horizontal position in the skeleton's drawing, from 0 (left) to 100. Default: on a circle."""
    y: Annotated[float, Field(ge=0, le=100)] | None = None
    """Vertical position in the skeleton's drawing, from 0 (top) to 100. Default: on a circle."""

    @property
    def point(self) -> Point | None:
        """The position in the skeleton's drawing, or None if the manifest has none."""
        return None if self.x is None or self.y is None else (self.x, self.y)


class Skeleton(Strict):
    """One of several skeletons of a label, with its own name."""

    name: Name
    """Name of the label in CVAT. CVAT maps it to a task's label of the same name."""
    sublabels: tuple[Annotated[Name, AfterValidator(_unescaped)] | Sublabel, ...] = ()
    """Keypoints of the skeleton, in the model's order: names, or names with an ID or position."""
    edges: tuple[tuple[str, str], ...] = ()
    """Edges of the skeleton: pairs of keypoint names."""

    @property
    def keypoints(self) -> tuple[str, ...]:
        """The names of the keypoints."""
        return tuple(it if isinstance(it, str) else it.name for it in self.sublabels)

    @property
    def svg(self) -> str:
        """The drawing of the skeleton; see skeleton_svg."""
        points = layout([None if isinstance(it, str) else it.point for it in self.sublabels])
        return svg(self.keypoints, points, self.edges)

    @model_validator(mode="after")
    def _check_keypoints(self) -> Self:
        """Check that keypoint names are unique, and that edges refer to them."""
        names = self.keypoints
        for name in names:
            if names.count(name) > 1:
                raise Refused(f"duplicate sublabel '{name}'", INVALID_KEYPOINTS)
        for edge in self.edges:
            for name in edge:
                if name not in names:
                    hint = did_you_mean(name, names)
                    raise Refused(
                        f"an edge refers to the unknown sublabel '{name}'" + (hint and f"; {hint}"),
                        INVALID_KEYPOINTS,
                    )
        return self


ClassId = Annotated[int, Field(ge=0)]
"""A class ID of a model."""


class Label(Skeleton):
    """A class of the model, or several, as a label in CVAT."""

    id: ClassId | Annotated[tuple[ClassId, ...], Field(min_length=1)] | None = None
    """The model's class ID, or a list of class IDs: `id: [2, 5, 7]` merges these classes. Default:
    the index in the list, from 0. With IDs, classes can be omitted. Merged classes are one class to
    all steps after the decoder, so that `nms` compares their boxes with each other, and
    `semantic` gives one mask of all of them."""
    type: LabelType | None = None
    """CVAT's label type. Default: the type of the last shape in `postprocess`."""
    attributes: tuple[Attribute, ...] = ()
    """Attributes of the label."""
    skeletons: tuple[Skeleton, ...] = ()
    """Several skeletons instead of `sublabels`, such as a person's body and hands. Each has `name`,
    `sublabels` and `edges`. `skeleton` draws them as separate labels, those of an instance in one
    group."""

    @property
    def ids(self) -> tuple[int, ...]:
        """The class IDs; class 0 if the label has none."""
        return self.id if isinstance(self.id, tuple) else (self.id or 0,)

    @property
    def id_text(self) -> str:
        """The class ID or IDs as a manifest spells them."""
        return str(list(self.id)) if isinstance(self.id, tuple) else str(self.ids[0])

    def joints(self) -> list[Joints]:
        """Return the skeletons of the label; empty if it has no keypoints."""
        found: list[tuple[str, dict[str, int]]] = []
        next_id = 0
        for skeleton in self.skeletons or (self,):
            points = {}
            for sublabel, name in zip(skeleton.sublabels, skeleton.keypoints, strict=True):
                given = None if isinstance(sublabel, str) else sublabel.id
                points[name] = next_id if given is None else given
                next_id = points[name] + 1
            if points:
                found.append((skeleton.name if self.skeletons else "", points))
        listed = [it for skeleton in self.skeletons or (self,) for it in skeleton.sublabels]
        has_ids = any(not isinstance(it, str) and it.id is not None for it in listed)
        total = None if has_ids else len(listed)
        return [Joints(self.ids, name, points, total) for name, points in found]

    @model_validator(mode="after")
    def _check_skeletons(self) -> Self:
        """Check that the skeletons are complete and unambiguous."""
        if self.skeletons and self.sublabels:
            raise Refused("`sublabels` and `skeletons` cannot be combined", INVALID_KEYPOINTS)
        for skeleton in self.skeletons:
            if not skeleton.sublabels:
                raise Refused(
                    f"the skeleton '{skeleton.name}' has no `sublabels`", INVALID_KEYPOINTS
                )
        if self.type == "skeleton" and not self.sublabels:
            raise Refused(
                "a skeleton needs `sublabels`: the keypoints in the model's order",
                INVALID_KEYPOINTS,
            )
        for joints in self.joints():
            if len(set(joints.points.values())) < len(joints.points):
                raise Refused("two sublabels have the same keypoint ID", INVALID_KEYPOINTS)
        return self

    @model_validator(mode="after")
    def _check_ids(self) -> Self:
        """Check that a list of class IDs has no duplicates."""
        for number in self.ids:
            if self.ids.count(number) > 1:
                what = f"the class ID {number} is listed twice"
                raise Refused(what, DUPLICATE_CLASS_ID, "id", hint="remove one of them")
        return self

    @model_validator(mode="after")
    def _check_attributes(self) -> Self:
        """Check that attribute names are unique."""
        names = [attribute.name for attribute in self.attributes]
        for name in names:
            if names.count(name) > 1:
                raise Refused(
                    f"duplicate attribute '{name}'; CVAT hides such a function",
                    DUPLICATE_ATTRIBUTE,
                )
        return self


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of a function.

    Attributes:
        entries: the labels, each with its class ID.
        exact: whether the labels must cover all classes of the model.
    """

    entries: tuple[Label, ...]
    exact: bool

    @classmethod
    def of(cls, labels: Sequence[Label]) -> "Labels":
        """Return labels with class IDs. A label without ID gets its index."""
        return cls(
            tuple(
                label if label.id is not None else label.model_copy(update={"id": index})
                for index, label in enumerate(labels)
            ),
            exact=all(label.id is None for label in labels),
        )

    @property
    def names(self) -> dict[int, str]:
        """Class ID -> name. Merged classes have the same name."""
        return {number: label.name for label in self.entries for number in label.ids}

    @property
    def merged_classes(self) -> tuple[tuple[int, ...], ...]:
        """The class IDs of each label that has several."""
        return tuple(label.ids for label in self.entries if len(label.ids) > 1)

    @property
    def classes(self) -> Classes:
        """The classes, which a decoder compares with the model's."""
        return Classes(1 + max(self.names), self.exact, self.names.get(0))

    @property
    def joints(self) -> tuple[Joints, ...]:
        """The skeletons of all labels. Classes with equal skeletons share one."""
        shared: dict[tuple[object, ...], Joints] = {}
        for one in (joints for label in self.entries for joints in label.joints()):
            key = (one.label, one.total, *one.points.items())
            other = shared.get(key, replace(one, classes=()))
            shared[key] = replace(other, classes=other.classes + one.classes)
        return tuple(shared.values())

    def problems(self) -> list[Problem]:
        """Return the duplicates and contradictions. The path of a problem is the label's index."""
        found: list[Problem] = []
        names: set[str] = set()
        ids: set[int] = set()
        totals: set[int] = set()
        for index, label in enumerate(self.entries):
            totals |= {it.total for it in label.joints() if it.total}
            if label.name in names:
                merged = sorted(
                    {it for other in self.entries if other.name == label.name for it in other.ids}
                )
                hint = "rename or remove the label; CVAT would hide the function"
                if len(merged) > 1:
                    form = f"`{{name: {label.name}, id: {merged}}}`"
                    others = " with an `id` in each other label" if self.exact else ""
                    hint = f"merge the classes: {form}{others}; or rename or remove a label"
                what = f"duplicate label '{label.name}'"
                found.append(Problem(what, path=(index,), hint=hint, rule=DUPLICATE_LABEL))
            for number in sorted(ids & set(label.ids)):
                hint = "give each label the model's class ID"
                what = f"two labels have the class ID {number}"
                found.append(Problem(what, path=(index,), hint=hint, rule=DUPLICATE_CLASS_ID))
            if len(totals) > 1:
                hint = "give each sublabel an `id`: the model's keypoint ID, from 0"
                what = "the labels have different numbers of sublabels"
                found.append(Problem(what, path=(index,), hint=hint, rule=KEYPOINTS_DIFFER))
            names.add(label.name)
            ids |= set(label.ids)
        return found
