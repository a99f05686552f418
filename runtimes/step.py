"""The steps that a manifest's `preprocess` and `postprocess` lists name.

A step is one frozen dataclass. Its fields, with their types, defaults and the docstrings below
them, are the manifest's schema; its `__call__` is what runs in the function; its `repr` is what
the generated model_handler.py spells out. Its name in a manifest is the class's name in
snake_case. The class's docstring ends with an example, which the manual shows: one entry of a list
under the line `Example:`. There is no other place where a step has to be entered.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from runtimes.arrays import Array, Size
from runtimes.classes import Classes, Joints
from runtimes.frame import Frame
from runtimes.instances import Instances
from runtimes.signature import ImageInput, Signature
from runtimes.view import View

Item: TypeAlias = dict[str, Any]
"""One entry of a detector's reply, as CVAT's server reads it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a number in a step's field: `Annotated[float, Limits(least=0)]`.

    pydantic asks annotations for the method below and takes a plain dictionary back, so bounds
    reach its validation and its JSON Schema without this package importing it.
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
"""One number for a square, or height and width."""


def height_width(size: SideOrSize) -> Size:
    """Height and width of what a manifest may give as one number."""
    return size if isinstance(size, tuple) else (size, size)


class Step:
    """What all steps share: a name, and strictness when pydantic reads one from a manifest."""

    __slots__ = ()
    __pydantic_config__: ClassVar[dict[str, Any]] = {
        "extra": "forbid",
        "allow_inf_nan": False,
    }

    @classmethod
    def name(cls) -> str:
        """The step's name in a manifest: `CenterCrop` is `center_crop`."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()


class Preprocess(Step):
    """A step from image towards tensor."""

    __slots__ = ()

    def bind(self, image: ImageInput) -> "Preprocess":
        """This step with what the manifest left out filled in from the model's input.

        Raises:
            BadModel: the step cannot feed that input.
        """
        return self

    def __call__(self, frame: Frame) -> Frame:
        """Do the step."""
        raise NotImplementedError


Capability: TypeAlias = Literal["masks", "keypoints", "oriented"]
"""What instances can have besides an axis-aligned box; "oriented" is a rotated box."""


class Decoder(Step):
    """A step from the model's outputs to instances: the first of `postprocess`.

    Attributes:
        space: whose pixels the instances are in. Most decoders need not know that there is an
            image; those that look at every pixel of it give instances in the image's.
        provides: what instances can have besides a box; a model of the family may leave it out.
    """

    __slots__ = ()
    space: ClassVar[Literal["input", "image"]] = "input"
    provides: ClassVar[frozenset[Capability]] = frozenset()

    @property
    def keypoint_count(self) -> int | None:
        """How many keypoints the instances of this step, bound, have; None where it depends."""
        return None

    def bind(self, signature: Signature, classes: Classes) -> "Decoder":
        """This step with its outputs resolved to names.

        Raises:
            BadModel: the model's outputs are not what this step decodes.
        """
        raise NotImplementedError

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """Decode.

        Args:
            outputs: the model's outputs by name.
            view: how the model saw the image.
            threshold: the score, 0..1, that an instance must exceed.

        Returns:
            Instances in pixels of what `space` says, in any order.

        Raises:
            BadModel: an output does not have the shape that this step decodes.
        """
        raise NotImplementedError


class Refine(Step):
    """A step from instances to fewer instances, in pixels of the image.

    Attributes:
        needs: see Shape.
    """

    __slots__ = ()
    needs: ClassVar[frozenset[Capability]] = frozenset()

    def __call__(self, instances: Instances) -> Instances:
        """Do the step."""
        raise NotImplementedError


InputType: TypeAlias = Literal["select", "radio", "checkbox", "number", "text"]
"""How CVAT lets people edit an attribute."""


class Attribute(Step):
    """A step that says something more about each instance, as the text that CVAT takes."""

    __slots__ = ()
    attribute: str

    def bind(self, signature: Signature) -> "Attribute":
        """This step with its output resolved to a name.

        Raises:
            BadModel: the model's outputs are not what this step reads.
        """
        return self

    def declare(self) -> tuple[InputType, tuple[str, ...]]:
        """How CVAT is to know the attribute, where the labels do not say: input_type, values."""
        raise NotImplementedError

    def __call__(self, instances: Instances, outputs: Mapping[str, Array]) -> Instances:
        """Say it.

        Args:
            instances: in pixels of the image.
            outputs: the model's outputs by name, which `instances.rows` count in.

        Raises:
            BadModel: an output is not what this step reads.
        """
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(Step):
    """A step from instances to what CVAT draws: the last of `postprocess`.

    Attributes:
        label_type: the type that CVAT must know a label by to take this shape.
        needs: what instances must have for it, one of these at least; empty where a box is enough.
    """

    suffix: str = ""
    """Draw this shape under labels of its own: the names of the labels and this text. Shapes of one
    instance belong to one group."""

    label_type: ClassVar[str]
    needs: ClassVar[frozenset[Capability]] = frozenset()

    def bind(self, joints: tuple[Joints, ...]) -> "Shape":
        """This step with what the labels say of keypoints, where it has a use for that."""
        return self

    def __call__(self, instances: Instances, size: Size) -> Iterator[tuple[int, Item]]:
        """Draw.

        Args:
            instances: in pixels of the image, within its bounds.
            size: height and width of the image.

        Yields:
            The number of an instance and an item for it, without label and confidence.
        """
        raise NotImplementedError
