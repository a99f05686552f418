"""The ONNX wire format: reading and changing ONNX files without parsing their weights.

Parsing half a gigabyte of weights takes a second and a gigabyte of memory, although only the graph
is needed. An ONNX file is a Protocol Buffers message: a sequence of fields, each with a number, a
wire type and, for messages and bytes, a length. The fields with weights are skipped by their
length.

Format: https://protobuf.dev/programming-guides/encoding; field numbers: onnx/onnx.proto.
"""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

_Tree: TypeAlias = dict[int, "_Tree"]

_TENSOR: _Tree = {}
_ATTRIBUTE: _Tree = {5: _TENSOR, 10: _TENSOR}  # t, tensors
_NODE: _Tree = {5: _ATTRIBUTE}  # attribute
_GRAPH: _Tree = {1: _NODE, 5: _TENSOR}  # node, initializer
_ATTRIBUTE |= {6: _GRAPH, 11: _GRAPH}  # g, graphs: the branches of If, the body of Loop
_MODEL: _Tree = {7: _GRAPH}  # graph
"""The fields that contain weights at any depth, by message type."""

_GRAPH_FIELD, _INPUT_FIELD, _NAME_FIELD = 7, 11, 1
"""ModelProto.graph, GraphProto.input and ValueInfoProto.name."""

_VALUES = (4, 5, 6, 7, 9, 10, 11)
"""The fields of a TensorProto that contain its numbers."""
MAX_KEPT_BYTES = 1024
"""Shorter fields of a tensor are kept, because shape inference needs small constants."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_DEPTH = 100
"""The maximum depth of nested messages, as in the readers of Protocol Buffers."""


class NotOnnx(ValueError):
    """The bytes are not a message, or the message is truncated."""


def without_weights(path: Path) -> bytes:
    """Return the content of an ONNX file without the numbers of large tensors.

    Raises:
        NotOnnx: the file is not a message.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        if not path.stat().st_size:
            raise NotOnnx("the file is empty")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            view = memoryview(mapped)
            try:
                return b"".join(_strip(view, 0, len(view), _MODEL, 0))
            finally:
                view.release()


def with_input_replaced(content: bytes | memoryview, name: str, front: bytes) -> bytes:
    """Return an ONNX file whose input `name` is computed from another input.

    All other bytes stay as they are.

    Args:
        content: the ONNX file.
        name: the input that is removed from the graph's inputs.
        front: a serialized GraphProto with the new input and the operations that compute `name`. It
            comes before the other fields of the graph: a reader appends repeated fields in the
            order of the file, so that these operations are the first ones.

    Raises:
        NotOnnx: the file is not a message, or its graph has no such input.
    """
    view = memoryview(content)
    pieces: list[bytes | memoryview] = []
    removed = 0
    for field in _fields(view, 0, len(view)):
        if field.number != _GRAPH_FIELD or field.wire_type != _BYTES:
            pieces.append(view[field.start : field.end])
            continue
        inside: list[bytes | memoryview] = [front]
        front = b""  # Several fields with a graph are parts of one graph.
        done = field.content
        for it in _fields(view, field.content, field.end):
            is_input = it.number == _INPUT_FIELD and it.wire_type == _BYTES
            if is_input and _name(view, it) == name.encode():
                inside.append(view[done : it.start])
                done = it.end
                removed += 1
        inside.append(view[done : field.end])
        pieces += [_key(field), _varint(sum(map(len, inside))), *inside]
    if removed != 1:
        raise NotOnnx(f"the graph has {removed} inputs called {name!r}")
    return b"".join(pieces)


def top_level_fields(path: Path) -> dict[int, int]:
    """Return field number -> wire type of the message in a file, without its nested messages.

    Raises:
        NotOnnx: the file is not a message.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        if not path.stat().st_size:
            raise NotOnnx("the file is empty")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            view = memoryview(mapped)
            try:
                return {it.number: it.wire_type for it in _fields(view, 0, len(view))}
            finally:
                view.release()


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of a message.

    Attributes:
        number: the field number.
        wire_type: the wire type.
        start, content, end: the offsets of the field, of its content, and of the next field.
    """

    number: int
    wire_type: int
    start: int
    content: int
    end: int


def _name(data: memoryview, value: _Field) -> bytes:
    """Return the name of a ValueInfoProto; empty if it has none."""
    inside = _fields(data, value.content, value.end)
    names = [it for it in inside if it.number == _NAME_FIELD and it.wire_type == _BYTES]
    return bytes(data[names[-1].content : names[-1].end]) if names else b""


def _strip(data: memoryview, start: int, end: int, tree: _Tree, depth: int) -> list[bytes]:
    """Return a message without weights, in pieces; unchanged neighboring fields are one piece."""
    if depth > _MAX_DEPTH:
        raise NotOnnx("the messages are too deeply nested")
    pieces: list[bytes] = []
    done = start
    for field in _fields(data, start, end):
        size = field.end - field.content
        if tree is _TENSOR and field.number in _VALUES and size > MAX_KEPT_BYTES:
            pieces.append(bytes(data[done : field.start]))
            done = field.end
        elif field.wire_type == _BYTES and field.number in tree:
            below = tree[field.number]
            inside = _strip(data, field.content, field.end, below, depth + 1)
            length = sum(map(len, inside))
            if length != size:
                pieces += [bytes(data[done : field.start]), _key(field), _varint(length), *inside]
                done = field.end
    pieces.append(bytes(data[done:end]))
    return pieces


def _fields(data: memoryview, offset: int, end: int) -> Iterator[_Field]:
    """Yield the fields of a message.

    Raises:
        NotOnnx: the bytes are not a message, or the message is truncated.
    """
    while offset < end:
        start = offset
        key, offset = _read_varint(data, offset, end)
        number, wire_type = key >> 3, key & 7
        content = offset
        if wire_type == _VARINT:
            _, offset = _read_varint(data, offset, end)
        elif wire_type == _BYTES:
            length, content = _read_varint(data, offset, end)
            offset = content + length
        elif wire_type in (_FIXED32, _FIXED64):
            offset += 4 if wire_type == _FIXED32 else 8
        else:
            raise NotOnnx(f"unknown wire type {wire_type}")
        if offset > end or not number:
            raise NotOnnx("the file is truncated" if number else "invalid field number 0")
        yield _Field(number, wire_type, start, content, offset)


def _read_varint(data: memoryview, offset: int, end: int) -> tuple[int, int]:
    """Return a varint (one to ten bytes, seven bits in each) and the offset of its end."""
    number = 0
    for shift in range(0, 70, 7):
        if offset >= end:
            raise NotOnnx("the file is truncated")
        byte = data[offset]
        offset += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, offset
    raise NotOnnx("a varint has more than ten bytes")


def _varint(number: int) -> bytes:
    """Return the bytes of a varint."""
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def _key(field: _Field) -> bytes:
    """Return the bytes of a field's number and wire type."""
    return _varint(field.number << 3 | field.wire_type)
