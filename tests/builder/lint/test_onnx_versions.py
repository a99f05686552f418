"""Limits of ONNX versions, compared with the runtime that is installed here."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from builder.backends import pins
from builder.backends.registry import backends
from builder.lint.examine import examine
from tests.builder.conftest import WriteManifest
from tests.builder.models import yolo_model

CPU_ONLY = {"gpu": False, "cpu": {"runtime": "onnxruntime"}}


def loads(ir_version: int, opset: int) -> bool:
    """Whether the installed ONNX Runtime loads a model of these versions."""
    taken, given = (helper.make_tensor_value_info(it, TensorProto.FLOAT, [1]) for it in "xy")
    node = helper.make_node("Add", ["x", "x"], ["y"])
    graph = helper.make_graph([node], "g", [taken], [given])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = ir_version
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception:  # ONNX Runtime has no common class
        return False
    return bool(session.run(None, {"x": np.ones(1, np.float32)})[0][0] == 2)


@pytest.mark.skipif(
    onnxruntime.__version__ not in pins.ONNX_VERSIONS, reason="no pinned version is installed"
)
def test_the_limits_are_those_of_the_installed_runtime() -> None:
    limits = pins.ONNX_VERSIONS[onnxruntime.__version__]
    known = [*range(1, limits.ir_version + 1)]
    assert [it for it in range(1, 30) if loads(it, 17)] == known
    known = [*range(pins.OLDEST_OPSET, limits.opset + 1)]
    assert [it for it in range(1, 40) if loads(8, it)] == known


def test_every_pinned_onnx_runtime_has_limits() -> None:
    lists = [pins.ONNXRUNTIME, *pins.CUDA.values()]
    versions = {package.partition("==")[2] for names in lists for package in names[:1]}
    assert versions == set(pins.ONNX_VERSIONS)
    for backend in backends():
        assert (backend.onnx_versions(backend.settings()) is None) == (backend.name == "openvino")


@pytest.mark.parametrize(
    ("ir_version", "opset", "codes"),
    [
        (14, 28, []),
        (15, 28, ["onnx-version"]),
        (14, 29, ["onnx-version"]),
        (15, 29, ["onnx-version", "onnx-version"]),
        (3, 7, []),
        (3, 6, ["onnx-version"]),
        (1, 7, []),
    ],
)
def test_versions_outside_the_limits_of_the_variant_are_errors(
    write_manifest: WriteManifest, tmp_path: Path, ir_version: int, opset: int, codes: list[str]
) -> None:
    model = onnx.load(yolo_model(tmp_path / "other.onnx"))
    model.ir_version, model.opset_import[0].version = ir_version, opset
    onnx.save(model, tmp_path / "other.onnx")
    file = write_manifest(model="other.onnx", variants=CPU_ONLY)
    problems = examine(file).problems
    assert [it.code for it in problems] == codes
    for problem in problems:
        assert problem.is_error
        assert problem.place == "model"
        assert "ONNX Runtime 1.32.0" in problem.what
        assert problem.allowed == "opset 7 to 28, IR version up to 14"


def test_openvino_loads_any_version(write_manifest: WriteManifest, tmp_path: Path) -> None:
    model = onnx.load(yolo_model(tmp_path / "other.onnx"))
    model.ir_version, model.opset_import[0].version = 20, 40
    onnx.save(model, tmp_path / "other.onnx")
    assert examine(write_manifest(model="other.onnx", variants={"gpu": False})).problems == ()


def test_the_cuda_version_decides(write_manifest: WriteManifest, tmp_path: Path) -> None:
    model = onnx.load(yolo_model(tmp_path / "other.onnx"))
    model.ir_version = 14
    onnx.save(model, tmp_path / "other.onnx")
    for cuda, version in ((12, "1.26.0"), (13, "1.31.1")):
        variants = {"cpu": False, "gpu": {"cuda": cuda}}
        (problem,) = examine(write_manifest(model="other.onnx", variants=variants)).problems
        assert f"ONNX Runtime {version} of the gpu variant" in problem.what
        assert "`model.ir_version = 13`" in problem.hint


@pytest.mark.parametrize(
    ("domain", "version", "words"),
    [
        ("ai.onnx.ml", 5, ""),
        ("ai.onnx.ml", 6, "version 6 of the operators of ai.onnx.ml"),
        ("com.microsoft", 1, ""),
        ("com.microsoft", 2, "version 2 of the operators of com.microsoft"),
        ("made.up", 9, ""),
    ],
)
@pytest.mark.parametrize("used", [False, True])
def test_operator_sets_of_other_domains_have_limits(
    write_manifest: WriteManifest,
    tmp_path: Path,
    domain: str,
    version: int,
    words: str,
    used: bool,
) -> None:
    model = onnx.load(yolo_model(tmp_path / "other.onnx"))
    model.opset_import.append(onnx.helper.make_opsetid(domain, version))
    if used and domain != "made.up":
        # An operator of the domain whose result nothing reads.
        op = {"ai.onnx.ml": "Scaler", "com.microsoft": "FastGelu"}[domain]
        source = model.graph.node[0].input[0]
        model.graph.node.append(onnx.helper.make_node(op, [source], ["extra"], domain=domain))
    onnx.save(model, tmp_path / "other.onnx")
    problems = examine(write_manifest(model="other.onnx", variants=CPU_ONLY)).problems
    assert [it.code for it in problems] == (["onnx-version"] if words else [])
    for problem in problems:
        assert words in problem.what
        assert ("remove it from `opset_import`" in problem.hint) is not used
        assert problem.allowed in ("ai.onnx.ml up to 5", "com.microsoft up to 1")


@pytest.mark.parametrize("domain", pins.DOMAIN_VERSIONS)
def test_the_limits_of_other_domains_are_those_of_the_installed_runtime(
    tmp_path: Path, domain: str
) -> None:
    model = onnx.load(yolo_model(tmp_path / "m.onnx"))
    model.opset_import.append(onnx.helper.make_opsetid(domain, pins.DOMAIN_VERSIONS[domain]))
    onnxruntime.InferenceSession(model.SerializeToString())
    model.opset_import[-1].version += 1
    with pytest.raises(onnxruntime.capi.onnxruntime_pybind11_state.Fail):
        onnxruntime.InferenceSession(model.SerializeToString())
