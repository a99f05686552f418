"""What a tracker's one step has to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from runtimes.arrays import Array, Size
from runtimes.signature import Signature
from runtimes.step import Fraction, Pixels, Step
from runtimes.view import View


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracking(Step):
    """A step that finds an object again: the only one of a tracker's `postprocess`.

    It says which squares of the image the model is to see, and reads the object's new box from
    what the model says of them. It keeps nothing between frames: all that it needs of the frame
    before is the object's box.

    Attributes:
        centred: whether the family is trained on values from which ImageNet's mean was taken.
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

    centred: ClassVar[bool] = False

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
