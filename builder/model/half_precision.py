"""Conversion of ONNX models to half precision.

Inputs and outputs stay float32. A tensor that an operation in half precision takes or gives has a
second version under another name, and a Cast between the two where both are read. So the operations
that stay in single precision, and their subgraphs, are not changed at all.

In single precision stay

- operations behind the last layer, such as those that compute boxes: half precision would round
  coordinates to half a pixel from 512 on, and these operations take hardly any time;
- the operations in _SINGLE, those with subgraphs, those of custom domains, and those that ONNX does
  not define for float16.
"""

from typing import TYPE_CHECKING

import numpy as np

from builder.model.layers import behind_layers, is_layer, read_by

if TYPE_CHECKING:
    import onnx

_SINGLE = frozenset(
    {
        # ONNX Runtime's CUDA kernels are for float32 alone (docs/OperatorKernels.md there).
        *("RoiAlign", "GridSample", "LRN", "NonZero"),
        # They count or rank, so that rounding changes the result.
        *("CumSum", "Range", "TopK", "Max", "Min", "OneHot"),
        # They create values of a given type.
        *("ConstantOfShape", "EyeLike", "RandomNormal", "RandomUniform"),
        *("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "Upsample"),
    }
)

_MEASURES = frozenset({"Shape", "Size"})
"""Operations that read no values, so that they take either version."""

LARGEST, SMALLEST = 65504.0, 2.0**-24
"""Range of the magnitude of numbers in half precision. Constants beyond it are clipped: an infinite
mask, or a divisor that became 0, would give NaN."""

_SUFFIX = "_half"


def in_half_precision(model: "onnx.ModelProto") -> "onnx.ModelProto":
    """Return a model that computes in half precision; see the module.

    Args:
        model: with its weights, less than 2 GiB. It is not changed. One without layers in single
            precision is returned with the same operations.
    """
    return _Conversion(model).result()


class _Conversion:
    """The conversion of the main graph of a model."""

    def __init__(self, model: "onnx.ModelProto") -> None:
        import onnx

        self._onnx = onnx
        self._model = model
        float32 = onnx.TensorProto.FLOAT
        typed = onnx.shape_inference.infer_shapes(model).graph
        self._floats = {
            value.name
            for value in (*typed.input, *typed.output, *typed.value_info)
            if value.type.tensor_type.elem_type == float32
        }
        constants = {it.name: it for it in model.graph.initializer}
        for node in model.graph.node:
            for attribute in node.attribute:
                if node.op_type == "Constant" and attribute.name == "value":
                    constants[node.output[0]] = attribute.t
        self._constants = {name: it for name, it in constants.items() if it.data_type == float32}
        self._floats |= self._constants.keys()
        self._opset = max((it.version for it in model.opset_import if not it.domain), default=1)
        names = {name for node in model.graph.node for name in (*node.input, *node.output)}
        self._suffix = _SUFFIX
        while any(name.endswith(self._suffix) for name in names):
            self._suffix += "_"
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []
        # The tensors with only a half version so far, and all with one.
        self._half_alone: set[str] = set()
        self._halves: set[str] = set()

    def result(self) -> "onnx.ModelProto":
        """Return the converted model."""
        behind = behind_layers(self._model.graph)
        for place, node in enumerate(self._model.graph.node):
            # The last layers are converted; what follows them is not.
            if (place in behind and not is_layer(node)) or not self._is_convertible(node):
                for name in sorted(read_by(node)):
                    self._need_single(name)
                self._nodes.append(node)
            else:
                self._convert(node)
        for output in self._model.graph.output:
            self._need_single(output.name)
        made = self._onnx.ModelProto()
        made.CopyFrom(self._model)
        graph = made.graph
        read = {it.name for it in graph.output}.union(*map(read_by, self._nodes))
        weights = [it for it in self._model.graph.initializer if it.name in read] + self._weights
        nodes = [it for it in self._nodes if it.op_type != "Constant" or it.output[0] in read]
        # Before IR version 4, weights were listed among the inputs.
        initializers = {it.name for it in self._model.graph.initializer}
        inputs = [it for it in graph.input if it.name in read or it.name not in initializers]
        inputs = [type(it).FromString(it.SerializeToString()) for it in inputs]
        for field, values in (("initializer", weights), ("node", nodes), ("input", inputs)):
            graph.ClearField(field)
            getattr(graph, field).extend(values)
        # Types of intermediate tensors are not those that were declared.
        graph.ClearField("value_info")
        return made

    def _is_convertible(self, node: "onnx.NodeProto") -> bool:
        """Return whether an operation can take or give half precision."""
        if node.op_type in _SINGLE or node.domain not in ("", "ai.onnx"):
            return False
        if any(it.HasField("g") or it.graphs for it in node.attribute):
            return False
        if node.op_type in _MEASURES:
            return node.input[0] in self._halves
        if node.op_type == "Cast":
            return node.output[0] in self._floats
        outputs = self._converted(node, inputs=False)
        floats = {place for place, name in enumerate(node.output) if name in self._floats}
        return bool(outputs) and set(outputs) == floats

    def _converted(self, node: "onnx.NodeProto", *, inputs: bool) -> list[int]:
        """Return the positions of the inputs or outputs that change to half precision.

        Outputs change if they have the type of an input that changes.
        """
        formal = self._types(node, inputs=True)
        taken = [
            place
            for place, name in enumerate(node.input)
            if name in self._floats and "float16" in formal[place][1]
        ]
        if inputs:
            return taken
        changed = {formal[place][0] for place in taken}
        types = self._types(node, inputs=False)
        return [
            place for place, name in enumerate(node.output) if name and types[place][0] in changed
        ]

    def _types(self, node: "onnx.NodeProto", *, inputs: bool) -> list[tuple[str, str]]:
        """Return the type's name and the allowed types of each input or output."""
        names = node.input if inputs else node.output
        try:
            schema = self._onnx.defs.get_schema(node.op_type, self._opset, node.domain)
        except self._onnx.defs.SchemaError:
            return [("", "")] * len(names)
        allowed = {it.type_param_str: it.allowed_type_strs for it in schema.type_constraints}
        formal = schema.inputs if inputs else schema.outputs
        found = [formal[min(place, len(formal) - 1)].type_str for place in range(len(names))]
        return [(name, " ".join(allowed.get(name, [name]))) for name in found]

    def _convert(self, node: "onnx.NodeProto") -> None:
        """Add an operation in half precision."""
        copy = self._onnx.NodeProto()
        copy.CopyFrom(node)
        for place in self._converted(node, inputs=True):
            copy.input[place] = self._half(node.input[place])
        changed = [0] if node.op_type == "Cast" else self._converted(node, inputs=False)
        for attribute in copy.attribute if node.op_type == "Cast" else ():
            if attribute.name == "to":
                attribute.i = self._onnx.TensorProto.FLOAT16
        for place in changed:
            copy.output[place] = node.output[place] + self._suffix
            self._half_alone.add(node.output[place])
            self._halves.add(node.output[place])
        self._nodes.append(copy)

    def _half(self, name: str) -> str:
        """Return the name of a tensor's half version, and add it if it is not there."""
        half = name + self._suffix
        if name not in self._halves:
            self._halves.add(name)
            if name in self._constants:
                self._weights.append(self._rounded(self._constants[name], half))
            else:
                self._cast(name, half, self._onnx.TensorProto.FLOAT16)
        return half

    def _need_single(self, name: str) -> None:
        """Add the single version of a tensor if it has a half version alone."""
        if name in self._half_alone:
            self._half_alone.remove(name)
            self._cast(name + self._suffix, name, self._onnx.TensorProto.FLOAT)

    def _cast(self, source: str, target: str, element: int) -> None:
        """Add a Cast."""
        make = self._onnx.helper.make_node
        self._nodes.append(make("Cast", [source], [target], name=f"{target}_cast", to=element))

    def _rounded(self, weights: "onnx.TensorProto", name: str) -> "onnx.TensorProto":
        """Return weights in half precision, each number of a magnitude that it can represent."""
        values = self._onnx.numpy_helper.to_array(weights)
        size = np.where(values == 0, 0, np.abs(values).clip(SMALLEST, LARGEST))
        kept = np.where(np.isfinite(values), np.copysign(size, values), values)
        return self._onnx.numpy_helper.from_array(kept.astype(np.float16), name)
