"""What an interactor's first step has to do."""

from collections.abc import Callable, Mapping
from typing import ClassVar, TypeAlias

from runtimes.arrays import Array
from runtimes.instances import Instances
from runtimes.prompts import Prompts
from runtimes.signature import Signature
from runtimes.step import Fitting, Step
from runtimes.view import View

Run: TypeAlias = Callable[[Mapping[str, Array]], dict[str, Array]]
"""Runs a model: from its inputs to its outputs, both by name; see Session.run. Inputs may be given
in another type than the model's, or without leading axes of 1."""


class Segmenter(Step):
    """A step from an annotator's prompts to masks: the first of an interactor's `postprocess`.

    Attributes:
        brought: see Decoder.
        centred: whether the family is trained on values from which ImageNet's mean was taken.
    """

    __slots__ = ()
    brought: ClassVar[Fitting | None] = None
    centred: ClassVar[bool] = False

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
