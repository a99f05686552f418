"""Graphs of OpenVINO IR: layers and edges in XML, and a few numbers of the weights beside it."""

from dataclasses import replace
from pathlib import Path
from xml.parsers import expat

import numpy as np

from builder.diagnostics.errors import ModelError
from builder.diagnostics.problem import Problem
from builder.model.graph import FEW, Graph, Node
from builder.model.metadata import beside
from builder.model.shape_inference import Shape

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
    "Select": "Where",
    "Broadcast": "Expand",
    "FloorMod": "Mod",
    "ReduceL2": "ReduceL2",
    "NormalizeL2": "LpNormalization",
}
"""OpenVINO's names of operations -> ONNX's, where they differ."""


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
        self._settings: dict[str, dict[str, str]] = {}
        self._stored: dict[str, tuple[str, str, str]] = {}

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
        elif tag == "data" and len(self._path) == 4:
            self._data(given)
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

    def _data(self, given: dict[str, str]) -> None:
        """The attributes of a layer."""
        kind, *_ = self.layers.get(self._layer, ("",))
        if given.get("transpose_b") == "true":
            self._transposed.add(self._layer)
        if kind == "DetectionOutput":
            self._settings[self._layer] = given
        elif kind == "Const":
            element, offset, size = (
                given.get(key, "") for key in ("element_type", "offset", "size")
            )
            self._stored[self._layer] = element, offset, size

    def _end(self, tag: str) -> None:
        if tag == "dim" and self._path[-3:-1] == ["output", "port"]:
            size = self._text.strip()
            sizes = self.shapes.setdefault((self._layer, self._port), [])
            sizes.append(int(size) if size.isdigit() else 0)
        self._path.pop()

    def graph(self, path: Path) -> Graph:
        """What was read, as a graph. A tensor without a name is called by layer and port.

        Args:
            path: of the weights, of which the few numbers of small constants are read.
        """
        nodes = []
        weights: dict[str, tuple[int, ...]] = {}
        shapes: dict[str, Shape] = {}
        constants: dict[str, tuple[float, ...]] = {}
        stored = self._numbers(path)
        for number, (kind, inputs, outputs) in self.layers.items():
            given = []
            for port, names in outputs:
                called = [name for name in names.split(",") if name] + [f"{number}:{port}"]
                given += called
                shape = tuple(self.shapes.get((number, port), ()))
                shapes |= dict.fromkeys(called, tuple(size or None for size in shape))
                if kind == "Const":
                    weights |= dict.fromkeys(called, shape)
                    if number in stored:
                        constants |= dict.fromkeys(called, stored[number])
            taken = [":".join(self.edges.get((number, port), ("", ""))) for port in inputs]
            if kind not in ("Const", "Parameter"):
                op = _OPENVINO.get(kind, kind)
                turned, settings = number in self._transposed, self._settings.get(number, {})
                nodes.append(Node(op, tuple(taken), tuple(given), turned, settings))
        origin = f"OpenVINO IR, version {self.version or 'unknown'}"
        return Graph(origin, None, (), self.metadata, tuple(nodes), weights, constants, shapes)

    def _numbers(self, path: Path) -> dict[str, tuple[float, ...]]:
        """Layer -> its numbers, of the constants that have few."""
        types = {"f64": "<f8", "f32": "<f4", "f16": "<f2", "i64": "<i8", "i32": "<i4", "u8": "u1"}
        found: dict[str, tuple[float, ...]] = {}
        if not path.is_file():
            return found
        with path.open("rb") as file:
            for layer, (element, offset, size) in self._stored.items():
                sane = all(
                    it.isascii() and it.isdecimal() and len(it) < 16 for it in (offset, size)
                )
                if element not in types or not sane:
                    continue
                dtype = np.dtype(types[element])
                if 0 < int(size) <= FEW * dtype.itemsize:
                    file.seek(int(offset))
                    data = file.read(int(size))
                    if len(data) == int(size) and not len(data) % dtype.itemsize:
                        found[layer] = tuple(map(float, np.frombuffer(data, dtype)))
        return found


def read_ir(path: Path) -> Graph:
    """The operations of an OpenVINO IR.

    Raises:
        ModelError: it is none, or what lies beside it cannot be used.
    """
    layers = _Layers()
    try:
        layers.read(path.read_bytes())
    except (expat.ExpatError, ValueError, OSError) as error:
        raise ModelError(
            Problem(f"{path.name} is not an OpenVINO IR that can be read: {error}", file=path)
        ) from error
    graph = layers.graph(path.with_suffix(".bin"))
    return replace(graph, metadata={**graph.metadata, **beside(path)})
