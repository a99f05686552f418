"""A model file and the preprocessing of its image input."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from runtimes.arrays import Array, Size, size_of
from runtimes.backends.session import Backend, Session, load
from runtimes.backends.varying_input import VaryingInput, VaryingSession
from runtimes.clock import Clock
from runtimes.errors import BadModel
from runtimes.frame import Frame
from runtimes.geometry import Geometry
from runtimes.picture import Picture
from runtimes.signature import Tensor
from runtimes.step import Preprocess, Step
from runtimes.view import View

MAX_BATCH = 16
"""Maximum batch size for models with a dynamic batch axis; it bounds the memory."""

EXTRA_INPUTS: dict[str, Callable[[Tensor, Size], Array]] = {
    "orig_target_sizes": lambda _, size: np.array([[size[1], size[0]]]),
    "im_shape": lambda _, size: np.array([size]),
    "scale_factor": lambda *_: np.ones((1, 2)),
    "pixel_mask": lambda mask, size: np.ones(
        [given or own for given, own in zip(mask.shape, (1, *size), strict=True)]
    ),
}
"""Inputs of some exports beside the image, by name -> their values for an input of this height and
width: sizes [1, 2] (RT-DETR's and D-FINE's deployment exports; PaddleDetection), with which boxes
are in pixels of the input, and the mask [1, height, width] of the pixels that are no padding (DETR
of transformers). All pixels count."""


@dataclass(frozen=True, slots=True)
class Network:
    """A model's description.

    Attributes:
        file: its name in the function's folder.
        input: the name of the image input.
        preprocess: the steps that turn an image into that input.
    """

    file: str
    input: str
    preprocess: tuple[Preprocess, ...]

    def open(self, backend: Backend, folder: Path, steps: Iterable[Step] = ()) -> "OpenNetwork":
        """Load the model from `folder`.

        Args:
            backend: the runtime.
            folder: the function's folder.
            steps: the steps that read the model's outputs; the other outputs are not fetched. All
                are fetched without steps.

        Raises:
            BadModel: the file is missing, or the model does not have the input.
            NoDevice: see Backend.open.
        """
        reads = [name for step in steps for name in step.tensors()]
        return OpenNetwork(self, load(self.file, backend, folder, reads))


@dataclass(frozen=True, slots=True)
class Outputs:
    """A model's outputs for one image.

    Attributes:
        tensors: the outputs by name; valid until the next run.
        view: the sizes of image and input, and the map between them.
    """

    tensors: dict[str, Array]
    view: View


class OpenNetwork:
    """A loaded model with an image input."""

    def __init__(self, network: Network, session: Session) -> None:
        inputs = {tensor.name: tensor for tensor in session.signature.inputs}
        if network.input not in inputs:
            raise BadModel(
                f"{network.file} has no input '{network.input}'",
                found=", ".join(inputs),
                hint="build the function again: its model file was replaced",
            )
        self.session = session
        self.input = inputs[network.input]
        self._network = network
        self._extras = [inputs[name] for name in EXTRA_INPUTS if name in inputs]
        self._varying = VaryingInput()
        if isinstance(session, VaryingSession):
            self._varying = session.varying
            for size in self._varying.buckets:
                self._warm_up(session, size)

    def _warm_up(self, session: VaryingSession, size: Size) -> None:
        """Prepare a session for inputs of a size, height and width.

        Raises:
            BadModel: the model does not run on them, for example since the GPU has not enough
                memory for one more session.
        """
        try:
            session.warm_up(self._inputs(self._blank(size), size))
        except Exception as error:
            # The exceptions of inference runtimes have no common base class.
            reason = str(error).strip().partition("\n")[0]
            raise BadModel(
                f"{self._network.file} does not run on an input of {size[0]}x{size[1]} (height x "
                f"width), one of {len(self._varying.buckets)} buckets: {reason}",
                hint="list fewer or smaller sizes in `buckets` under `variants.gpu`, or write "
                "`buckets: none`",
            ) from error

    def _blank(self, size: Size) -> Array:
        """Return the model's input for black pixels of this height and width."""
        pixels = np.zeros((*size, 3), np.uint8)
        frame = replace(self._preprocessed(pixels, Geometry()), pixels=pixels)
        return self._filled(frame.tensor(self.input.dtype))

    def _preprocessed(self, image: Array, geometry: Geometry) -> Frame:
        """Return an image after all steps; see `prepare`."""
        frame = Frame(image, geometry)
        for step in self._network.preprocess:
            frame = step(frame)
        return frame.padded(self._varying.smallest(frame.size))

    def _filled(self, batch: Array) -> Array:
        """Return a batch padded to the size of all batches, if there is one."""
        missing = (self._varying.batch or len(batch)) - len(batch)
        return np.pad(batch, [(0, missing)] + [(0, 0)] * (batch.ndim - 1)) if missing else batch

    def content(self, size: Size) -> Size:
        """Return the size to which preprocessing resizes an image of `size`, without padding."""
        for step in self._network.preprocess:
            size = step.content(size)
        return size

    def prepare(self, picture: Picture) -> tuple[Array, View]:
        """Return the model's input for a picture, and the view."""
        frame = self._preprocessed(picture.pixels, picture.geometry)
        view = View(picture.size, frame.size, frame.geometry)
        return frame.tensor(self.input.dtype), view

    def run(self, picture: Picture, clock: Clock) -> Outputs:
        """Preprocess a picture and run the model on it."""
        with clock.stage("preprocess"):
            tensor, view = self.prepare(picture)
        with clock.stage("inference"):
            return Outputs(self._infer(tensor, view.input), view)

    def run_crops(
        self, image: Array, windows: Sequence[tuple[int, int, int, int]], clock: Clock
    ) -> Iterator[Outputs]:
        """Run the model on crops of an image, in batches if the model supports them.

        Args:
            image: (H, W, 3) uint8 BGR.
            windows: left, top, right, bottom (exclusive) of each crop, within the image.

        Yields:
            The outputs for each crop, in order; the first axis of each tensor is 1. The geometry of
            the views is relative to the whole image.
        """
        size = size_of(image)
        yield from self._run_all(
            (
                Picture(image[top:bottom, left:right], size, Geometry(1, 1, -left, -top))
                for left, top, right, bottom in windows
            ),
            clock,
        )

    def run_images(self, images: Iterable[Array], clock: Clock) -> Iterator[Outputs]:
        """Run the model on images, in batches if the model supports them.

        Args:
            images: each (H, W, 3) uint8 BGR.

        Yields:
            The outputs for each image, in order; the first axis of each tensor is 1.
        """
        yield from self._run_all(map(Picture.whole, images), clock)

    def _run_all(self, pictures: Iterable[Picture], clock: Clock) -> Iterator[Outputs]:
        """Yield the outputs for each picture."""
        shape = self.input.shape
        is_open = len(shape) == 4 and shape[0] is None
        most = (self._varying.batch or MAX_BATCH) if is_open else 1
        waiting: list[tuple[Array, View]] = []
        for picture in pictures:
            with clock.stage("crops"):
                part, view = self.prepare(picture)
            # Preprocessing can create inputs of different sizes, which cannot be in one batch.
            if waiting and (len(waiting) == most or waiting[0][0].shape != part.shape):
                yield from self._together(waiting, clock)
                waiting = []
            waiting.append((part, view))
        if waiting:
            yield from self._together(waiting, clock)

    def _together(self, parts: Sequence[tuple[Array, View]], clock: Clock) -> Iterator[Outputs]:
        """Yield the outputs for several inputs of one size, which are run as one batch."""
        with clock.stage("crops"):
            batch = np.concatenate([part for part, _ in parts]) if len(parts) > 1 else parts[0][0]
            batch = self._filled(batch)
        with clock.stage("crop inference"):
            results = self._infer(batch, parts[0][1].input)
        several = len(parts) > 1 or self._varying.batch is not None
        for number, (_, view) in enumerate(parts):
            own = {
                name: array[number : number + 1].copy() if several else array.copy()
                for name, array in results.items()
            }
            yield Outputs(own, view)

    def _infer(self, tensor: Array, size: Size) -> dict[str, Array]:
        """Run the model on a batch of preprocessed images of `size`, height and width."""
        return self.session.run(self._inputs(tensor, size))

    def _inputs(self, tensor: Array, size: Size) -> dict[str, Array]:
        """Return all inputs for a batch of preprocessed images of `size`, by name."""
        extras = {it.name: extra_input(it, size) for it in self._extras}
        return {self.input.name: tensor, **extras}


def extra_input(tensor: Tensor, size: Size) -> Array:
    """Return the value of one of EXTRA_INPUTS for an image input of `size`, height and width.

    Raises:
        BadModel: the input has another number of axes.
    """
    try:
        return EXTRA_INPUTS[tensor.name](tensor, size).astype(tensor.dtype)
    except ValueError as error:
        raise BadModel(
            f"the input {tensor} has {len(tensor.shape)} axes",
            found=str(tensor),
            allowed=f"{tensor.name} [1, height, width]",
        ) from error
