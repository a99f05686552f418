"""One model file, and how an image gets into it."""

from dataclasses import dataclass
from pathlib import Path

from runtimes.arrays import Array, Size
from runtimes.backends.session import Backend, Session
from runtimes.clock import Clock
from runtimes.errors import BadModel
from runtimes.frame import Frame
from runtimes.geometry import Geometry
from runtimes.step import Preprocess


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
        path = folder / self.file
        if not path.is_file():
            raise BadModel(f"the model file {path} is missing", hint="build the function again")
        return OpenNetwork(self, backend.open(path))


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a model made of one image.

    Attributes:
        tensors: every output by name; valid until the model runs again.
        geometry: from the image's pixels to the model's input pixels.
        size: height and width of the model's input.
    """

    tensors: dict[str, Array]
    geometry: Geometry
    size: Size


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
        self._network = network
        self._dtype = inputs[network.input].dtype

    def run(self, image: Array, clock: Clock) -> Outputs:
        """Preprocess an image and run the model on it.

        Args:
            image: (H, W, 3) uint8 BGR.
        """
        with clock.stage("preprocess"):
            frame = Frame(image, Geometry())
            for step in self._network.preprocess:
                frame = step(frame)
            tensor = frame.tensor(self._dtype)
        with clock.stage("inference"):
            tensors = self.session.run({self._network.input: tensor})
        return Outputs(tensors, frame.geometry, frame.size)
