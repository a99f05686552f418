"""One model file, and how images get into it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from runtimes.arrays import Array, Size
from runtimes.backends.session import Backend, Session, load
from runtimes.clock import Clock
from runtimes.errors import BadModel
from runtimes.frame import Frame
from runtimes.geometry import Geometry
from runtimes.signature import Tensor
from runtimes.step import Preprocess
from runtimes.view import View

MAX_BATCH = 16
"""Images that go through a model at once, where it takes any number: a bound on memory."""

SIZE_INPUTS: dict[str, Callable[[Size], list[int]]] = {
    "orig_target_sizes": lambda size: [size[1], size[0]],
    "im_shape": lambda size: [size[0], size[1]],
    "scale_factor": lambda size: [1, 1],
}
"""Further inputs that some exports have, by name: [1, 2] numbers made from the model's own input
size, height and width, so that boxes come out in pixels of the input (RT-DETR's and D-FINE's deploy
exports; PaddleDetection)."""


@dataclass(frozen=True, slots=True)
class Network:
    """What is known of a model before it is loaded.

    Attributes:
        file: its name in the function's folder.
        input: the name of the input that takes the image.
        preprocess: the steps from image to that input.
    """

    file: str
    input: str
    preprocess: tuple[Preprocess, ...]

    def open(self, backend: Backend, folder: Path) -> "OpenNetwork":
        """Load the model from `folder`.

        Raises:
            BadModel: the file is absent, or its input is not what the manifest was built with.
            NoDevice: see Backend.open.
        """
        return OpenNetwork(self, load(self.file, backend, folder))


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a model made of one image.

    Attributes:
        tensors: every output by name; valid until the model runs again.
        view: how the model saw the image.
    """

    tensors: dict[str, Array]
    view: View


class OpenNetwork:
    """A loaded model that takes images."""

    def __init__(self, network: Network, session: Session) -> None:
        inputs = {tensor.name: tensor for tensor in session.signature.inputs}
        if network.input not in inputs:
            raise BadModel(
                f"{network.file} has no input '{network.input}'",
                found=", ".join(inputs),
                hint="build the function again: the model is not the one that it was built with",
            )
        self.session = session
        self.input = inputs[network.input]
        self._network = network
        self._sizes = [inputs[name] for name in SIZE_INPUTS if name in inputs]

    def prepare(self, image: Array, geometry: Geometry | None = None) -> tuple[Array, View]:
        """The model's input for an image, and how the model will see it.

        Args:
            image: (H, W, 3) uint8 BGR.
            geometry: where the image lies, if it is a part of another one.
        """
        frame = Frame(image, geometry or Geometry())
        for step in self._network.preprocess:
            frame = step(frame)
        view = View((image.shape[0], image.shape[1]), frame.size, frame.geometry)
        return frame.tensor(self.input.dtype), view

    def run(self, image: Array, clock: Clock) -> Outputs:
        """Preprocess an image and run the model on it.

        Args:
            image: (H, W, 3) uint8 BGR.
        """
        with clock.stage("preprocess"):
            tensor, view = self.prepare(image)
        with clock.stage("inference"):
            return Outputs(self._infer(tensor, view.input), view)

    def run_crops(
        self, image: Array, windows: Sequence[tuple[int, int, int, int]], clock: Clock
    ) -> Iterator[Outputs]:
        """Run the model on parts of an image, as many at once as it takes.

        Args:
            image: (H, W, 3) uint8 BGR.
            windows: left, top, right, bottom (exclusive) of each part, within the image.

        Yields:
            The outputs for each part, in order, every tensor with a first axis of 1; the geometry
            of their views begins at the whole image.
        """
        shape = self.input.shape
        most = MAX_BATCH if len(shape) == 4 and shape[0] is None else 1
        whole = (image.shape[0], image.shape[1])
        waiting: list[tuple[Array, View]] = []
        for left, top, right, bottom in windows:
            with clock.stage("crops"):
                origin = Geometry(1, 1, -left, -top)
                part, view = self.prepare(image[top:bottom, left:right], origin)
            # Preprocessing may make inputs of different sizes, which cannot go together.
            if waiting and (len(waiting) == most or waiting[0][0].shape != part.shape):
                yield from self._together(waiting, clock)
                waiting = []
            waiting.append((part, View(whole, view.input, view.geometry)))
        if waiting:
            yield from self._together(waiting, clock)

    def _together(self, parts: Sequence[tuple[Array, View]], clock: Clock) -> Iterator[Outputs]:
        """The outputs for several inputs of one size, run at once."""
        with clock.stage("crops"):
            batch = np.concatenate([part for part, _ in parts]) if len(parts) > 1 else parts[0][0]
            results = self._infer(batch, parts[0][1].input)
        for number, (_, view) in enumerate(parts):
            own = {
                name: array[number : number + 1].copy() if len(parts) > 1 else array.copy()
                for name, array in results.items()
            }
            yield Outputs(own, view)

    def _infer(self, tensor: Array, size: Size) -> dict[str, Array]:
        """Run the model on its input, (1 or more images), made from images of `size`."""
        sizes = {it.name: _size_input(it, size) for it in self._sizes}
        return self.session.run({self.input.name: tensor, **sizes})


def _size_input(tensor: Tensor, size: Size) -> Array:
    """The numbers that one of SIZE_INPUTS takes."""
    return np.array([SIZE_INPUTS[tensor.name](size)], np.dtype(tensor.dtype))
