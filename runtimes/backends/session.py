"""The interface of inference runtimes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from runtimes.arrays import Array
from runtimes.errors import BadModel
from runtimes.signature import Signature


class Session(Protocol):
    """A loaded model, ready to run. Used by one request at a time."""

    @property
    def signature(self) -> Signature:
        """The inputs and outputs of the loaded model."""

    @property
    def device(self) -> str:
        """The runtime, its version and the devices in use, for the log."""

    @property
    def warning(self) -> str:
        """A warning for the log line of each request, such as a fallback to the CPU; or empty."""

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Run the model.

        Args:
            inputs: one array for each input, by name.

        Returns:
            Every output by name. The arrays may be overwritten by the next run.
        """


class Backend(Protocol):
    """A runtime and its settings, before any model is loaded."""

    @property
    def threads(self) -> int:
        """The number of CPU threads of one worker; 0 to divide the available cores."""

    @property
    def workers(self) -> int:
        """The number of workers that share the cores; see runtimes.cores."""

    def open(self, model: Path) -> Session:
        """Load a model file.

        Raises:
            NoDevice: the device that the settings ask for cannot be used.
            BadModel: the runtime cannot load the file.
        """


def load(file: str, backend: Backend, folder: Path) -> Session:
    """Load a model file from a function's `folder`.

    Raises:
        BadModel: the file is absent, or the runtime cannot load it.
        NoDevice: see Backend.open.
    """
    path = folder / file
    if not path.is_file():
        raise BadModel(f"the model file {path} is missing", hint="build the function again")
    return backend.open(path)


def run_fitted(session: Session, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Run a model on arrays that are converted to its inputs' types, with leading axes of 1 added.

    Raises:
        BadModel: the model does not have one of the inputs.
    """
    declared = {tensor.name: tensor for tensor in session.signature.inputs}
    fitted = {}
    for name, array in inputs.items():
        if name not in declared:
            raise BadModel(f"the model has no input called '{name}'", found=", ".join(declared))
        missing = len(declared[name].shape) - array.ndim
        shaped = array.reshape((1,) * missing + array.shape)
        fitted[name] = shaped.astype(declared[name].dtype, copy=False)
    return session.run(fitted)
