"""Operators that no runtime has."""

import pytest

from builder.families.operators import foreign_operators
from builder.model.graph import Graph


@pytest.mark.parametrize(
    ("domains", "what", "hint"),
    [
        (("TRT",), "TRT", "--max-wh 640"),
        (("mmdeploy",), "mmdeploy", "NMSRotated"),
        (("acme",), "acme", "without plug-ins of acme"),
        (("TRT", "com.microsoft"), "operations of TRT", "YOLOv8-TensorRT"),
    ],
)
def test_a_foreign_domain_has_a_cure(domains: tuple[str, ...], what: str, hint: str) -> None:
    found = foreign_operators(Graph("", 17, domains, {}, (), {}))
    assert found is not None
    assert what in found.what
    assert hint in found.hint


@pytest.mark.parametrize("domains", [(), ("com.microsoft",), ("ai.onnx.ml",)])
def test_domains_of_the_runtimes_are_not_foreign(domains: tuple[str, ...]) -> None:
    assert foreign_operators(Graph("", 17, domains, {}, (), {})) is None
