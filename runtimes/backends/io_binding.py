"""Runs of ONNX Runtime with inputs and outputs in reused buffers of the device."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from runtimes.arrays import Array
from runtimes.signature import Tensor

if TYPE_CHECKING:
    from onnxruntime import InferenceSession, OrtValue


class IoBinding:
    """A session's inputs and outputs, bound to buffers of the device.

    Buffers are allocated for the shapes of the first run, and again if the shapes of the inputs
    change. An output gets a buffer if its shape is declared; ONNX Runtime allocates the others in
    each run. Fixed addresses are what CUDA graphs need.
    """

    def __init__(
        self, session: "InferenceSession", outputs: Sequence[Tensor], device: str = "cuda"
    ) -> None:
        """Prepare the first run.

        Args:
            session: the loaded model.
            outputs: the outputs to fetch.
            device: ONNX Runtime's name of the device of the buffers.
        """
        self._session = session
        self._outputs = tuple(outputs)
        self._device = device
        self._binding = session.io_binding()
        self._inputs: dict[str, OrtValue] = {}
        self._bound: dict[str, tuple[tuple[int, ...], str]] = {}

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Run the model; see Session.run."""
        arrays = {name: np.ascontiguousarray(array) for name, array in inputs.items()}
        wanted = {name: (array.shape, array.dtype.str) for name, array in arrays.items()}
        if wanted == self._bound:
            for name, array in arrays.items():
                self._inputs[name].update_inplace(array)
        else:
            self._bind(arrays)
            self._bound = wanted
        self._session.run_with_iobinding(self._binding)
        values = self._binding.get_outputs()
        return {
            it.name: np.asarray(value.numpy())
            for it, value in zip(self._outputs, values, strict=True)
        }

    def _bind(self, arrays: Mapping[str, Array]) -> None:
        """Allocate the buffers for inputs of these shapes, and copy the inputs to them."""
        import onnxruntime

        self._bound = {}
        self._binding = self._session.io_binding()
        self._inputs = {
            name: onnxruntime.OrtValue.ortvalue_from_numpy(array, self._device, 0)
            for name, array in arrays.items()
        }
        for name, value in self._inputs.items():
            self._binding.bind_ortvalue_input(name, value)
        for it in self._outputs:
            if None in it.shape:
                self._binding.bind_output(it.name, self._device, 0)
                continue
            shape = [size or 0 for size in it.shape]
            buffer = onnxruntime.OrtValue.ortvalue_from_shape_and_type(
                shape, np.dtype(it.dtype).type, self._device, 0
            )
            self._binding.bind_ortvalue_output(it.name, buffer)
