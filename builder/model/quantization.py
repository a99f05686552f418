"""Quantization of ONNX models to 8-bit integers, by ONNX Runtime's static quantizer.

Layers with constant weights are quantized in the QDQ format: pairs of QuantizeLinear and
DequantizeLinear around their inputs and weights, which the runtimes fuse into integer arithmetic.
The range of each tensor is that of the calibration. Weights have a scale for each channel and 7
bits, since 8 bits overflow in the 16-bit sums of processors without VNNI.

The last layers stay in single precision: they give boxes and scores, and take hardly any time.
"""

import logging
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from builder.model.layers import behind_layers
from runtimes.arrays import Array

if TYPE_CHECKING:
    import onnx

QUANTIZED = ("Conv", "Gemm", "MatMul")
"""The operations that are quantized if one of their inputs is constant."""


def quantized(
    model: "onnx.ModelProto", feeds: Iterable[Mapping[str, Array]], *, with_outputs: bool
) -> "onnx.ModelProto":
    """Return a quantized model; the same inputs give the same bytes.

    Args:
        model: with its weights, less than 2 GiB. It is not changed.
        feeds: the inputs by name of each run of the calibration.
        with_outputs: whether the outputs of layers are quantized as well. ONNX Runtime needs them
            for integer arithmetic. OpenVINO does not: without them, its results are more accurate.

    Returns:
        The quantized model; without layers that can be quantized, one with the same operations.

    Raises:
        Exception: ONNX Runtime cannot quantize or run the model; its exceptions have no common
            base class.
    """
    import onnx
    from onnxruntime.quantization import (
        CalibrationDataReader,
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        """The inputs of the calibration, one run after the other."""

        def __init__(self) -> None:
            self._feeds = iter(feeds)

        def get_next(self) -> dict[str, Array] | None:
            """Return the inputs of the next run, or None after the last one."""
            found = next(self._feeds, None)
            return None if found is None else dict(found)

    named = onnx.ModelProto()
    named.CopyFrom(model)
    for place, node in enumerate(named.graph.node):
        node.name = f"{place:06}"  # The quantizer refers to nodes by unique names.
    kept = behind_layers(named.graph) | _products_of_stacks(named.graph)
    opset = max((it.version for it in model.opset_import if not it.domain), default=1)
    logging.disable(logging.WARNING)  # It advises an optimization that renames tensors.
    try:
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder) / "model.onnx", Path(folder) / "quantized.onnx"
            onnx.save(named, source)
            quantize_static(
                source,
                target,
                Reader(),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=list(QUANTIZED),
                # Before, DequantizeLinear has one scale for all channels.
                per_channel=opset >= 13,
                reduce_range=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                nodes_to_exclude=[f"{it:06}" for it in sorted(kept)],
                calibrate_method=CalibrationMethod.MinMax,
                extra_options={
                    "MatMulConstBOnly": True,
                    "OpTypesToExcludeOutputQuantization": [] if with_outputs else list(QUANTIZED),
                },
            )
            made: onnx.ModelProto = onnx.load(target)
    finally:
        logging.disable(logging.NOTSET)
    made.producer_name, made.producer_version = model.producer_name, model.producer_version
    made.ClearField("metadata_props")
    made.metadata_props.extend(model.metadata_props)
    return made


def _products_of_stacks(graph: "onnx.GraphProto") -> set[int]:
    """Return the positions of MatMul whose constant is not a matrix.

    The quantizer gives them a scale along an axis that OpenVINO does not accept.
    """
    ranks = {it.name: len(it.dims) for it in graph.initializer}
    return {
        place
        for place, node in enumerate(graph.node)
        if node.op_type == "MatMul" and ranks.get(node.input[1], 2) != 2
    }
