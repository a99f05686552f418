"""Formats of files that are not models of a supported format, written as other libraries do."""

import gzip
import io
import json
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from builder.model.file_format import BY_SUFFIX, identify
from tests.builder import models


def _zip(path: Path, *members: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for member in members:
            archive.writestr(member, b"x")


def _tar(path: Path, *members: str) -> None:
    with tarfile.open(path, "w") as archive:
        for member in members:
            archive.addfile(tarfile.TarInfo(member), io.BytesIO())


def _numpy() -> bytes:
    file = io.BytesIO()
    np.save(file, np.zeros(3))
    return file.getvalue()


def _safetensors(path: Path) -> None:
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))


def _ultralytics_engine(path: Path) -> None:
    metadata = json.dumps({"task": "detect", "names": {"0": "x" * 5000}}).encode()
    path.write_bytes(struct.pack("<I", len(metadata)) + metadata + b"ftrt" + bytes(60))


def _core_ml(path: Path) -> None:
    # specificationVersion 5, an empty description, neuralNetwork (field 500) of two bytes.
    path.write_bytes(b"\x08\x05\x12\x00\xa2\x1f\x02\x08\x01")


CONTENTS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "TorchScript": (
        lambda path: _zip(path, "m/data.pkl", "m/constants.pkl", "m/code/__torch__.py"),
        "TorchScript module",
        "torch.onnx.export",
    ),
    "PyTorch": (
        lambda path: _zip(path, "best/data.pkl", "best/data/0", "best/version"),
        "PyTorch checkpoint",
        "yolo export",
    ),
    "PyTorch before 1.6": (
        lambda path: path.write_bytes(
            pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2) + pickle.dumps(1001, protocol=2)
        ),
        "PyTorch checkpoint",
        "torch.onnx.export",
    ),
    "pickle": (
        lambda path: path.write_bytes(pickle.dumps({"a": 1})),
        "Python pickle",
        "skl2onnx",
    ),
    "exported program": (
        lambda path: _zip(path, "m/archive_format", "m/models/model.json"),
        "PyTorch exported program",
        "torch.export.load",
    ),
    "Keras": (
        lambda path: _zip(path, "metadata.json", "config.json", "model.weights.h5"),
        "Keras model",
        "format='onnx'",
    ),
    "HDF5": (lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(90)), "HDF5", "tf2onnx"),
    "TFLite": (
        lambda path: path.write_bytes(b"\x1c\0\0\0TFL3" + bytes(90)),
        "TensorFlow Lite",
        "tf2onnx.convert --tflite m.onnx",
    ),
    "ORT": (
        lambda path: path.write_bytes(b"\x1c\0\0\0ORTM" + bytes(90)),
        "ORT format",
        "ONNX file",
    ),
    "safetensors": (_safetensors, "safetensors", "optimum-cli"),
    "TensorRT": (lambda path: path.write_bytes(b"ftrt" + bytes(90)), "TensorRT engine", "ONNX"),
    "Ultralytics' engine": (_ultralytics_engine, "TensorRT engine", "ONNX"),
    "Core ML": (_core_ml, "Core ML", "yolo export"),
    "ncnn": (lambda path: path.write_bytes(b"7767517\n3 3\nInput in0 0 1 in0\n"), "ncnn", "ONNX"),
    "RKNN": (lambda path: path.write_bytes(b"RKNN" + bytes(90)), "RKNN", "ONNX"),
    "Ascend": (lambda path: path.write_bytes(b"IMOD" + bytes(90)), "Ascend", "ONNX"),
    "HTML": (
        lambda path: path.write_text("\n<!DOCTYPE html>\n<html><body>404</body></html>"),
        "HTML page",
        "/resolve/",
    ),
    "HTML with a mark": (
        lambda path: path.write_text("\ufeff<html lang=en>", "utf-8"),
        "HTML page",
        "Raw",
    ),
    "error of a store": (
        lambda path: path.write_text('<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code>'),
        "error message",
        "download",
    ),
    "Git LFS": (
        lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
        "Git LFS pointer",
        "git lfs pull",
    ),
    "git-annex": (
        lambda path: path.write_text("/annex/objects/SHA256E-s12--34.onnx\n"),
        "git-annex pointer",
        "git annex get m.onnx",
    ),
    "ZIP with a model": (
        lambda path: _zip(path, "readme.txt", "export/best.onnx"),
        "ZIP archive",
        "export/best.onnx",
    ),
    "damaged ZIP": (lambda path: path.write_bytes(b"PK\x03\x04"), "ZIP archive", "unpack"),
    "tar": (lambda path: _tar(path, "det/inference.onnx"), "tar archive", "det/inference.onnx"),
    "gzip": (lambda path: path.write_bytes(gzip.compress(b"x")), "gzip archive", "unpack"),
    "NumPy": (lambda path: path.write_bytes(_numpy()), "NumPy", "ONNX"),
    "image": (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n"), "image", "path"),
    "cascade": (
        lambda path: path.write_text('<?xml version="1.0"?>\n<opencv_storage>\n<cascade>'),
        "cascade",
        "neural network",
    ),
}


