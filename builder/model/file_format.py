"""Formats of files that are not ONNX or OpenVINO IR, recognized by content and by name.

The first bytes of a file decide, since a file may have a wrong suffix; the name decides for formats
without a signature. Nothing is loaded or executed.
"""

import os
import re
import tarfile
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

from builder.diagnostics.files import names_in
from builder.model.onnx_wire import NotOnnx, top_level_fields


@dataclass(frozen=True, slots=True)
class FileFormat:
    """A format that functions cannot run.

    Attributes:
        name: what the file is, such as "TensorFlow Lite model".
        hint: how to get a model in a supported format; an imperative.
        is_container: whether files of other formats begin in the same way.
        is_document: whether it is no file of a model at all, such as a photograph.
    """

    name: str
    hint: str
    is_container: bool = False
    is_document: bool = False


_FROM_TENSORFLOW = "convert the model to ONNX with `tf2onnx`"
_FROM_PADDLE = (
    "convert the model to ONNX: `paddle2onnx --model_dir DIR --model_filename FILE.pdmodel "
    "--params_filename FILE.pdiparams --save_file model.onnx`"
)
_ORIGINAL = "export the model that this file was made from to ONNX"
_DOWNLOAD = (
    "download the file itself: on GitHub with the button `Raw`, on Hugging Face from a URL with "
    "`/resolve/` instead of `/blob/`"
)

_PYTORCH = FileFormat(
    "PyTorch checkpoint",
    "export the model to ONNX with `torch.onnx.export`; for Ultralytics: "
    "`yolo export model={checkpoint} format=onnx`",
)
_STATE = FileFormat(
    "PyTorch checkpoint",
    "build the network in Python, load this file, and export the model to ONNX with "
    "`torch.onnx.export`",
)
_TORCHSCRIPT = FileFormat(
    "TorchScript module",
    "export the PyTorch model to ONNX with `torch.onnx.export`; for Ultralytics: "
    "`yolo export model=best.pt format=onnx`",
)
_EXPORTED = FileFormat(
    "PyTorch exported program",
    "load it with `torch.export.load` and export it to ONNX with `torch.onnx.export`",
)
_SAFETENSORS = FileFormat("safetensors weights", "export the model with `optimum-cli export onnx`")
_KERAS = FileFormat(
    "Keras model", "load it with Keras, and write ONNX: `model.export('model.onnx', format='onnx')`"
)
_HDF5 = FileFormat("HDF5 file, as Keras writes it", _FROM_TENSORFLOW)
_SAVED_MODEL = FileFormat(
    "TensorFlow SavedModel",
    f"{_FROM_TENSORFLOW}: `python -m tf2onnx.convert --saved-model DIR --output model.onnx`",
)
_FROZEN = FileFormat(
    "TensorFlow graph",
    f"{_FROM_TENSORFLOW}; of a SavedModel, pass the folder: "
    "`python -m tf2onnx.convert --saved-model DIR --output model.onnx`",
)
_CHECKPOINT = FileFormat(
    "checkpoint of a training",
    "export the model to ONNX: with `torch.onnx.export` from PyTorch or Lightning, with `tf2onnx` "
    "from TensorFlow",
)
_TFLITE = FileFormat(
    "TensorFlow Lite model",
    f"{_FROM_TENSORFLOW}: `python -m tf2onnx.convert --tflite {{name}} --output model.onnx`",
)
_ENGINE = FileFormat(
    "TensorRT engine",
    "use the ONNX file that the engine was built from; an engine runs on one GPU only",
)
_ORT = FileFormat(
    "ONNX Runtime model in ORT format", "use the ONNX file that this file was converted from"
)
_CORE_ML = FileFormat(
    "Core ML model", f"{_ORIGINAL}; for Ultralytics: `yolo export model=best.pt format=onnx`"
)
_NCNN = FileFormat(
    "ncnn model", f"{_ORIGINAL}; for Ultralytics: `yolo export model=best.pt format=onnx`"
)
_MNN = FileFormat(
    "MNN model", f"{_ORIGINAL}; for Ultralytics: `yolo export model=best.pt format=onnx`"
)
_RKNN = FileFormat(
    "RKNN model of a Rockchip NPU", "use the ONNX file that this file was converted from"
)
_ASCEND = FileFormat(
    "offline model of a Huawei Ascend NPU", "use the ONNX file that this file was converted from"
)
_HAILO = FileFormat("Hailo model", "use the ONNX file that this file was compiled from")
_SNPE = FileFormat("Qualcomm model", "use the ONNX file that this file was converted from")
_COMPILED = FileFormat(
    "model compiled for another device", "use the ONNX file that this file was compiled from"
)
_PADDLE = FileFormat("PaddlePaddle model", _FROM_PADDLE)
_CAFFE = FileFormat("Caffe model", "convert the model to ONNX, for example with `caffe2onnx`")
_DARKNET = FileFormat(
    "Darknet weights",
    "convert the model to ONNX, for example with `tool/darknet2onnx.py` of pytorch-YOLOv4",
)
_MXNET = FileFormat("MXNet weights", "convert the model to ONNX with `mxnet.onnx.export_model`")
_PICKLE = FileFormat("Python pickle", "export the model to ONNX; for scikit-learn use `skl2onnx`")
_GGUF = FileFormat("GGUF file of a language model", "choose a vision model, and export it to ONNX")
_EXTERNAL = FileFormat(
    "external data of an ONNX model", "write the path of the .onnx file in the same folder"
)
_IR_WEIGHTS = FileFormat(
    "weights of an OpenVINO IR", "write the path of the .xml file in the same folder"
)
_TORCH_ARCHIVE = FileFormat(
    "TorchServe archive", "export the PyTorch model to ONNX with `torch.onnx.export`"
)
_NUMPY = FileFormat("NumPy archive", "export the model to ONNX from its framework")
_CASCADE = FileFormat("OpenCV cascade classifier", "choose a neural network in ONNX format")
_ONNX = FileFormat("ONNX file", "rename the file to {stem}.onnx")
_HTML = FileFormat("HTML page", _DOWNLOAD)
_ERROR = FileFormat("error message of a file server", "download the file again")
_LFS = FileFormat("Git LFS pointer", "run `git lfs pull`, or download the file itself")
_ANNEX = FileFormat("git-annex pointer", "run `git annex get {name}`")
_IMAGE = FileFormat("image", "write the path of the model file", is_document=True)
_PDF = FileFormat("PDF document", "write the path of the model file", is_document=True)


