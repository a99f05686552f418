"""Layers in front of an OpenVINO IR, which compute its image input from pixels.

The format is described in docs.openvino.ai, "Operation sets in OpenVINO" and "Intermediate
Representation format".
"""

import re
from collections.abc import Sequence
from typing import NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import numpy as np

from builder.model.pixel_operations import Operation
from runtimes.arrays import Array
from runtimes.signature import Tensor

_ALIGNMENT = 64
"""Constants begin at a multiple of this number of bytes."""


def with_pixel_layers(
    net: bytes, weights: int, pixels: Tensor, operations: Sequence[Operation]
) -> tuple[bytes, bytes]:
    """Return an IR whose input takes pixels.

    Args:
        net: the .xml file.
        weights: the size of the .bin file in bytes.
        pixels: the new input, under the name of the old one.
        operations: see pixel_operations.

    Returns:
        The new .xml file, and what is appended to the .bin file.

    Raises:
        ValueError: the IR has no such input.
    """
    root = ElementTree.fromstring(net)  # noqa: S314 (read_ir refuses entities)
    front = _Front(root, weights)
    front.add(pixels, operations)
    return ElementTree.tostring(root, "utf-8", xml_declaration=True) + b"\n", front.appended


class _Port(NamedTuple):
    """An output of a layer."""

    layer: str
    port: str
    shape: tuple[int | None, ...]
    dtype: str


class _Front:
    """Adds layers to an IR."""

    def __init__(self, root: Element, weights: int) -> None:
        layers, edges = root.find("layers"), root.find("edges")
        if layers is None or edges is None:
            raise ValueError("the IR has no layers")
        self._layers, self._edges, self._weights = layers, edges, weights
        self._next = 1 + max(int(it.get("id", "")) for it in layers)
        self.appended = b""

    def add(self, pixels: Tensor, operations: Sequence[Operation]) -> None:
        """Change an input to pixels, and put the operations between it and its readers."""
        image = _input(self._layers, pixels.name)
        (output,) = image.iterfind("output")
        (port,) = output
        last = _Port(image.get("id", ""), port.get("id", ""), pixels.shape, pixels.dtype)
        readers = [it for it in self._edges if it.get("from-layer") == last.layer]
        # Its layout and other attributes were those of the old input.
        for element in (image, port):
            for info in element.findall("rt_info"):
                element.remove(info)
        sizes = ",".join("?" if size is None else str(size) for size in pixels.shape)
        for data in image.iterfind("data"):
            data.attrib.update(shape=sizes, element_type=_element(pixels.dtype))
        port.set("precision", _precision(pixels.dtype))
        _set_shape(port, pixels.shape)
        for number, (op, given) in enumerate(operations):
            name = f"{pixels.name}/pixels/{number}"
            if isinstance(given, str):
                after = last._replace(dtype=given)
                last = self._layer("Convert", name, [last], after, destination_type=_element(given))
            elif isinstance(given, tuple):
                after = last._replace(shape=tuple(last.shape[axis] for axis in given))
                axes = self._constant(f"{name}/axes", np.array(given, np.int64))
                last = self._layer("Transpose", name, [last, axes], after)
            else:
                operand = self._constant(f"{name}/operand", given)
                type_ = "Multiply" if op == "Mul" else op
                last = self._layer(type_, name, [last, operand], last, auto_broadcast="numpy")
        for edge in readers:
            edge.set("from-layer", last.layer)
            edge.set("from-port", last.port)

    def _constant(self, name: str, array: Array) -> _Port:
        """Add a constant."""
        padding = -(self._weights + len(self.appended)) % _ALIGNMENT
        offset = self._weights + len(self.appended) + padding
        self.appended += bytes(padding) + array.tobytes()
        dtype = array.dtype.name
        return self._layer(
            "Const",
            name,
            [],
            _Port("", "", array.shape, dtype),
            element_type=_element(dtype),
            shape=",".join(map(str, array.shape)),
            offset=str(offset),
            size=str(array.nbytes),
        )

    def _layer(
        self, type_: str, name: str, inputs: Sequence[_Port], output: _Port, **data: str
    ) -> _Port:
        """Add a layer; `output` has the shape and the type of its result."""
        number = str(self._next)
        self._next += 1
        layer = SubElement(
            self._layers, "layer", id=number, name=name, type=type_, version="opset1"
        )
        if data:
            SubElement(layer, "data", data)
        result = output._replace(layer=number, port=str(len(inputs)))
        if inputs:
            ports = SubElement(layer, "input")
            for index, it in enumerate(inputs):
                _add_port(ports, str(index), it)
                SubElement(
                    self._edges,
                    "edge",
                    {
                        "from-layer": it.layer,
                        "from-port": it.port,
                        "to-layer": number,
                        "to-port": str(index),
                    },
                )
        _add_port(SubElement(layer, "output"), result.port, result)
        return result


def _input(layers: Element, name: str) -> Element:
    """Return the layer of an input.

    Raises:
        ValueError: there is none.
    """
    for layer in layers:
        if layer.get("type") == "Parameter":
            port = layer.find("output/port")
            # Commas within names are escaped.
            names = re.split(r"(?<!\\),", port.get("names", "") if port is not None else "")
            if name in {it.replace("\\,", ",") for it in names} or layer.get("name") == name:
                return layer
    raise ValueError(f"the IR has no input called '{name}'")


def _add_port(parent: Element, number: str, content: _Port) -> None:
    """Add a port to a layer's inputs or outputs."""
    port = SubElement(parent, "port", id=number, precision=_precision(content.dtype))
    _set_shape(port, content.shape)


def _set_shape(port: Element, shape: tuple[int | None, ...]) -> None:
    """Set the sizes of a port."""
    for dim in port.findall("dim"):
        port.remove(dim)
    for size in shape:
        SubElement(port, "dim").text = "-1" if size is None else str(size)


def _element(dtype: str) -> str:
    """Return OpenVINO's name of an element type, such as `f32`."""
    return f"{np.dtype(dtype).kind}{8 * np.dtype(dtype).itemsize}"


def _precision(dtype: str) -> str:
    """Return the name of an element type in ports, such as `FP32` and `I64`."""
    return _element(dtype).replace("f", "fp").upper()
