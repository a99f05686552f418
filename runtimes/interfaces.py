"""The interfaces of the steps that segment, track and embed; see runtimes.step for the others."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from runtimes.arrays import Array, Size
from runtimes.instances import Instances
from runtimes.prompts import Prompts
from runtimes.signature import Signature
from runtimes.step import Fraction, Pixels, Step
from runtimes.view import View

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

    template: str | None = None
    """The name of the input that takes the template, the object as it was drawn. Default: told by
    its name, or else the smaller one."""
    search: str | None = None
    """The name of the input that takes the part of the new frame to search in."""
    template_size: Pixels | None = None
    """The side of the square template in pixels. Default: the model's, or usual."""
    search_size: Pixels | None = None
    """The side of the square search crop in pixels. Default: the model's, or usual."""
    image: str | None = None
    """The name of the encoder's input. Default: the only one."""
    embedding: str | None = None
    """The name of the encoder's output. Default: the only one."""
    fill: Literal["mean", "black"] = "mean"
    """What crops show beyond the image: its mean colour, or black."""
    threshold: Fraction = 0.2
    """The score below which the object counts as lost in a frame."""

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