def _archive(name: str) -> FileFormat:
    """Return the format of an archive whose content is unknown."""
    hint = "unpack the archive, and write the path of the model file in it"
    return FileFormat(f"{name} archive", hint, is_container=True)


_ZIP, _TAR = _archive("ZIP"), _archive("tar")

BY_SUFFIX = {
    ".pt": _PYTORCH,
    ".pth": _PYTORCH,
    ".ckpt": _CHECKPOINT,
    ".torchscript": _TORCHSCRIPT,
    ".ptl": _TORCHSCRIPT,
    ".pt2": _EXPORTED,
    ".pte": FileFormat("ExecuTorch program", "export the PyTorch model with `torch.onnx.export`"),
    ".safetensors": _SAFETENSORS,
    ".h5": _HDF5,
    ".hdf5": _HDF5,
    ".keras": _KERAS,
    ".pb": _FROZEN,
    ".pbtxt": FileFormat("TensorFlow graph or label map in text form", _FROZEN.hint),
    ".tflite": _TFLITE,
    ".lite": _TFLITE,
    ".engine": _ENGINE,
    ".plan": _ENGINE,
    ".trt": _ENGINE,
    ".ort": _ORT,
    ".mlmodel": _CORE_ML,
    ".mlpackage": _CORE_ML,
    ".mlmodelc": _CORE_ML,
    ".param": _NCNN,
    ".mnn": _MNN,
    ".tnnproto": FileFormat("TNN model", _ORIGINAL),
    ".tnnmodel": FileFormat("TNN model", _ORIGINAL),
    ".rknn": _RKNN,
    ".om": _ASCEND,
    ".mindir": FileFormat("MindSpore model", "export the model with `export(file_format='ONNX')`"),
    ".hef": _HAILO,
    ".har": _HAILO,
    ".dlc": _SNPE,
    ".kmodel": _COMPILED,
    ".cvimodel": _COMPILED,
    ".bmodel": _COMPILED,
    ".axmodel": _COMPILED,
    ".blob": _COMPILED,
    ".nb": FileFormat("Paddle Lite model", _FROM_PADDLE),
    ".pdmodel": _PADDLE,
    ".pdiparams": _PADDLE,
    ".pdparams": _PADDLE,
    ".caffemodel": _CAFFE,
    ".prototxt": _CAFFE,
    ".weights": _DARKNET,
    ".params": _MXNET,
    ".t7": FileFormat("Torch7 model", "export the model to ONNX from PyTorch"),
    ".pkl": _PICKLE,
    ".pickle": _PICKLE,
    ".joblib": _PICKLE,
    ".gguf": _GGUF,
    ".mar": _TORCH_ARCHIVE,
    ".npz": _NUMPY,
    ".npy": _NUMPY,
    ".onnx_data": _EXTERNAL,
    ".data": _EXTERNAL,
    ".bin": _IR_WEIGHTS,
    ".zip": _ZIP,
    ".tar": _TAR,
    ".gz": _archive("gzip"),
    ".tgz": _archive("gzip"),
    ".bz2": _archive("bzip2"),
    ".xz": _archive("xz"),
    ".zst": _archive("Zstandard"),
    ".7z": _archive("7-Zip"),
    ".rar": _archive("RAR"),
}
"""Suffix of a file's name -> its format, for files that their content does not name."""

