"""The base classes of the steps in a manifest's `preprocess` and `postprocess` lists.

A step is one frozen dataclass. Its fields, with their types, defaults and the docstrings below
them, are the manifest's schema. Its `__call__` runs in the function. Its `repr` is spelled out in
the generated model_handler.py. Its name in a manifest is the class's name in snake_case. The
class's docstring ends with an example for the manual: one list entry under the line `Example:`.
A step is registered nowhere else.

The base classes for interactors, trackers and ReID functions are in runtimes.interfaces.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from runtimes.arrays import Array, Size
from runtimes.classes import Classes, Joints
from runtimes.frame import Frame
from runtimes.instances import Instances
from runtimes.signature import ImageInput, Signature
from runtimes.view import View

Item: TypeAlias = dict[str, Any]
"""One annotation in a detector's reply, in the form that CVAT's server reads."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a step's numeric field: `Annotated[float, Limits(least=0)]`.

    pydantic calls `__get_pydantic_core_schema__` of annotations and accepts a plain dictionary, so
    the bounds reach validation and the JSON Schema without an import of pydantic here.

    Attributes:
        least: the smallest allowed value.
        most: the largest allowed value.
        above: an exclusive lower bound.
    """

    least: float | None = None
    most: float | None = None
    above: float | None = None

    def __get_pydantic_core_schema__(
        self, source: Any, handler: Callable[[Any], dict[str, Any]]
    ) -> dict[str, Any]:
        bounds = {"ge": self.least, "le": self.most, "gt": self.above}
        return {**handler(source), **{key: it for key, it in bounds.items() if it is not None}}


Fraction: TypeAlias = Annotated[float, Limits(least=0, most=1)]
Positive: TypeAlias = Annotated[float, Limits(above=0)]
Pixels: TypeAlias = Annotated[int, Limits(least=1, most=16384)]
Byte: TypeAlias = Annotated[int, Limits(least=0, most=255)]
Count: TypeAlias = Annotated[int, Limits(least=1)]
SideOrSize: TypeAlias = Pixels | tuple[Pixels, Pixels]
"""The side of a square, or height and width."""


def height_width(size: SideOrSize) -> Size:
    """Return height and width of a size that may be given as one number."""
    return size if isinstance(size, tuple) else (size, size)


class Step:
    """The base class of all steps: a name, and strict validation by pydantic."""

    __slots__ = ()
    __pydantic_config__: ClassVar[dict[str, Any]] = {
        "extra": "forbid",
        "allow_inf_nan": False,
    }

    @classmethod
    def name(cls) -> str:
        """Return the step's name in a manifest: `center_crop` for `CenterCrop`."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()

    def tensors(self) -> tuple[str, ...]:
        """Return the texts of the bound step's fields; the names of its outputs are among them."""
        return tuple(_texts([getattr(self, it.name) for it in fields(self)]))  # type: ignore[arg-type]


def _texts(value: object) -> Iterator[str]:
    """Yield all texts in nested sequences and mappings."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _texts([*value.keys(), *value.values()])
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


class Preprocess(Step):
    """A step that turns the image into the model's input."""

    __slots__ = ()

    def bind(self, image: ImageInput) -> "Preprocess":
        """Return this step with omitted fields filled in from the model's input.

        Raises:
            BadModel: the step cannot produce this input.
        """
        return self

    def content(self, size: Size) -> Size:
        """Return the size to which the step resizes an image, before it pads or crops it.

        Args:
            size: height and width of the image.
        """
        return size

    def __call__(self, frame: Frame) -> Frame:
        """Apply the step to an image."""
        raise NotImplementedError


Capability: TypeAlias = Literal["masks", "keypoints", "oriented"]
"""What instances can have besides an axis-aligned box; "oriented" is a rotated box."""


class Decoder(Step):
    """A step that turns the model's outputs into instances: the first step of `postprocess`.

    Attributes:
        space: the coordinate frame of the instances: pixels of the model's input, or of the image.
            Decoders that work on each pixel of the image use the latter.
        provides: what instances can have besides a box. Some models of a family lack it.
    """

    __slots__ = ()
    space: ClassVar[Literal["input", "image"]] = "input"
    provides: ClassVar[frozenset[Capability]] = frozenset()

    @property
    def keypoint_count(self) -> int | None:
        """The number of keypoints per instance of the bound step; None if it is not known."""
        return None

    def bind(self, signature: Signature, classes: Classes) -> "Decoder":
        """Return this step with its outputs resolved to tensor names.

        Raises:
            BadModel: this step cannot decode the model's outputs.
        """
        raise NotImplementedError

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """Decode the outputs for one image.

        Args:
            outputs: the model's outputs by name.
            view: the sizes of image and input, and the map between them.
            threshold: the confidence, 0..1, that an instance must exceed.

        Returns:
            Instances in the coordinate frame `space`, in any order.

        Raises:
            BadModel: an output does not have the shape that this step decodes.
        """
        raise NotImplementedError


class Refine(Step):
    """A step that drops, joins or changes instances, in pixels of the image.

    Attributes:
        needs: the capabilities of which the decoder must provide at least one; empty if none.
    """

    __slots__ = ()
    needs: ClassVar[frozenset[Capability]] = frozenset()

    def __call__(self, instances: Instances) -> Instances:
        """Apply the step to the instances of one image."""
        raise NotImplementedError


InputType: TypeAlias = Literal["select", "radio", "checkbox", "number", "text"]
"""The input types of attributes in CVAT's editor."""


class Attribute(Step):
    """A step that adds a text attribute to each instance.

    Attributes:
        attribute: the attribute's name in CVAT.
    """

    __slots__ = ()
    attribute: str

    def bind(self, signature: Signature) -> "Attribute":
        """Return this step with its output resolved to a tensor name.

        Raises:
            BadModel: this step cannot read the model's outputs.
        """
        return self

    def declare(self) -> tuple[InputType, tuple[str, ...]]:
        """Return the attribute's input type and values, for labels that do not declare it."""
        raise NotImplementedError

    def unclipped(self, instances: Instances, outputs: Mapping[str, Array]) -> Array | None:
        """Return the numbers before they are rounded and clipped, (N,); None for texts.

        Args:
            instances: see __call__.
            outputs: see __call__.
        """
        return None

    def __call__(self, instances: Instances, outputs: Mapping[str, Array]) -> Instances:
        """Add the attribute to the instances of one image.

        Args:
            instances: in pixels of the image.
            outputs: the model's outputs by name; `instances.rows` are indexes into them.

        Raises:
            BadModel: an output does not have the shape that this step reads.
        """
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(Step):
    """A step that turns instances into annotations: the last steps of `postprocess`.

    Attributes:
        label_type: the type that a label needs in CVAT for this shape.
        needs: the capabilities of which the decoder must provide at least one; empty if a box is
            enough.
    """

    suffix: str = ""
    """Text appended to the label's name, so that this shape is drawn under a label of its own. The
    shapes of one instance form one group."""

    label_type: ClassVar[str]
    needs: ClassVar[frozenset[Capability]] = frozenset()

    def bind(self, joints: tuple[Joints, ...]) -> "Shape":
        """Return this step with the labels' skeletons, if it draws keypoints."""
        return self

    def __call__(self, instances: Instances, size: Size) -> Iterator[tuple[int, Item]]:
        """Yield an instance's index and its annotation without label and confidence.

        Args:
            instances: in pixels of the image, clipped to its bounds.
            size: height and width of the image.
        """
        raise NotImplementedError
