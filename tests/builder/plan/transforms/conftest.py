from pathlib import Path

import onnx
import pytest

from builder.lint.examine import plan
from builder.plan.plan import Plan
from tests.builder.conftest import WriteManifest


@pytest.fixture
def documented(write_manifest: WriteManifest, tmp_path: Path) -> Plan:
    """The plan of a model whose nodes have stack traces."""
    model = onnx.load(tmp_path / "model.onnx")
    model.doc_string = "a model"
    model.graph.doc_string = "a graph"
    for node in model.graph.node:
        node.doc_string = "/home/me/model.py(12): forward"
    model.graph.input[0].doc_string = "an input"
    onnx.save(model, tmp_path / "model.onnx")
    return plan(write_manifest())
