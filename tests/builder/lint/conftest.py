from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import yaml

from builder.diagnostics.rule import Rule
from builder.lint.examine import examine
from tests.gallery_models import MODELS

Lint: TypeAlias = Callable[..., list[tuple[Rule | None, str]]]

IMAGENET = {"scale": 1, "mean": [123.675, 116.28, 103.53], "std": [58.395, 57.12, 57.375]}

VALID: dict[str, dict[str, Any]] = {
    "detector": {
        "model": "model.onnx",
        "labels": ["cat", "dog", "bird"],
        "preprocess": ["letterbox", {"normalize": 255}],
        "postprocess": ["yolo", "nms", "rectangle"],
    },
    "interactor": {
        "encoder": "encoder.onnx",
        "decoder": "decoder.onnx",
        "preprocess": [{"letterbox": {"align": "top_left"}}, {"normalize": IMAGENET}],
        "postprocess": ["sam"],
    },
    "tracker": {
        "model": "model.onnx",
        "preprocess": ["normalize"],
        "postprocess": ["siamfc"],
    },
    "reid": {
        "model": "model.onnx",
        "preprocess": ["resize", "normalize"],
        "postprocess": ["embedding"],
        "threshold": 0.3,
        "max_distance": 100,
    },
}
"""Function type -> the keys of a manifest about which nothing is reported."""


@pytest.fixture
def lint(tmp_path: Path) -> Lint:
    """Return rule and path of each problem of a valid manifest with some keys changed.

    Args:
        function_type: a key of VALID.
        models: a key of tests.gallery_models.MODELS.
        changes: keys of the manifest; None removes one.
    """

    def problems(function_type: str, models: str, **changes: Any) -> list[tuple[Rule | None, str]]:
        MODELS[models](tmp_path)
        data = {"name": "test", "type": function_type, **VALID[function_type], **changes}
        file = tmp_path / "m.yaml"
        kept = {key: value for key, value in data.items() if value is not None}
        file.write_text(yaml.safe_dump(kept, sort_keys=False))
        return [(problem.rule, problem.place) for problem in examine(file).problems]

    return problems