@pytest.mark.parametrize("case", CONTENTS)
def test_the_content_names_the_format_whatever_the_file_is_called(
    tmp_path: Path, case: str
) -> None:
    write, name, hint = CONTENTS[case]
    path = tmp_path / "m.onnx"
    write(path)
    found = identify(path)
    assert found is not None
    assert name in found.name
    assert hint in found.hint


@pytest.mark.parametrize("suffix", sorted(BY_SUFFIX))
def test_the_name_decides_where_the_content_does_not(tmp_path: Path, suffix: str) -> None:
    found = identify(tmp_path / f"M{suffix.upper()}")
    assert found is not None
    assert found.name == BY_SUFFIX[suffix].name
    assert found.hint
    assert "{" not in found.hint


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("m.torchscript", "TorchScript"),
        ("m.mnn", "MNN"),
        ("m.hdf5", "HDF5"),
        ("m.param", "ncnn"),
        ("m.ckpt", "checkpoint"),
        ("m.tar", "tar archive"),
        ("m.pdmodel", "PaddlePaddle"),
        ("m.om", "Ascend"),
        ("m.rknn", "Rockchip"),
        ("m.mlpackage", "Core ML"),
        ("m.engine", "TensorRT"),
    ],
)
def test_formats_are_named_for_what_they_are(tmp_path: Path, name: str, expected: str) -> None:
    (tmp_path / name).write_bytes(b"\x01\x02\x03")
    found = identify(tmp_path / name)
    assert found is not None
    assert expected in found.name


@pytest.mark.parametrize(
    ("beside", "expected"),
    [("m.xml", "OpenVINO"), ("m.param", "ncnn"), ("config.json", "PyTorch checkpoint")],
)
def test_the_files_beside_it_tell_what_a_bin_file_is(
    tmp_path: Path, beside: str, expected: str
) -> None:
    (tmp_path / "m.bin").write_bytes(b"\x00" * 8)
    (tmp_path / beside).write_text("")
    found = identify(tmp_path / "m.bin")
    assert found is not None
    assert expected in found.name


def test_an_archive_of_a_format_keeps_the_name_of_the_format(tmp_path: Path) -> None:
    _zip(tmp_path / "m.dlc", "model.params")
    found = identify(tmp_path / "m.dlc")
    assert found is not None
    assert found.name == "Qualcomm model"


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("saved_model.pb", "TensorFlow SavedModel"),
        ("model.ncnn.param", "ncnn"),
        ("inference.pdmodel", "PaddlePaddle"),
        ("model.safetensors", "safetensors"),
    ],
)
def test_a_directory_is_named_by_its_files(tmp_path: Path, file: str, expected: str) -> None:
    (tmp_path / file).write_bytes(b"")
    found = identify(tmp_path)
    assert found is not None
    assert expected in found.name
    (tmp_path / "best.onnx").write_bytes(b"")
    assert identify(tmp_path) is None


def test_an_onnx_file_under_another_name_is_to_be_renamed(tmp_path: Path) -> None:
    models.yolo_model(tmp_path / "best.onnx")
    assert identify(tmp_path / "best.onnx") is None
    (tmp_path / "best.onnx").rename(tmp_path / "best.model")
    found = identify(tmp_path / "best.model")
    assert found is not None
    assert (found.name, found.hint) == ("ONNX file", "rename the file to best.onnx")


@pytest.mark.parametrize(
    "content",
    [b"", b"name: boxes\ntype: detector\n", b'{"name": "boxes"}', b"\x00" * 600, b"\x08\x0a"],
)
def test_manifests_and_unknown_content_have_no_format(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.conf").write_bytes(content)
    assert identify(tmp_path / "m.conf") is None


def test_a_path_that_is_too_long_has_the_format_of_its_suffix(tmp_path: Path) -> None:
    found = identify(tmp_path / ("x" * 300 + ".pt"))
    assert found is not None
    assert "PyTorch" in found.name
