"""Models whose image inputs change their shape from run to run, on devices where that is slow.

cuDNN chooses the algorithm of each convolution again whenever the shape of the input changes, which
takes 40 to 640 ms, and ONNX Runtime does not remember the choices. So inputs are padded to a few
sizes, each with a session of its own, whose input never changes its shape.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from runtimes.arrays import Array, Size
from runtimes.backends.cuda import Search
from runtimes.backends.session import Session


@dataclass(frozen=True, slots=True)
class VaryingInput:
    """How a model runs whose image input has no fixed shape.

    Attributes:
        buckets: heights and widths to which inputs are padded on the right and at the bottom.
        batch: the number of images of each run, to which batches are padded; None for any number.
        search: the search of convolution algorithms for inputs of other sizes.
    """

    buckets: tuple[Size, ...] = ()
    batch: int | None = None
    search: Search = "DEFAULT"

    def smallest(self, size: Size) -> Size:
        """Return the bucket with the fewest pixels that holds a size, or the size if none does."""
        holding = [it for it in self.buckets if it[0] >= size[0] and it[1] >= size[1]]
        return min(holding, key=lambda it: it[0] * it[1], default=size)


class VaryingSession:
    """A model with one session for each bucket, and one for all other shapes; see Session.

    Attributes:
        varying: the buckets.
    """

    def __init__(
        self,
        varying: VaryingInput,
        first: Session,
        start: Callable[[Search | None], Session],
    ) -> None:
        """Prepare the sessions.

        Args:
            varying: the buckets.
            first: the loaded model.
            start: loads the model again, with this search of algorithms or with the configured one.
        """
        self.varying = varying
        self.signature = first.signature
        self.device = first.device
        self.warning = first.warning
        self._start = start
        self._unused = first if varying.buckets else None
        self._others = None if varying.buckets else first
        self._sessions: dict[tuple[tuple[int, ...], ...], Session] = {}
        self._reads: tuple[str, ...] = ()

    def read(self, names: Iterable[str]) -> None:
        """See Session.read."""
        self._reads = tuple(names)
        for session in (self._unused, self._others, *self._sessions.values()):
            if session is not None:
                session.read(self._reads)

    def warm_up(self, inputs: Mapping[str, Array]) -> None:
        """Load a session for inputs of these shapes, and run it once.

        The first run of a session chooses the algorithms, which takes 0.2 to 0.8 s.
        """
        session = self._unused or self._opened(None)
        self._unused = None
        self._sessions[_shapes(inputs)] = session
        session.run(inputs)

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """See Session.run."""
        session = self._sessions.get(_shapes(inputs)) or self._others
        if session is None:
            session = self._others = self._opened(self.varying.search)
        return session.run(inputs)

    def _opened(self, search: Search | None) -> Session:
        """Load the model once more."""
        session = self._start(search)
        session.read(self._reads)
        return session


def _shapes(inputs: Mapping[str, Array]) -> tuple[tuple[int, ...], ...]:
    """Return the shapes of the inputs, in the order of their names."""
    return tuple(inputs[name].shape for name in sorted(inputs))
