"""The interface of inference runtimes."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from runtimes.arrays import Array
from runtimes.errors import BadModel
from runtimes.signature import Signature, Tensor


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

    def read(self, names: Iterable[str]) -> None:
        """Fetch only some outputs in the following runs.

        Args:
            names: the outputs; other names are ignored. All outputs are fetched if no name is that
                of an output.
        """

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Run the model.

        Args:
            inputs: one array for each input, by name.

        Returns:
            The outputs by name, or those that `read` chose. The arrays may be overwritten by the
            next run.
        """


class Backend(Protocol):
    """A runtime and its settings, before any model is loaded."""

    @property
    def threads(self) -> int:
        """The number of CPU threads of one worker; 0 to divide the available cores."""

    @property
    def workers(self) -> int:
        """The number of workers that share the cores; see runtimes.cores."""

    @property
    def suffix(self) -> str:
        """The end of the names of the variant's own model files; empty if it has none.

        With `-gpu`, the variant loads model-gpu.onnx instead of model.onnx.
        """

    def open(self, model: Path) -> Session:
        """Load a model file.

        Raises:
            NoDevice: the device that the settings ask for cannot be used.
            BadModel: the runtime cannot load the file.
        """


def chosen(signature: Signature, names: Iterable[str]) -> tuple[Tensor, ...]:
    """Return the outputs with these names, or all outputs if no name matches."""
    given = set(names)
    return tuple(it for it in signature.outputs if it.name in given) or signature.outputs


def load(file: str, backend: Backend, folder: Path, reads: Iterable[str] = ()) -> Session:
    """Load a model file from a function's folder.

    Args:
        file: its name in the folder.
        backend: the runtime.
        folder: the function's folder.
        reads: names of the outputs to fetch; see Session.read.

    Raises:
        BadModel: the file is absent, or the runtime cannot load it.
        NoDevice: see Backend.open.
    """
    name, dot, extension = file.rpartition(".")
    path = folder / f"{name}{backend.suffix}{dot}{extension}"
    if not path.is_file():
        raise BadModel(f"the model file {path} is missing", hint="build the function again")
    session = backend.open(path)
    session.read(reads)
    return session


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
