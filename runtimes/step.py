"""The steps that a manifest's `preprocess` and `postprocess` lists name.

A step is one frozen dataclass. Its fields, with their types, defaults and the docstrings below
them, are the manifest's schema; its `__call__` is what runs in the function; its `repr` is what
the generated model_handler.py spells out. Its name in a manifest is the class's name in
snake_case. There is no other place where a step has to be entered.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from runtimes.arrays import Array, Size
from runtimes.errors import BadModel
from runtimes.frame import Frame
from runtimes.instances import Instances
from runtimes.prompts import Prompts
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


@dataclass(frozen=True, slots=True)
class Explained:
    """What a field means that subclasses inherit; pydantic reads docstrings of own fields alone."""

    text: str

    def __get_pydantic_json_schema__(
        self, core_schema: Any, handler: Callable[[Any], dict[str, Any]]
    ) -> dict[str, Any]:
        return {**handler(core_schema), "description": self.text}


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


@dataclass(frozen=True, slots=True)
class Classes:
    """How many classes the manifest's labels speak of.

    Attributes:
        least: one more than the highest class number among the labels.
        exact: whether the labels claim to be all of them (a plain list of names does, labels with
            an explicit `id` do not).
    """

    least: int
    exact: bool

    def check(self, found: int, tensor: str) -> None:
        """Compare with the `found` classes that the model has according to `tensor`.

        Raises:
            BadModel: the numbers differ, or labels name classes that the model does not have.
        """
        if found == self.least or (not self.exact and self.least <= found):
            return
        background = (
            "leave the label of the background out, if one is: the model has none; or "
            if self.exact and self.least == found + 1
            else ""
        )
        labels = f"{self.least} labels" if self.exact else f"a label with id {self.least - 1}"
        raise BadModel(
            f"the model has {found} classes, the manifest {labels}",
            found=tensor,
            allowed=f"{found} labels" if self.exact else f"ids 0 to {found - 1}",
            hint=f"{background}list every class in the model's order, or give the labels that you "
            "want an `id`: the model's class number, from 0",
            code="class-count",
        )


@dataclass(frozen=True, slots=True)
class Joints:
    """One skeleton that some of a model's keypoints make.

    Attributes:
        classes: the class numbers of the instances that have it.
        label: the label that it is drawn under; empty: the instance's own.
        points: a sublabel's name -> the keypoint's number.
        total: how many keypoints the labels say that the model gives; None: they name some of them.
    """

    classes: tuple[int, ...]
    label: str
    points: Mapping[str, int]
    total: int | None

    def check(self, found: int) -> None:
        """Compare with the `found` keypoints that the model gives.

        Raises:
            BadModel: the numbers differ, or sublabels name keypoints that the model does not have.
        """
        least = 1 + max(self.points.values())
        if found == self.total or (self.total is None and least <= found):
            return
        named = f"name {self.total}" if self.total else f"a keypoint with id {least - 1}"
        raise BadModel(
            f"the model gives {found} keypoints, the labels {named}",
            found=", ".join(self.points),
            allowed=f"{found} sublabels" if self.total else f"ids 0 to {found - 1}",
            hint="list every keypoint in the model's order, or give the sublabels that you want an "
            "`id`: the model's number of the keypoint, from 0",
        )


class Step:
    """What all steps share: a name, and strictness when pydantic reads one from a manifest."""

    __slots__ = ()
    __pydantic_config__: ClassVar[dict[str, Any]] = {
        "extra": "forbid",
        "use_attribute_docstrings": True,
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


Gift: TypeAlias = Literal["masks", "keypoints", "oriented"]
"""What instances can have beside a box; the last one is a box at any angle."""

Fitting: TypeAlias = Literal["letterbox", "resize"]
"""How an image is brought to a model's size: with its aspect ratio, or stretched."""


class Decoder(Step):
    """A step from the model's outputs to instances: the first of `postprocess`.

    Attributes:
        space: whose pixels the instances are in. Most decoders need not know that there is an
            image; those that look at every pixel of it give instances in the image's.
        gives: what instances can have beside a box; a model of the family may leave it out.
        overlapping: whether several instances stand for one object, so that `nms` has to follow.
        brought: by which step images are brought to the size that the family is trained at; None
            where several are usual.
    """

    __slots__ = ()
    space: ClassVar[Literal["input", "image"]] = "input"
    gives: ClassVar[frozenset[Gift]] = frozenset()
    overlapping: ClassVar[bool] = False
    brought: ClassVar[Fitting | None] = None

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
    """A step from instances to fewer instances, in pixels of the image."""

    __slots__ = ()

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

    suffix: Annotated[
        str,
        Explained(
            "Draw this shape under labels of its own: the names of the labels and this text. "
            "Shapes of one instance belong to one group."
        ),
    ] = ""

    label_type: ClassVar[str]
    needs: ClassVar[frozenset[Gift]] = frozenset()

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