_SIGNATURES: tuple[tuple[int, bytes, FileFormat], ...] = (
    (0, b"\x89HDF\r\n\x1a\n", _HDF5),
    (4, b"TFL3", _TFLITE),
    (4, b"ORTM", _ORT),
    (0, b"ftrt", _ENGINE),
    (0, b"ptrt", _ENGINE),
    (0, b"RKNN", _RKNN),
    (0, b"IMOD", _ASCEND),
    (0, b"\x01HEF", _HAILO),
    (0, b"GGUF", _GGUF),
    (0, b"7767517\n", _NCNN),
    (0, b"7767517\r\n", _NCNN),
    (0, b"\x1f\x8b", BY_SUFFIX[".gz"]),
    (0, b"BZh", BY_SUFFIX[".bz2"]),
    (0, b"\xfd7zXZ\x00", BY_SUFFIX[".xz"]),
    (0, b"\x28\xb5\x2f\xfd", BY_SUFFIX[".zst"]),
    (0, b"7z\xbc\xaf\x27\x1c", BY_SUFFIX[".7z"]),
    (0, b"Rar!\x1a\x07", BY_SUFFIX[".rar"]),
    (0, b"\x93NUMPY", _NUMPY),
    (0, b"version https://git-lfs.github.com/spec/", _LFS),
    (0, b"/annex/objects/", _ANNEX),
    (0, b"\x89PNG\r\n", _IMAGE),
    (0, b"\xff\xd8\xff", _IMAGE),
    (0, b"%PDF-", _PDF),
)
"""Offset, bytes and format of files with a signature.

Sources: the HDF5 specification; TensorFlow's schema.fbs and ONNX Runtime's ort.fbs (flatbuffers'
`file_identifier`); ncnn's net.cpp; git-lfs/docs/spec.md; the headers of engines and NPU models as
their tools write them."""

_HEAD_BYTES = 4096
_MAX_MEMBERS = 10_000


def identify(path: Path) -> FileFormat | None:
    """Return the format of a file or directory that functions cannot run.

    Args:
        path: a file or directory; it need not exist.

    Returns:
        The format, with the file's name in its hint. None for unknown formats, and for ONNX files
        and OpenVINO IR under their own suffix.
    """
    suffix = path.suffix.lower()
    named = BY_SUFFIX.get(suffix)
    found = _in_directory(path) if os.path.isdir(path) else _by_content(path, suffix)
    if found is None or (found.is_container and named is not None):
        found = _refined(path, named) if named is not None else found
    if found is None:
        return None
    words = {
        "{name}": path.name,
        "{stem}": path.stem,
        "{checkpoint}": path.name if suffix == ".pt" else "best.pt",
    }
    hint = found.hint
    for word, text in words.items():
        hint = hint.replace(word, text)
    return replace(found, hint=hint)


def _refined(path: Path, named: FileFormat) -> FileFormat:
    """Return the format of a name, more precisely where neighboring files tell."""
    if named is _IR_WEIGHTS:
        if os.path.isfile(path.with_suffix(".xml")):
            return _IR_WEIGHTS
        if os.path.isfile(path.with_suffix(".param")):
            return _NCNN
        if os.path.isfile(path.parent / "config.json"):
            return _SAFETENSORS if path.name.startswith("model") else _STATE
    return named


