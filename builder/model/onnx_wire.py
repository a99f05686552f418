"""ONNX files without their weights: the graph of a file of any size, in a moment.

Half a gigabyte of weights takes a second to parse and a gigabyte of memory, only to be told what a
model takes and gives. An ONNX file is a Protocol Buffers message: fields, each with a number, a
kind and, where it is a message or bytes, a length. So what holds weights can be stepped over.

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
"""The fields on the way to weights, message by message."""

_VALUES = (4, 5, 6, 7, 9, 10, 11)
"""The fields of a TensorProto that hold its numbers."""
SMALL = 1024
"""Bytes of a tensor's field that are kept all the same: they say how shapes are made."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MOST_DEPTH = 100
"""How deep messages may lie in each other, as in Protocol Buffers' own readers."""


class NotOnnx(ValueError):
    """The bytes are no message, or break off."""


def without_weights(path: Path) -> bytes:
    """An ONNX file as a message whose tensors have lost their numbers, but not their shapes.

    Raises:
        NotOnnx: it is none.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        if not path.stat().st_size:
            raise NotOnnx("it is empty")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            view = memoryview(mapped)
            try:
                return b"".join(_kept(view, 0, len(view), _MODEL, 0))
            finally:
                view.release()


@dataclass(frozen=True, slots=True)
class _Field:
    """One field of a message: its number and kind, where it begins, its content, where it ends."""

    number: int
    kind: int
    start: int
    content: int
    end: int


def _kept(data: memoryview, start: int, end: int, tree: _Tree, depth: int) -> list[bytes]:
    """The fields of a message without what holds weights.

    Neighbouring fields that stay as they are stay in one piece.
    """
    if depth > _MOST_DEPTH:
        raise NotOnnx("its messages lie too deep in each other")
    pieces: list[bytes] = []
    done = start
    for field in _fields(data, start, end):
        if tree is _TENSOR and field.number in _VALUES and field.end - field.content > SMALL:
            pieces.append(bytes(data[done : field.start]))
            done = field.end
        elif field.kind == _BYTES and field.number in tree:
            below = tree[field.number]
            inside = _kept(data, field.content, field.end, below, depth + 1)
            length = sum(map(len, inside))
            if length != field.end - field.content:
                pieces += [bytes(data[done : field.start]), _key(field), _varint(length), *inside]
                done = field.end
    pieces.append(bytes(data[done:end]))
    return pieces


def _fields(data: memoryview, place: int, end: int) -> Iterator[_Field]:
    """The fields of a message.

    Raises:
        NotOnnx: it breaks off, or is none.
    """
    while place < end:
        start = place
        key, place = _read_varint(data, place, end)
        number, kind = key >> 3, key & 7
        content = place
        if kind == _VARINT:
            _, place = _read_varint(data, place, end)
        elif kind == _BYTES:
            length, content = _read_varint(data, place, end)
            place = content + length
        elif kind in (_FIXED32, _FIXED64):
            place += 4 if kind == _FIXED32 else 8
        else:
            raise NotOnnx(f"there is a field of the unknown kind {kind}")
        if place > end or not number:
            raise NotOnnx("it breaks off in the middle" if number else "it has a field 0")
        yield _Field(number, kind, start, content, place)


def _read_varint(data: memoryview, place: int, end: int) -> tuple[int, int]:
    """A number of one to ten bytes, seven bits in each, and where it ends."""
    number = 0
    for shift in range(0, 70, 7):
        if place >= end:
            raise NotOnnx("it breaks off in the middle")
        byte = data[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, place
    raise NotOnnx("there is a number of more than ten bytes")


def _varint(number: int) -> bytes:
    """A number as `_read_varint` reads it."""
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def _key(field: _Field) -> bytes:
    """The number and kind of a field as the message spells them."""
    return _varint(field.number << 3 | field.kind)
