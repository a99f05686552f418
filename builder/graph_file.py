"""Graphs read from files: ONNX, and OpenVINO IR."""

from pathlib import Path
from typing import TYPE_CHECKING
from xml.parsers import expat

from builder.errors import ModelError, Problem
from builder.graph import Graph, Node
from builder.wire import NotOnnx, without_weights

if TYPE_CHECKING:
    import onnx

_OPENVINO = {
    "Convolution": "Conv",
    "GroupConvolution": "Conv",
    "ConvolutionBackpropData": "ConvTranspose",
    "GroupConvolutionBackpropData": "ConvTranspose",
    "SoftMax": "Softmax",
    "SoftMax_8": "Softmax",
    "Multiply": "Mul",
    "Subtract": "Sub",
    "Divide": "Div",
    "Convert": "Cast",
    "StridedSlice": "Slice",
    "VariadicSplit": "Split",
    "Interpolate": "Resize",
    "ReLU": "Relu",
    "Power": "Pow",
    "ScatterNDUpdate": "ScatterND",
    "Result": "Identity",
    "ReduceL2": "ReduceL2",
    "NormalizeL2": "LpNormalization",
}
"""OpenVINO's names of operations -> ONNX's, where they differ."""


def read_graph(path: Path) -> Graph:
    """The operations of a model file.

    Raises:
        ModelError: it is no model.
    """
    return _read_ir(path) if path.suffix.lower() == ".xml" else _read_onnx(read_onnx(path))


def read_onnx(path: Path) -> "onnx.ModelProto":
    """An ONNX file without its weights.

    Raises:
        ModelError: it is none.
    """
    import onnx

    try:
        found: onnx.ModelProto = onnx.ModelProto.FromString(without_weights(path))
        return found
    except (NotOnnx, OSError) as error:
        reason = str(error)
        cause: Exception = error
    except Exception as error:
        # protobuf's exceptions differ between its implementations.
        reason, cause = str(error), error
    raise ModelError(
        Problem(
            f"{path.name} is not an ONNX file that can be read: {reason}",
            file=path,
            hint="is the download complete? Git LFS leaves a small text file in its place",
            code="model-unreadable",
        )
    ) from cause


def _read_onnx(proto: "onnx.ModelProto") -> Graph:
    """See `read_graph`."""
    nodes: list[Node] = []
    weights: dict[str, tuple[int, ...]] = {}
    graphs = [proto.graph]
    while graphs:
        graph = graphs.pop()
        weights |= {item.name: tuple(item.dims) for item in graph.initializer}
        for node in graph.node:
            flipped = False
            for attribute in node.attribute:
                if node.op_type == "Constant" and attribute.name == "value" and node.output:
                    weights[node.output[0]] = tuple(attribute.t.dims)
                flipped |= attribute.name == "transB" and bool(attribute.i)
                graphs += [attribute.g, *attribute.graphs] if attribute.ByteSize() else []
            if node.op_type != "Constant":
                nodes.append(Node(node.op_type, tuple(node.input), tuple(node.output), flipped))
    opsets = {item.domain: item.version for item in proto.opset_import}
    opset = opsets.get("", opsets.get("ai.onnx"))
    used = {node.domain for node in proto.graph.node} - {"", "ai.onnx"}
    maker = f"{proto.producer_name} {proto.producer_version}".strip()
    return Graph(
        f"ONNX, opset {opset or 'unknown'}" + (f", by {maker}" if maker else ""),
        opset,
        tuple(sorted(used)),
        {item.key: item.value for item in proto.metadata_props},
        tuple(nodes),
        weights,
    )


_MOST_LAYERS = 1_000_000


class _Layers:
    """Reads an OpenVINO IR, element by element, and refuses what no IR has."""

    def __init__(self) -> None:
        self.version = ""
        self.layers: dict[str, tuple[str, list[str], list[tuple[str, str]]]] = {}
        self.shapes: dict[tuple[str, str], list[int]] = {}
        self.edges: dict[tuple[str, str], tuple[str, str]] = {}
        self.metadata: dict[str, str] = {}
        self._path: list[str] = []
        self._layer = ""
        self._port = ""
        self._text = ""
        self._transposed: set[str] = set()

    def read(self, content: bytes) -> None:
        """Parse the whole file."""
        parser = expat.ParserCreate()
        # An IR declares no entities; files that do mean to exhaust whoever reads them.
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.Parse(content, True)
        if "net" not in content[:2000].decode("utf-8", "replace"):
            raise ValueError("it has no element `net`")

    def _refuse(self, *_: object) -> None:
        raise ValueError("it declares a document type")

    def _characters(self, text: str) -> None:
        self._text += text

    def _start(self, tag: str, given: dict[str, str]) -> None:
        self._path.append(tag)
        self._text = ""
        if len(self._path) > 100 or len(self.layers) > _MOST_LAYERS:
            raise ValueError("it is too deep or too long")
        if tag == "net":
            self.version = given.get("version", "")
        elif self._path[-2:] == ["layers", "layer"] and len(self._path) == 3:
            self._layer = given.get("id", "")
            self.layers[self._layer] = (given.get("type", ""), [], [])
        elif tag == "data" and given.get("transpose_b") == "true":
            self._transposed.add(self._layer)
        elif tag == "port" and self._layer in self.layers and len(self._path) == 5:
            self._port = given.get("id", "")
            _, inputs, outputs = self.layers[self._layer]
            if self._path[-2] == "input":
                inputs.append(self._port)
            else:
                outputs.append((self._port, given.get("names", "")))
        elif tag == "edge" and len(self._path) == 3:
            ends = [given.get(key, "") for key in ("to-layer", "to-port", "from-layer")]
            self.edges[ends[0], ends[1]] = (ends[2], given.get("from-port", ""))
        elif "model_info" in self._path[:-1] and "value" in given and len(self._path) < 8:
            self.metadata[tag] = given["value"]

    def _end(self, tag: str) -> None:
        if tag == "dim" and self._path[-3:-1] == ["output", "port"]:
            size = self._text.strip()
            sizes = self.shapes.setdefault((self._layer, self._port), [])
            sizes.append(int(size) if size.isdigit() else 0)
        self._path.pop()

    def graph(self) -> Graph:
        """What was read, as a graph. A tensor without a name is called by layer and port."""
        nodes = []
        weights: dict[str, tuple[int, ...]] = {}
        for number, (kind, inputs, outputs) in self.layers.items():
            given = []
            for port, names in outputs:
                given += [name for name in names.split(",") if name] + [f"{number}:{port}"]
                if kind == "Const":
                    shape = tuple(self.shapes.get((number, port), ()))
                    weights |= dict.fromkeys(given, shape)
            taken = [":".join(self.edges.get((number, port), ("", ""))) for port in inputs]
            if kind not in ("Const", "Parameter"):
                op = _OPENVINO.get(kind, kind)
                nodes.append(Node(op, tuple(taken), tuple(given), number in self._transposed))
        origin = f"OpenVINO IR, version {self.version or 'unknown'}"
        return Graph(origin, None, (), self.metadata, tuple(nodes), weights)


def _read_ir(path: Path) -> Graph:
    """See `read_graph`."""
    layers = _Layers()
    try:
        layers.read(path.read_bytes())
    except (expat.ExpatError, ValueError, OSError) as error:
        raise ModelError(
            Problem(f"{path.name} is not an OpenVINO IR that can be read: {error}", file=path)
        ) from error
    return layers.graph()
