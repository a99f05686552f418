"""Running a function on images while it is planned."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from runtimes import image
from runtimes.arrays import Array
from runtimes.backends.session import Session
from runtimes.heap import release
from runtimes.quiet import no_stderr
from runtimes.service import Function
from runtimes.signature import Signature


@dataclass(slots=True)
class _Watched:
    """A session that hands its inputs on, and records outputs that are not finite."""

    session: Session
    watch: Callable[[Mapping[str, Array]], None]
    not_finite: set[str]

    @property
    def signature(self) -> Signature:
        """See Session.signature."""
        return self.session.signature

    @property
    def device(self) -> str:
        """See Session.device."""
        return self.session.device

    @property
    def warning(self) -> str:
        """See Session.warning."""
        return self.session.warning

    def read(self, names: Iterable[str]) -> None:
        """See Session.read."""
        self.session.read(names)

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """See Session.run."""
        self.watch(inputs)
        found = self.session.run(inputs)
        for name, array in found.items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                self.not_finite.add(name)
        return found


@dataclass(slots=True)
class Examination:
    """A run of a function on images.

    Attributes:
        function: the function.
        files: the names of its model files.
        opener: loads the model file of a name.
        watch: gets the name of a model file and the inputs of each run on an image.
        not_finite: the outputs that were infinite or not numbers so far.
    """

    function: Function
    files: tuple[str, ...]
    opener: Callable[[str], Session]
    watch: Callable[[str, Mapping[str, Array]], None] | None = None
    not_finite: set[str] = field(default_factory=set)
    # What functions read of a backend.
    threads: int = 0
    workers: int = 1
    suffix: str = ""
    _is_started: bool = False

    def open(self, model: Path) -> Session:
        """Load a model; see the protocol Backend."""

        def watch(inputs: Mapping[str, Array]) -> None:
            if self.watch is not None and self._is_started:
                self.watch(model.name, inputs)

        return _Watched(self.opener(model.name), watch, self.not_finite)

    def __call__(self, images: Iterable[bytes]) -> Iterator[dict[str, Array]]:
        """Yield what the function's `examine` returns for each image file.

        Raises:
            FunctionError: a model cannot be loaded, or a step does not match its outputs.
            BadImage: a file is no image.
        """
        with tempfile.TemporaryDirectory() as folder:
            for name in self.files:  # Functions only look whether the files are there.
                (Path(folder) / name).touch()
            with no_stderr():
                started = self.function.start(self, Path(folder))
            self._is_started = True
            for data in images:
                with no_stderr():
                    found = started.examine(image.pixels(data))
                yield found
            del started
        release()
