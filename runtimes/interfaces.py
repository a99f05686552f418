"""The base classes of the steps of interactors, trackers and ReID functions."""

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
"""A function that runs a model: inputs by name -> outputs by name; see session.run_fitted. Inputs
may have another type than the model's, and may lack leading axes of 1."""


class Segmenter(Step):
    """A step that turns prompts into masks: the first step of an interactor's `postprocess`."""

    __slots__ = ()

    def bind(self, model: Signature, encoder: Signature | None) -> "Segmenter":
        """Return this step with its tensors resolved to names.

        Args:
            model: the signature of the model that takes the prompts.
            encoder: the signature of the encoder; None if one model takes image and prompts.

        Raises:
            BadModel: the models do not have the tensors of this step.
        """
        raise NotImplementedError

    def image_input(self) -> str:
        """Return the name of the image input of a step that was bound without an encoder."""
        raise NotImplementedError

    def __call__(
        self, run: Run, features: Mapping[str, Array], view: View, prompts: Prompts
    ) -> Instances:
        """Run the model that takes the prompts.

        Args:
            run: runs this model.
            features: the encoder's outputs by name, or the image input of the only model.
            view: the sizes of image and input, and the map between them.
            prompts: in pixels of the image, within its bounds.

        Returns:
            Instances with masks in pixels of the image, in any order. An instance's class is the
            index of the object that its mask shows; see Prompts.objects.

        Raises:
            BadModel: an output does not have the shape that this step reads.
        """
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracking(Step):
    """A step that finds an object in the next frame: the only step of a tracker's `postprocess`.

    It chooses the square crops that the model sees, and reads the object's new box from the
    model's outputs. It has no state: of the previous frame it uses only the object's box.
    """

    template: str | None = None
    """Name of the template input: the crop of the object in the first frame. Default: recognized by
    its name, otherwise the smaller of the two inputs."""
    search: str | None = None
    """Name of the search input: the crop of the new frame. Default: the other input."""
    template_size: Pixels | None = None
    """Side of the template crop in pixels. Default: the model's, otherwise the family's usual."""
    search_size: Pixels | None = None
    """Side of the search crop in pixels. Default: the model's, otherwise the family's usual."""
    image: str | None = None
    """Name of the encoder's input. Default: the only input."""
    embedding: str | None = None
    """Name of the encoder's output. Default: the only output."""
    fill: Literal["mean", "black"] = "mean"
    """Fill color of crops beyond the image's border: the image's mean color, or black."""
    threshold: Fraction = 0.2
    """Default confidence threshold, below which the object counts as lost in the frame. CVAT's
    request may override it."""

    def bind(self, model: Signature, encoder: Signature | None) -> "Tracking":
        """Return this step with its tensors resolved to names and its sizes filled in.

        Args:
            model: the signature of the model that compares two crops or their embeddings.
            encoder: the signature of the model that embeds a crop, if there is one.

        Raises:
            BadModel: the models do not have the tensors of this step.
        """
        raise NotImplementedError

    def template_view(self, box: Array, image: Size) -> View:
        """Return the template crop of an object.

        Args:
            box: (4,) x1 y1 x2 y2 of the object, image pixels.
            image: height and width of the image.
        """
        raise NotImplementedError

    def search_views(self, box: Array, image: Size) -> tuple[View, ...]:
        """Return the search crops of a frame, given the object's box in the previous frame."""
        raise NotImplementedError

    def __call__(
        self, outputs: Sequence[Mapping[str, Array]], views: Sequence[View], box: Array
    ) -> tuple[Array, float]:
        """Decode the object's new box.

        Args:
            outputs: the model's outputs by name, for each of `views`.
            views: the search crops, from `search_views`.
            box: (4,) x1 y1 x2 y2 in the previous frame, image pixels.

        Returns:
            (4,) float64 x1 y1 x2 y2 in image pixels, and the confidence, 0..1.

        Raises:
            BadModel: an output does not have the shape that this step decodes.
        """
        raise NotImplementedError


class Embedder(Step):
    """A step that turns the model's outputs into vectors: the only step of ReID's `postprocess`."""

    __slots__ = ()

    def bind(self, signature: Signature) -> "Embedder":
        """Return this step with its output resolved to a tensor name.

        Raises:
            BadModel: this step cannot read the model's outputs.
        """
        raise NotImplementedError

    def __call__(self, outputs: Mapping[str, Array]) -> Array:
        """Return the vectors of N crops, (N, D) float64.

        Args:
            outputs: the model's outputs by name; the first axis is the crop.

        Raises:
            BadModel: the output does not have the shape that this step reads.
        """
        raise NotImplementedError

    def distances(self, vectors0: Array, vectors1: Array) -> Array:
        """Return distances: (N, D) and (M, D) -> (N, M) float64, 0 for equal vectors."""
        raise NotImplementedError
