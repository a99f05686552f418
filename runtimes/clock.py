"""The duration of a request's stages, and notes for its log line.

Stages of several modules, in the order of a request:

    image decode       base64 and image file -> pixels
    look up            search for the image's cached embedding (interactors)
    template           cut and embed a tracked object's template
    preprocess         pixels -> tensor
    inference          tensor -> outputs
    decode             outputs -> instances, or a tracked object's new box
    refine             `nms` and other refinements, attributes, mapping to the image
    second models      everything but the two next stages
    crops              crops of instances or boxes -> tensors
    crop inference     their tensors -> outputs
    decoder            prompts -> inputs; outputs -> instances (interactors)
    decoder inference  one run of an interactor's decoder, or of its only model
    match              assignment of embeddings (ReID)
    masks              instances -> bitmaps
    shapes             instances -> annotations
    serialize          annotations -> JSON
"""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter


class Clock:
    """Measures the stages of a request and collects notes for its log line.

    Attributes:
        stages: stage -> milliseconds, in the order of first use. A stage inside another one does
            not count for the outer one, so that the stages never exceed the total.
        notes: further text for the log line.
        warnings: lines for the log with the level of warnings.
    """

    def __init__(self) -> None:
        self.stages: dict[str, float] = {}
        self.notes: list[str] = []
        self.warnings: list[str] = []
        self._inner = 0.0
        self._start = perf_counter()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the duration of the `with` block to stage `name`, even if the block raises."""
        before, self._inner = self._inner, 0.0
        start = perf_counter()
        try:
            yield
        finally:
            spent = (perf_counter() - start) * 1000
            self.stages[name] = self.stages.get(name, 0.0) + spent - self._inner
            self._inner = before + spent

    def note(self, text: str) -> None:
        """Add text to the request's log line."""
        self.notes.append(text)

    def warn(self, text: str) -> None:
        """Add a warning, which is logged as a line of its own."""
        self.warnings.append(text)

    def __str__(self) -> str:
        """Return one line: the notes, the time of each stage, and the total."""
        total = (perf_counter() - self._start) * 1000
        parts = [f"{name} {spent:.1f}" for name, spent in self.stages.items()]
        times = ", ".join([*parts, f"total {total:.1f} ms"])
        return "; ".join([*self.notes, times])