def _by_content(path: Path, suffix: str) -> FileFormat | None:
    """Return the format that the content of a file shows."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except (OSError, ValueError):
        return None
    for offset, signature, found in _SIGNATURES:
        if head.startswith(signature, offset):
            return found
    if head.startswith(b"PK\x03\x04"):
        return _in_zip(path)
    if head[257:262] == b"ustar":
        return _in_tar(path)
    if head[:1] == b"\x80" and head[1:2] in b"\x02\x03\x04\x05" and len(head) > 2:
        # torch.save before PyTorch 1.6 begins with this number as a pickle.
        return _PYTORCH if b"\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19" in head else _PICKLE
    if head[8:10] == b'{"' and int.from_bytes(head[:8], "little") < path.stat().st_size:
        return _SAFETENSORS
    if head[4:5] == b"{" and b"ftrt" in _after_metadata(path, head):
        return _ENGINE  # Ultralytics writes its metadata, with their length, before the engine.
    return _of_text(head) or _of_message(path, suffix)


def _after_metadata(path: Path, head: bytes) -> bytes:
    """Return the first bytes after metadata that begin with their own length."""
    size = int.from_bytes(head[:4], "little")
    with path.open("rb") as file:
        file.seek(4 + size)
        return file.read(4)


def _of_text(head: bytes) -> FileFormat | None:
    """Return the format of a text file."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:2000].lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return _HTML
    if text.startswith(b"<") and re.search(rb"<(opencv_storage|cascade)\b", text):
        return _CASCADE
    if re.match(rb"(<\?xml[^>]*>\s*)?<error>", text):
        return _ERROR
    return None


def _of_message(path: Path, suffix: str) -> FileFormat | None:
    """Return the format of a Protocol Buffers message: ONNX, or Core ML.

    Core ML's Model has the version in field 1, the description in field 2, and the network in a
    field from 200 on (coremltools, mlmodel/format/Model.proto).
    """
    try:
        fields = top_level_fields(path)
    except (NotOnnx, OSError):
        return None
    if fields.get(1) != 0:
        return None
    if fields.get(7) == 2:
        return None if suffix == ".onnx" else _ONNX
    return _CORE_ML if fields.get(2) == 2 and max(fields) >= 200 else None


def _in_zip(path: Path) -> FileFormat:
    """Return the format of a ZIP archive by the names of its members."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()[:_MAX_MEMBERS]
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError):
        return _ZIP
    last = {name.rsplit("/", 1)[-1] for name in names}
    if any("MAR-INF/" in name for name in names):
        return _TORCH_ARCHIVE
    if "model.weights.h5" in last:
        return _KERAS
    if "constants.pkl" in last:
        return _TORCHSCRIPT
    if "data.pkl" in last:
        return _PYTORCH
    if "archive_format" in last or "serialized_exported_program.json" in last:
        return _EXPORTED
    if names and all(name.endswith(".npy") for name in names):
        return _NUMPY
    return _with_models(_ZIP, names)


def _in_tar(path: Path) -> FileFormat:
    """Return the format of a tar archive by the names of its members."""
    names: list[str] = []
    try:
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                names.append(member.name)
                if len(names) >= _MAX_MEMBERS:
                    break
    except (OSError, tarfile.TarError, ValueError):
        return _TAR
    return _with_models(_TAR, names)


def _with_models(archive: FileFormat, names: list[str]) -> FileFormat:
    """Return the format of an archive; its hint names the ONNX files in it."""
    models = [name for name in names if name.lower().endswith(".onnx") and name.isprintable()]
    if not models:
        return archive
    hint = f"unpack the archive, and write the path of {' or '.join(sorted(models)[:3])}"
    return FileFormat(archive.name, hint, is_container=True)


def _in_directory(path: Path) -> FileFormat | None:
    """Return the format of a model that is a directory."""
    names = names_in(path, "")
    if any(name.endswith((".onnx", ".xml")) for name in names):
        return None
    if "saved_model.pb" in names:
        hint = _SAVED_MODEL.hint.replace("DIR", path.name)
        return FileFormat(_SAVED_MODEL.name, hint)
    for suffix in (".param", ".pdmodel", ".pdiparams", ".safetensors", ".mlmodel"):
        if any(name.endswith(suffix) for name in names):
            return BY_SUFFIX[suffix]
    return None
