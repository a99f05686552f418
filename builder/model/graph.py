"""What leads to a model's outputs: its operations, read without its weights."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import add, mul
from typing import Literal, TypeAlias

from builder.model.shape_inference import Shape

Numbers: TypeAlias = tuple[float, ...]
Activation = Literal["sigmoid", "softmax", "none"]

_SAME_VALUES = {
    *("Identity", "Cast", "CastLike", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten"),
    *("Dropout", "QuantizeLinear", "DequantizeLinear", "Pad", "Resize", "Upsample"),
}
"""Operations after which values mean what they meant before."""
_CHOICES = {"Slice", "Split", "Gather", "GatherND", "GatherElements"}
"""Operations that take some of the values."""
_WEIGHTED = {"Conv", "ConvTranspose", "Gemm", "MatMul"}
"""Operations with weights that decide how many channels there are."""
_ACTIVATIONS: dict[str, Activation] = {
    "Sigmoid": "sigmoid",
    "HardSigmoid": "sigmoid",
    "Softmax": "softmax",
}
FEW = 16
"""How many numbers of a constant are kept: enough for what is done to an image's channels."""
_MOST_STEPS = 200_000
"""How many operations a question may look at; hostile graphs are endless."""


@dataclass(frozen=True, slots=True)
class Node:
    """One operation.

    Attributes:
        op: its type, by ONNX's names.
        inputs, outputs: names of tensors.
        flipped: whether it multiplies by its weights' transpose (Gemm's `transB`).
        settings: what else the file says of it, where anybody asks.
    """

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    flipped: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Graph:
    """A model's operations.

    Attributes:
        origin: what the file is, for people: "ONNX, opset 17, by pytorch 2.13".
        opset: the version of ONNX's operations; None for OpenVINO IR.
        domains: those of operations that are not ONNX's own.
        metadata: what the file says about itself.
        nodes: in the file's order, those of branches and loops among them.
        weights: name of a constant tensor -> its shape.
        constants: the same -> its numbers, where they are few.
        shapes: name of a tensor -> its shape, where it is known; None for open sizes.
    """

    origin: str
    opset: int | None
    domains: tuple[str, ...]
    metadata: Mapping[str, str]
    nodes: tuple[Node, ...]
    weights: Mapping[str, tuple[int, ...]]
    constants: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    shapes: Mapping[str, Shape] = field(default_factory=dict)
    _by_output: dict[str, Node] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_output = {name: node for node in self.nodes for name in node.outputs}
        object.__setattr__(self, "_by_output", by_output)

    @property
    def ops(self) -> frozenset[str]:
        """The types of all operations."""
        return frozenset(node.op for node in self.nodes)

    def giver(self, tensor: str) -> Node | None:
        """The operation that gives a tensor; None for inputs, weights and the unknown."""
        return self._by_output.get(tensor)

    def source(self, tensor: str) -> str:
        """The tensor that a tensor is another form of: reshaped, cast, turned."""
        for _ in range(_MOST_STEPS):
            node = self.giver(tensor)
            if node is None or node.op not in _SAME_VALUES or not node.inputs:
                break
            tensor = node.inputs[0]
        return tensor

    def numbers(self, tensor: str) -> tuple[float, ...] | None:
        """The numbers of a constant; None for what is none, or has many."""
        return self.constants.get(self.source(tensor))

    def end(self, tensor: str) -> str:
        """The type of the last operation that changed a tensor's values; "" where there is none."""
        node = self.giver(self.source(tensor))
        return "" if node is None else node.op

    def parts(self, tensor: str) -> tuple[str, ...]:
        """The tensors that a tensor is put together from, in order; itself where it is not."""
        found: list[str] = []
        waiting = [tensor]
        for _ in range(_MOST_STEPS):
            if not waiting:
                break
            source = self.source(waiting.pop())
            node = self.giver(source)
            if node is not None and node.op == "Concat":
                waiting += reversed(node.inputs)
            else:
                found.append(source)
        return tuple(found)

    def ends(self, tensor: str) -> tuple[str, ...]:
        """The `end` of each of a tensor's parts."""
        return tuple(self.end(part) for part in self.parts(tensor))

    def origins(self, tensor: str) -> tuple[tuple[Node, str], ...]:
        """The operations that first gave the numbers that a tensor holds, and as what they did.

        Where numbers were picked, put together, repeated, filled up or put in another form, what
        gave them before is looked for. Constants have no origin.
        """
        found: list[tuple[Node, str]] = []
        waiting, seen = [tensor], {tensor}
        for _ in range(_MOST_STEPS):
            if not waiting:
                break
            name = waiting.pop()
            node = self.giver(name)
            if node is None:
                continue
            following: tuple[str, ...] = ()
            if node.op in _SAME_VALUES or node.op in _CHOICES or node.op in ("Expand", "Tile"):
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
        """What was done last to make scores of a tensor; "none" for logits, None if not known."""
        found: set[Activation | None] = set()
        for part in self.parts(tensor):
            node = self._value(part)
            op = "" if node is None else node.op
            weighted = op in _WEIGHTED or op == "BatchNormalization"
            if node is not None and op in ("Add", "Sub", "Mul", "Einsum"):
                # The bias of a layer; logits may be scaled.
                weighted = any(self.end(name) in _WEIGHTED for name in node.inputs)
            found.add("none" if weighted else _ACTIVATIONS.get(op))
        return found.pop() if len(found) == 1 else None

    def _value(self, tensor: str) -> Node | None:
        """The operation that made the values some of which a tensor holds."""
        node = self.giver(self.source(tensor))
        for _ in range(_MOST_STEPS):
            if node is None or node.op not in _CHOICES or not node.inputs:
                break
            parts = self.parts(node.inputs[0])
            node = self.giver(parts[-1]) if parts else None
        return node

    def behind(self, tensor: str, stop: Iterable[str] = _WEIGHTED) -> Iterator[Node]:
        """The operations that lead to a tensor, the nearest first, up to those of a type `stop`.

        The ones to stop at are among them.
        """
        stops = set(stop)
        waiting, seen = deque([tensor]), {tensor}
        for _ in range(_MOST_STEPS):
            if not waiting:
                return
            node = self.giver(waiting.popleft())
            if node is None:
                continue
            yield node
            if node.op not in stops:
                for name in node.inputs:
                    if name not in seen:
                        seen.add(name)
                        waiting.append(name)

    def width(self, tensor: str) -> int | None:
        """How many channels the layer behind a tensor has, where it is a layer with weights."""
        for _ in range(100):
            parts = self.parts(tensor)
            node = self.giver(parts[0]) if parts else None
            if node is None:
                return None
            if node.op in _WEIGHTED:
                return self._channels(node)
            if node.op not in ("Add", "BatchNormalization", *_CHOICES):
                return None
            # The bias of a layer may be noted before it.
            tensor = next((it for it in node.inputs if it not in self.weights), "")
        return None

    def _channels(self, node: Node) -> int | None:
        """The channels of a layer, from the shape of its weights."""
        shapes = [self.weights.get(self.source(name)) for name in node.inputs[:2]]
        shape = shapes[-1] or next((it for it in shapes if it), None)
        if not shape:
            return None
        if node.op == "Conv" or node.flipped:
            return shape[0]
        return shape[1] if node.op == "ConvTranspose" and len(shape) > 1 else shape[-1]

    def class_count(self, tensor: str, op: str) -> int | None:
        """How many channels the nearest operation `op` behind a tensor works on.

        Those that only gate other values (x * sigmoid(x), attention) do not count.
        """
        gated = {
            name: node
            for node in self.nodes
            if node.op in ("Mul", "MatMul")
            for name in node.inputs
        }
        for node in self.behind(tensor, stop=()):
            if node.op == op and node.inputs and node.outputs[0] not in gated:
                width = self.width(node.inputs[0])
                if width is not None:
                    return width
        return None

    def starts(self, tensor: str) -> tuple[str, ...]:
        """What is done to an input before the first layer: operations that change its values."""
        return tuple(node.op for node, _ in self._beginning(tensor))

    def normalisation(self, tensor: str) -> tuple[Numbers, Numbers] | None:
        """What an input is normalised by before the first layer: (x - mean) / std.

        Returns:
            Mean and standard deviation, in the order of the input's channels and in the unit of
            its values; 0 and 1 where nothing is done to it. None where that is not known.
        """
        factor: Numbers = (1.0,)
        offset: Numbers = (0.0,)
        for place, (node, before) in enumerate(self._beginning(tensor)):
            if node.op not in ("Add", "Sub", "Mul", "Div", "BatchNormalization"):
                break
            others = [name for name in node.inputs if name != before]
            numbers = self.numbers(others[0]) if len(others) == 1 else None
            turned = node.op in ("Sub", "Div") and node.inputs[0] != before
            if numbers is None or turned or len(numbers) not in (1, 3):
                # What comes after a normalisation, such as places in the image, is none.
                if place:
                    break
                return None
            if node.op in ("Add", "Sub"):
                numbers = numbers if node.op == "Add" else tuple(-it for it in numbers)
                offset = _each(offset, numbers, add)
            elif 0 in numbers:
                return None
            else:
                numbers = numbers if node.op == "Mul" else tuple(1 / it for it in numbers)
                factor, offset = _each(factor, numbers, mul), _each(offset, numbers, mul)
        std = tuple(1 / it for it in factor)
        return tuple(-it for it in _each(offset, std, mul)), std

    def _beginning(self, tensor: str) -> list[tuple[Node, str]]:
        """The operations that change an input's values before a layer, and what each reads."""
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
            if following[0].op not in {*_SAME_VALUES, *_CHOICES}:
                found.append((following[0], tensor))
            tensor = following[0].outputs[0]
        return found


def _each(one: Numbers, other: Numbers, what: Callable[[float, float], float]) -> Numbers:
    """Two lists of numbers brought together; the only number of a list goes with all of another."""
    longest = max(len(one), len(other))
    return tuple(map(what, one * (longest // len(one)), other * (longest // len(other))))
