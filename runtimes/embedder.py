"""What ReID's one step has to do."""

from collections.abc import Mapping

from runtimes.arrays import Array
from runtimes.signature import Signature
from runtimes.step import Step


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
