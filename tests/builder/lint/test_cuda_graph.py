from typing import Any

import pytest

from builder.diagnostics.rule import Rule
from builder.lint.cuda_graph import CUDA_GRAPH_OPEN_SHAPES
from tests.builder.lint.conftest import Lint

GRAPH = {"gpu": {"cuda_graph": True}}
OPEN = {"preprocess": [{"letterbox": 64}, {"normalize": 255}]}


@pytest.mark.parametrize(
    ("models", "variants", "rule"),
    [
        ("yolo", GRAPH, None),
        ("yolo-with-open-size", {"gpu": {"cuda_graph": False}}, None),
        ("yolo-with-open-size", {}, None),
        ("yolo-with-open-size", {"gpu": False}, None),
        ("yolo-with-open-size", GRAPH, CUDA_GRAPH_OPEN_SHAPES),
    ],
)
def test_a_cuda_graph_needs_fixed_shapes(
    lint: Lint, models: str, variants: dict[str, Any], rule: Rule | None
) -> None:
    changes = OPEN if "open" in models else {}
    found = [it for it in lint("detector", models, variants=variants, **changes) if it[0] == rule]
    assert bool(found) == (rule is not None)
    assert all(place == "variants.gpu.cuda_graph" for _, place in found)


def test_the_decoder_of_an_interactor_counts(lint: Lint) -> None:
    # Its number of points is dynamic.
    found = lint("interactor", "sam", variants=GRAPH)
    assert (CUDA_GRAPH_OPEN_SHAPES, "variants.gpu.cuda_graph") in found
