import hashlib
from pathlib import Path
from unittest.mock import Mock

import onnx
import pytest
from onnx import TensorProto, helper

from builder.diagnostics.errors import ModelError
from builder.manifest.model_source import RemoteModel
from builder.model import graph_onnx
from builder.model.file import Model, locate, read
from runtimes.signature import Tensor
from tests import zoo
from tests.builder import models
from tests.builder.conftest import failure


def test_inputs_outputs_and_metadata_of_a_graph(model_file: Path) -> None:
    model = read(model_file)
    assert model.format == "onnx"
    assert model.signature.inputs == (Tensor("images", (1, 3, 64, 64), "float32"),)
    assert model.signature.outputs == (Tensor("output0", (1, 7, 84), "float32"),)
    assert model.signature.metadata == {
        "names": "{0: 'cat', 1: 'dog', 2: 'bird'}",
        "task": "detect",
    }


def test_the_model_file_has_the_same_name_in_every_function(tmp_path: Path) -> None:
    path = models.yolo_model(tmp_path / "best (1).onnx")
    model = read(path)
    assert model.name == "model.onnx"
    assert model.files == {"model.onnx": path}
    assert model.digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_an_open_size_is_none(tmp_path: Path) -> None:
    (image,) = read(models.open_size_model(tmp_path / "m.onnx")).signature.inputs
    assert image.shape == (1, 3, None, None)


def test_a_model_without_metadata_has_none(tmp_path: Path) -> None:
    assert read(models.yolo_model(tmp_path / "m.onnx", metadata={})).signature.metadata == {}


def test_all_inputs_are_read_in_order(tmp_path: Path) -> None:
    inputs = read(models.two_input_model(tmp_path / "m.onnx")).signature.inputs
    assert [tensor.name for tensor in inputs] == ["images", "points"]


@pytest.mark.parametrize(
    ("element", "dtype"),
    [
        (TensorProto.FLOAT16, "float16"),
        (TensorProto.UINT8, "uint8"),
        (TensorProto.INT64, "int64"),
        (TensorProto.BOOL, "bool"),
    ],
)
def test_element_types_have_numpy_names(tmp_path: Path, element: int, dtype: str) -> None:
    value = helper.make_tensor_value_info("x", element, [2])
    out = helper.make_tensor_value_info("y", element, [2])
    node = helper.make_node("Identity", ["x"], ["y"])
    onnx.save_model(
        helper.make_model(helper.make_graph([node], "g", [value], [out])), tmp_path / "m.onnx"
    )
    assert read(tmp_path / "m.onnx").signature.inputs == (Tensor("x", (2,), dtype),)


def test_weights_listed_as_inputs_are_ignored(tmp_path: Path) -> None:
    path = models.yolo_model(tmp_path / "m.onnx")
    proto = onnx.load(path)
    weight = proto.graph.initializer[0]
    proto.graph.input.append(
        helper.make_tensor_value_info(weight.name, weight.data_type, list(weight.dims))
    )
    onnx.save_model(proto, path)
    assert [tensor.name for tensor in read(path).signature.inputs] == ["images"]


@pytest.mark.parametrize("location", ["weights.bin", "m.onnx.data", "m.onnx_data", "weights"])
def test_weights_in_another_file_belong_to_the_model(tmp_path: Path, location: str) -> None:
    path = models.external_model(tmp_path / "m.onnx", location)
    assert read(path).files == {"model.onnx": path, location: tmp_path / location}


def test_weights_of_constant_nodes_in_another_file_belong_to_the_model(tmp_path: Path) -> None:
    path = models.external_constant_model(tmp_path / "m.onnx", "weights.data")
    assert read(path).files == {"model.onnx": path, "weights.data": tmp_path / "weights.data"}


def test_a_missing_external_data_file_is_reported(tmp_path: Path) -> None:
    path = models.external_model(tmp_path / "m.onnx", "weights.bin")
    (tmp_path / "weights.bin").unlink()
    (problem,) = failure(lambda: read(path)).problems
    assert "weights.bin" in problem.what
    assert str(tmp_path) in problem.hint


@pytest.mark.parametrize(
    "location",
    [
        "../secret.bin",
        "sub/../../secret.bin",
        "sub/secret.bin",
        "/etc/passwd",
        "..\\secret.bin",
        "C:\\secret.bin",
        "..",
        ".",
        "",
        "./secret.bin",
    ],
)
def test_external_data_outside_the_folder_is_refused(tmp_path: Path, location: str) -> None:
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    for place in (tmp_path, folder, folder / "sub"):
        (place / "secret.bin").write_bytes(b"secret")
    path = models.redirected_model(folder / "m.onnx", location)
    assert isinstance(failure(lambda: read(path)), ModelError)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 100,
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        b"<html>not found</html>",
        b"PK\x03\x04",
        b"\x08\x0a",
    ],
)
def test_files_that_are_not_models_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    error = failure(lambda: read(path))
    assert isinstance(error, ModelError)
    assert error.problems[0].file == path