Run: TypeAlias = Callable[[Mapping[str, Array]], dict[str, Array]]
"""Runs a model: from its inputs to its outputs, both by name; see Session.run. Inputs may be given
in another type than the model's, or without leading axes of 1."""


class Segmenter(Step):
    """A step from an annotator's prompts to masks: the first of an interactor's `postprocess`."""

    __slots__ = ()

    def bind(self, model: Signature, encoder: Signature | None) -> "Segmenter":
        """This step with its tensors resolved to names.

        Args:
            model: of the model that takes the prompts: the decoder, or the only model.
            encoder: of the model that takes the image, where that is another one.

        Raises:
            BadModel: the models are not what this step is for.
        """
        raise NotImplementedError

    def image_input(self) -> str:
        """The input that takes the image, of a step that was bound to an only model."""
        raise NotImplementedError

    def __call__(
        self, run: Run, features: Mapping[str, Array], view: View, prompts: Prompts
    ) -> Instances:
        """Run the model that takes the prompts.

        Args:
            run: that model.
            features: the encoder's outputs by name, or of an only model the input that takes the
                image.
            view: how the model saw the image.
            prompts: in pixels of the image, within its bounds.

        Returns:
            Instances with masks in pixels of the image, in any order. The class of each is the
            number of the object that it is a mask of; see Prompts.objects.

        Raises:
            BadModel: an output is not what this step reads.
        """
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracking(Step):
    """A step that finds an object again: the only one of a tracker's `postprocess`.

    It says which squares of the image the model is to see, and reads the object's new box from
    what the model says of them. It keeps nothing between frames: all that it needs of the frame
    before is the object's box.
    """

    template: Annotated[
        str | None,
        Explained(
            "The name of the input that takes the template, the object as it was drawn. Default: "
            "told by its name, or else the smaller one."
        ),
    ] = None
    search: Annotated[
        str | None,
        Explained("The name of the input that takes the part of the new frame to search in."),
    ] = None
    template_size: Annotated[
        Pixels | None,
        Explained("Height and width of the template in pixels. Default: the model's, or usual."),
    ] = None
    search_size: Annotated[
        Pixels | None,
        Explained("Height and width of the search crop in pixels. Default: the model's, or usual."),
    ] = None
    image: Annotated[
        str | None,
        Explained("The name of the encoder's input. Default: the only one."),
    ] = None
    embedding: Annotated[
        str | None,
        Explained("The name of the encoder's output. Default: the only one."),
    ] = None
    fill: Annotated[
        Literal["mean", "black"],
        Explained("What crops show beyond the image: its mean colour, or black."),
    ] = "mean"
    threshold: Annotated[
        Fraction,
        Explained("The score below which the object counts as lost in a frame."),
    ] = 0.2

    def bind(self, model: Signature, encoder: Signature | None) -> "Tracking":
        """This step with its tensors resolved to names, and its sizes filled in.

        Args:
            model: of the model that compares: of two crops, or of what `encoder` makes of them.
            encoder: of the model that embeds one crop, where there is one.

        Raises:
            BadModel: the models are not what this step is for.
        """
        raise NotImplementedError

    def template_view(self, box: Array, image: Size) -> View:
        """The part of an image that shows the object, as the model is to see it.

        Args:
            box: (4,) x1 y1 x2 y2 of the object, image pixels.
            image: height and width of the image.
        """
        raise NotImplementedError

    def search_views(self, box: Array, image: Size) -> tuple[View, ...]:
        """The parts of a frame to search in, given the object's box in the frame before."""
        raise NotImplementedError

    def __call__(
        self, outputs: Sequence[Mapping[str, Array]], views: Sequence[View], box: Array
    ) -> tuple[Array, float]:
        """Read the object's new box.

        Args:
            outputs: the model's outputs by name, for each of `views`.
            views: what `search_views` gave.
            box: (4,) x1 y1 x2 y2 in the frame before, image pixels.

        Returns:
            (4,) float64 x1 y1 x2 y2 in image pixels, and the score, 0..1.

        Raises:
            BadModel: an output does not have the shape that this step decodes.
        """
        raise NotImplementedError


class Embedder(Step):
    """A step from a model's outputs to vectors: the only one of a ReID's `postprocess`."""

    __slots__ = ()

    def bind(self, signature: Signature) -> "Embedder":
        """This step with its output resolved to a name.

        Raises:
            BadModel: the model's outputs are not what this step reads.
        """
        raise NotImplementedError

    def __call__(self, outputs: Mapping[str, Array]) -> Array:
        """The vectors of N crops.

        Args:
            outputs: the model's outputs by name, the first axis counting crops.

        Returns:
            (N, D) float64.

        Raises:
            BadModel: the output is not what this step reads.
        """
        raise NotImplementedError

    def distances(self, vectors0: Array, vectors1: Array) -> Array:
        """How different vectors are: (N, D) and (M, D) -> (N, M) float64, 0 for the same."""
        raise NotImplementedError
