"""Graphs of OpenVINO IR: layers and edges from the XML file, small constants from the weights."""

from dataclasses import replace
from pathlib import Path
from xml.parsers import expat

import numpy as np

from builder.diagnostics.errors import ModelError
from builder.diagnostics.problem import Problem
from builder.model.graph import MAX_NUMBERS, Graph, Node
from builder.model.metadata import read_metadata_file
from builder.model.shape_inference import Shape

_ONNX_NAMES = {
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
"""OpenVINO's name of an operation -> ONNX's name, if they differ."""


_MAX_LAYERS = 1_000_000


class _Layers:
    """An event handler that collects the layers of an OpenVINO IR, and rejects other XML files."""

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
        self._attributes: dict[str, dict[str, str]] = {}
        self._stored: dict[str, tuple[str, str, str]] = {}

    def read(self, content: bytes) -> None:
        """Parse the content of an XML file.

        Raises:
            ValueError: the content is not an OpenVINO IR.
            ExpatError: the content is not XML.
        """
        parser = expat.ParserCreate()
        # An IR declares no entities. Nested entities can exhaust memory.
        parser.StartDoctypeDeclHandler = self._reject
        parser.EntityDeclHandler = self._reject
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.Parse(content, True)
        if "net" not in content[:2000].decode("utf-8", "replace"):
            raise ValueError("no element `net`")

    def _reject(self, *_: object) -> None:
        raise ValueError("document type declarations are not allowed")

    def _characters(self, text: str) -> None:
        self._text += text

    def _start(self, tag: str, given: dict[str, str]) -> None:
        self._path.append(tag)
        self._text = ""
        if len(self._path) > 100 or len(self.layers) > _MAX_LAYERS:
            raise ValueError("too many or too deeply nested elements")
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
        elif self._path[:-1] == ["net", "rt_info", "framework"] and "value" in given:
            # The metadata of the ONNX file that the IR was converted from.
            self.metadata.setdefault(tag, given["value"])

    def _data(self, given: dict[str, str]) -> None:
        """Record the attributes of a layer that the graph needs."""
        op, *_ = self.layers.get(self._layer, ("",))
        if given.get("transpose_b") == "true":
            self._transposed.add(self._layer)
        if op == "DetectionOutput":
            self._attributes[self._layer] = given
        elif op == "Const":
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
        """Return the graph. The name of an unnamed tensor is `layer:port`.

        Args:
            path: the weights file, from which small constants are read.
        """
        nodes = []
        weights: dict[str, tuple[int, ...]] = {}
        shapes: dict[str, Shape] = {}
        constants: dict[str, tuple[float, ...]] = {}
        stored = self._numbers(path)
        for layer, (op, inputs, outputs) in self.layers.items():
            produced = []
            for port, listed in outputs:
                names = [name for name in listed.split(",") if name] + [f"{layer}:{port}"]
                produced += names
                shape = tuple(self.shapes.get((layer, port), ()))
                shapes |= dict.fromkeys(names, tuple(size or None for size in shape))
                if op == "Const":
                    weights |= dict.fromkeys(names, shape)
                    if layer in stored:
                        constants |= dict.fromkeys(names, stored[layer])
            read = [":".join(self.edges.get((layer, port), ("", ""))) for port in inputs]
            if op not in ("Const", "Parameter"):
                nodes.append(
                    Node(
                        _ONNX_NAMES.get(op, op),
                        tuple(read),
                        tuple(produced),
                        layer in self._transposed,
                        self._attributes.get(layer, {}),
                    )
                )
        description = f"OpenVINO IR, version {self.version or 'unknown'}"
        return Graph(description, None, (), self.metadata, tuple(nodes), weights, constants, shapes)

    def _numbers(self, path: Path) -> dict[str, tuple[float, ...]]:
        """Return the numbers of small constants, by layer."""
        types = {"f64": "<f8", "f32": "<f4", "f16": "<f2", "i64": "<i8", "i32": "<i4", "u8": "u1"}
        found: dict[str, tuple[float, ...]] = {}
        if not path.is_file():
            return found
        with path.open("rb") as file:
            for layer, (element, offset, size) in self._stored.items():
                is_valid = all(
                    it.isascii() and it.isdecimal() and len(it) < 16 for it in (offset, size)
                )
                if element not in types or not is_valid:
                    continue
                dtype = np.dtype(types[element])
                if 0 < int(size) <= MAX_NUMBERS * dtype.itemsize:
                    file.seek(int(offset))
                    data = file.read(int(size))
                    if len(data) == int(size) and not len(data) % dtype.itemsize:
                        found[layer] = tuple(map(float, np.frombuffer(data, dtype)))
        return found


def read_ir(path: Path) -> Graph:
    """Return the graph of an OpenVINO IR.

    Raises:
        ModelError: the file is not an OpenVINO IR, or its metadata file is invalid.
    """
    layers = _Layers()
    try:
        layers.read(path.read_bytes())
    except (expat.ExpatError, ValueError, OSError) as error:
        raise ModelError(
            Problem(f"{path.name} is not a valid OpenVINO IR: {error}", file=path)
        ) from error
    graph = layers.graph(path.with_suffix(".bin"))
    return replace(graph, metadata={**graph.metadata, **read_metadata_file(path)})
