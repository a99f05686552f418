"""Models in OpenVINO's form. A conversion takes long, so each model is converted once."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import openvino

Maker: TypeAlias = Callable[[Path], Path]
"""Writes an ONNX file."""


@cache
def _convert(make: Maker) -> openvino.Model:
    """Convert the ONNX file that `make` writes."""
    with TemporaryDirectory() as folder:
        return openvino.convert_model(make(Path(folder) / "source.onnx"))


def converted(make: Maker) -> openvino.Model:
    """Return a model of the caller's own."""
    return _convert(make).clone()


def save_ir(make: Maker, path: Path) -> Path:
    """Write an OpenVINO IR: `path`, which ends with .xml, and the .bin file beside it."""
    openvino.save_model(_convert(make), path, compress_to_fp16=False)
    return path