def test_a_truncated_model_is_refused(tmp_path: Path, model_file: Path) -> None:
    data = model_file.read_bytes()
    (tmp_path / "m.onnx").write_bytes(data[: len(data) // 2])
    failure(lambda: read(tmp_path / "m.onnx"))


@pytest.fixture(scope="module")
def ir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return models.openvino_model(tmp_path_factory.mktemp("ir"))


def test_an_openvino_ir_is_read_with_its_weights(ir: Path) -> None:
    model: Model = read(ir)
    assert model.format == "ir"
    assert model.signature.inputs == (Tensor("images", (1, 3, 64, 64), "float32"),)
    assert model.signature.outputs == (Tensor("output0", (1, 7, 84), "float32"),)
    assert model.files == {"model.xml": ir, "model.bin": ir.with_suffix(".bin")}


def test_an_ir_without_weights_is_refused(tmp_path: Path, ir: Path) -> None:
    (tmp_path / "m.xml").write_bytes(ir.read_bytes())
    (problem,) = failure(lambda: read(tmp_path / "m.xml")).problems
    assert problem.allowed == "m.bin"


@pytest.mark.parametrize("content", ["", "<a/>", "<net", "text", "\x08\x0a"])
def test_an_xml_file_that_is_not_an_ir_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], content: str
) -> None:
    (tmp_path / "m.xml").write_text(content)
    (tmp_path / "m.bin").write_bytes(b"")
    assert isinstance(failure(lambda: read(tmp_path / "m.xml")), ModelError)
    # Nor do the readers of other formats, which OpenVINO would ask, complain on stderr.
    assert "<net" in content or capfd.readouterr().err == ""


def test_a_path_is_relative_to_the_folder(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    path = models.yolo_model(tmp_path / "sub" / "M.ONNX")
    assert locate("sub/M.ONNX", tmp_path) == path
    assert locate(str(path), tmp_path / "elsewhere") == path


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("m.pt", "yolo export"),
        ("m.pth", "torch.onnx.export"),
        ("m.safetensors", "optimum"),
        ("m.tflite", "tf2onnx"),
        ("m.engine", "GPU"),
        ("m.bin", ".xml"),
        ("m", ""),
        ("m.zip", ""),
    ],
)
def test_other_formats_are_refused_with_a_hint(tmp_path: Path, name: str, hint: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    (problem,) = failure(lambda: locate(name, tmp_path)).problems
    assert problem.path == ()
    assert hint in problem.hint


def test_a_missing_file_is_reported_with_the_existing_ones(
    tmp_path: Path, model_file: Path
) -> None:
    (tmp_path / "other.onnx").write_bytes(model_file.read_bytes())
    (problem,) = failure(lambda: locate("model.onnx", tmp_path)).problems
    assert "model.onnx" in problem.what
    assert "other.onnx" in problem.allowed


@pytest.mark.parametrize(
    "source",
    [
        "folder.onnx",
        "absent/m.onnx",
        "m\x00.onnx",
        "x" * 300 + ".onnx",
        "~nobody-of-this-name/m.onnx",
        "../" * 50 + "m.onnx",
    ],
    ids=lambda source: source[:12],
)
def test_paths_without_a_file(tmp_path: Path, source: str) -> None:
    (tmp_path / "folder.onnx").mkdir()
    assert isinstance(failure(lambda: locate(source, tmp_path)), ModelError)


def test_a_failed_download_is_a_model_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CVATBUILD_CACHE", str(tmp_path))
    # Port 9 is discard's; nothing listens there.
    remote = RemoteModel(url="http://127.0.0.1:9/m.onnx", sha256="0" * 64)
    assert isinstance(failure(lambda: locate(remote, tmp_path)), ModelError)


def test_an_onnx_file_is_read_once_for_signature_and_graph(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zoo.yolov8(tmp_path / "m.onnx")
    read_onnx, graph_of = Mock(wraps=graph_onnx.read_onnx), Mock(wraps=graph_onnx.graph_of)
    monkeypatch.setattr("builder.model.file.read_onnx", read_onnx)
    monkeypatch.setattr("builder.model.file.graph_of", graph_of)
    model = read(path)
    graph_of.assert_not_called()
    assert "output0" in model.graph.shapes
    assert model.with_shapes({}).graph is model.graph
    assert (read_onnx.call_count, graph_of.call_count) == (1, 1)


def test_a_file_without_permission_is_not_reported_as_misspelled(
    tmp_path: Path, model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    (problem,) = failure(lambda: locate(str(model_file), tmp_path)).problems
    assert problem.what == f"{model_file} cannot be read: Permission denied"
    assert (problem.allowed, problem.hint) == (
        "",
        "correct the permissions of the file and of its folders",
    )
