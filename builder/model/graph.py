"""The graph of a model: its operations and constants, without the weights."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import add, mul
from typing import Literal, TypeAlias

from builder.model.shape_inference import Shape

Numbers: TypeAlias = tuple[float, ...]
Activation = Literal["softmax", "sigmoid", "none"]

_SAME_VALUES = {
    *("Identity", "Cast", "CastLike", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten"),
    *("Dropout", "QuantizeLinear", "DequantizeLinear", "Pad", "Resize", "Upsample"),
}
"""Operations that keep the meaning of values, though not their shape or type."""
_SELECTIONS = {"Slice", "Split", "Gather", "GatherND", "GatherElements"}
"""Operations that select some of the values."""
_WEIGHTED = {"Conv", "ConvTranspose", "Gemm", "MatMul"}
"""Operations whose weights determine the number of output channels."""
_ACTIVATIONS: dict[str, Activation] = {
    "Sigmoid": "sigmoid",
    "HardSigmoid": "sigmoid",
    "Softmax": "softmax",
}
MAX_NUMBERS = 16
"""Constants with more numbers are not stored; means and factors of image channels have fewer."""
_MAX_STEPS = 200_000
"""The most operations that one query visits; a malicious graph may contain cycles."""


@dataclass(frozen=True, slots=True)
class Node:
    """An operation.

    Attributes:
        op: the type of the operation, as ONNX names it.
        inputs, outputs: names of tensors.
        transposed: whether the operation transposes its weights (Gemm's `transB`).
        attributes: the attributes of OpenVINO's DetectionOutput; empty for other operations.
    """

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    transposed: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Graph:
    """The operations of a model.

    Attributes:
        description: a description of the file: "ONNX, opset 17, by pytorch 2.13".
        opset: the version of the ONNX operator set; None for OpenVINO IR.
        domains: the domains of custom operations.
        metadata: the metadata in the file.
        nodes: all operations, including those of branches and loops.
        weights: name of a constant tensor -> its shape.
        constants: name of a constant tensor -> its numbers, if there are at most MAX_NUMBERS.
        shapes: name of a tensor -> its shape, if the number of axes is known; None for unknown
            sizes.
        ir_version: the version of the ONNX file format; None for OpenVINO IR.
        domain_versions: the versions of the operator sets of other domains, by domain.
    """

    description: str
    opset: int | None
    domains: tuple[str, ...]
    metadata: Mapping[str, str]
    nodes: tuple[Node, ...]
    weights: Mapping[str, tuple[int, ...]]
    constants: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    shapes: Mapping[str, Shape] = field(default_factory=dict)
    ir_version: int | None = None
    domain_versions: Mapping[str, int] = field(default_factory=dict)
    _by_output: dict[str, Node] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_output = {name: node for node in self.nodes for name in node.outputs}
        object.__setattr__(self, "_by_output", by_output)

    @property
    def ops(self) -> frozenset[str]:
        """The types of all operations in the graph."""
        return frozenset(node.op for node in self.nodes)

    def producer(self, tensor: str) -> Node | None:
        """Return the operation that produces a tensor; None for inputs and weights."""
        return self._by_output.get(tensor)

    def base(self, tensor: str) -> str:
        """Return the tensor that a tensor was reshaped, cast or transposed from."""
        for _ in range(_MAX_STEPS):
            node = self.producer(tensor)
            if node is None or node.op not in _SAME_VALUES or not node.inputs:
                break
            tensor = node.inputs[0]
        return tensor

    def numbers(self, tensor: str) -> tuple[float, ...] | None:
        """Return the numbers of a constant; None for other tensors and for large constants."""
        return self.constants.get(self.base(tensor))

    def last_op(self, tensor: str) -> str:
        """Return the type of the last operation that changed the values; "" if there is none."""
        node = self.producer(self.base(tensor))
        return "" if node is None else node.op

    def parts(self, tensor: str) -> tuple[str, ...]:
        """Return the tensors that a tensor was concatenated from; else the tensor itself."""
        found: list[str] = []
        waiting = [tensor]
        for _ in range(_MAX_STEPS):
            if not waiting:
                break
            source = self.base(waiting.pop())
            node = self.producer(source)
            if node is not None and node.op == "Concat":
                waiting += reversed(node.inputs)
            else:
                found.append(source)
        return tuple(found)

    def last_ops(self, tensor: str) -> tuple[str, ...]:
        """Return the `last_op` of each part of a tensor."""
        return tuple(self.last_op(part) for part in self.parts(tensor))

    def origins(self, tensor: str) -> tuple[tuple[Node, str], ...]:
        """Return the operations that computed the values of a tensor, each with its output's name.

        Operations that only select, concatenate, repeat, pad or reshape values are skipped.
        Constants have no origin.
        """
        found: list[tuple[Node, str]] = []
        waiting, seen = [tensor], {tensor}
        for _ in range(_MAX_STEPS):
            if not waiting:
                break
            name = waiting.pop()
            node = self.producer(name)
            if node is None:
                continue
            following: tuple[str, ...] = ()
            if node.op in _SAME_VALUES or node.op in _SELECTIONS or node.op in ("Expand", "Tile"):
                following = node.inputs[:1]
            elif node.op == "Concat":
                following = node.inputs
            elif node.op == "Where":
                following = node.inputs[1:3]
            elif node.op.startswith("Scatter"):
                following = (*node.inputs[:1], *node.inputs[2:3])
            elif node.op != "ConstantOfShape" and not self.weights.keys() >= set(node.inputs):
                found.append((node, name))
            for before in following:
                if before not in seen:
                    seen.add(before)
                    waiting.append(before)
        return tuple(found)

    def activation(self, tensor: str) -> Activation | None:
        """Return the activation of a tensor of scores; "none" for logits, None if unknown."""
        found: set[Activation | None] = set()
        for part in self.parts(tensor):
            node = self._value(part)
            op = "" if node is None else node.op
            weighted = op in _WEIGHTED or op == "BatchNormalization"
            if node is not None and op in ("Add", "Sub", "Mul", "Einsum"):
                # A bias is added to the output of a layer, or logits are scaled.
                weighted = any(self.last_op(name) in _WEIGHTED for name in node.inputs)
            found.add("none" if weighted else _ACTIVATIONS.get(op))
        return found.pop() if len(found) == 1 else None

    def _value(self, tensor: str) -> Node | None:
        """Return the operation that computed a tensor's values, before selections of them."""
        node = self.producer(self.base(tensor))
        for _ in range(_MAX_STEPS):
            if node is None or node.op not in _SELECTIONS or not node.inputs:
                break
            parts = self.parts(node.inputs[0])
            node = self.producer(parts[-1]) if parts else None
        return node

    def upstream(self, tensor: str, stop: Iterable[str] = _WEIGHTED) -> Iterator[Node]:
        """Yield the operations upstream of a tensor, in breadth-first order.

        Args:
            tensor: the name of the tensor.
            stop: types of operations whose inputs are not followed.
        """
        stops = set(stop)
        waiting, seen = deque([tensor]), {tensor}
        for _ in range(_MAX_STEPS):
            if not waiting:
                return
            node = self.producer(waiting.popleft())
            if node is None:
                continue
            yield node
            if node.op not in stops:
                for name in node.inputs:
                    if name not in seen:
                        seen.add(name)
                        waiting.append(name)

    def channel_count(self, tensor: str) -> int | None:
        """Return the number of channels of the layer that produces a tensor; None if unknown."""
        for _ in range(100):
            parts = self.parts(tensor)
            node = self.producer(parts[0]) if parts else None
            if node is None:
                return None
            if node.op in _WEIGHTED:
                return self._channels(node)
            if node.op not in ("Add", "BatchNormalization", *_SELECTIONS):
                return None
            # The bias may be the first input.
            tensor = next((it for it in node.inputs if it not in self.weights), "")
        return None

    def _channels(self, node: Node) -> int | None:
        """Return the number of output channels of a layer, from the shape of its weights."""
        shapes = [self.weights.get(self.base(name)) for name in node.inputs[:2]]
        shape = shapes[-1] or next((it for it in shapes if it), None)
        if not shape:
            return None
        if node.op == "Conv" or node.transposed:
            return shape[0]
        return shape[1] if node.op == "ConvTranspose" and len(shape) > 1 else shape[-1]

    def class_count(self, tensor: str, op: str) -> int | None:
        """Return the channel count of the nearest operation `op` upstream of a tensor.

        Operations that only gate other values (x * sigmoid(x), attention) are skipped.
        """
        gated = {
            name: node
            for node in self.nodes
            if node.op in ("Mul", "MatMul")
            for name in node.inputs
        }
        for node in self.upstream(tensor, stop=()):
            if node.op == op and node.inputs and node.outputs[0] not in gated:
                width = self.channel_count(node.inputs[0])
                if width is not None:
                    return width
        return None

    def input_ops(self, tensor: str) -> tuple[str, ...]:
        """Return the types of the operations on an input's values before the first layer."""
        return tuple(node.op for node, _ in self._input_operations(tensor))

    def normalization(self, tensor: str) -> tuple[Numbers, Numbers] | None:
        """Return the normalization of an input before the first layer: (x - mean) / std.

        Returns:
            Mean and standard deviation, in the order of the input's channels and in the unit of
            its values; 0 and 1 without normalization. None if the normalization is unknown.
        """
        factor: Numbers = (1.0,)
        offset: Numbers = (0.0,)
        for index, (node, before) in enumerate(self._input_operations(tensor)):
            if node.op not in ("Add", "Sub", "Mul", "Div", "BatchNormalization"):
                break
            others = [name for name in node.inputs if name != before]
            numbers = self.numbers(others[0]) if len(others) == 1 else None
            swapped = node.op in ("Sub", "Div") and node.inputs[0] != before
            if numbers is None or swapped or len(numbers) not in (1, 3):
                # Later operations, such as adding pixel coordinates, are not normalization.
                if index:
                    break
                return None
            if node.op in ("Add", "Sub"):
                numbers = numbers if node.op == "Add" else tuple(-it for it in numbers)
                offset = _broadcast(offset, numbers, add)
            elif 0 in numbers:
                return None
            else:
                numbers = numbers if node.op == "Mul" else tuple(1 / it for it in numbers)
                factor, offset = _broadcast(factor, numbers, mul), _broadcast(offset, numbers, mul)
        std = tuple(1 / it for it in factor)
        return tuple(-it for it in _broadcast(offset, std, mul)), std

    def _input_operations(self, tensor: str) -> list[tuple[Node, str]]:
        """Return the operations on values before the first layer, each with its input."""
        readers: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name in node.inputs:
                readers.setdefault(name, []).append(node)
        found = []
        for _ in range(20):
            following = [
                node
                for node in readers.get(tensor, [])
                if node.op not in ("Shape", "ReduceMax", "ReduceMean") and node.outputs
            ]
            if len(following) != 1 or following[0].op in _WEIGHTED:
                break
            if following[0].op not in {*_SAME_VALUES, *_SELECTIONS}:
                found.append((following[0], tensor))
            tensor = following[0].outputs[0]
        return found


def _broadcast(one: Numbers, other: Numbers, operator: Callable[[float, float], float]) -> Numbers:
    """Apply an operator to pairs of numbers; a list of one number is repeated."""
    longest = max(len(one), len(other))
    return tuple(map(operator, one * (longest // len(one)), other * (longest // len(other))))
