from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import yaml

from builder.lint.examine import plan
from runtimes.embedders.vector import Embedding
from runtimes.network import Network
from runtimes.preprocess.resize import Resize
from runtimes.preprocess.values import Channels, Layout, Normalize
from runtimes.reid import Reid
from tests.builder.conftest import failure
from tests.gallery_models import MODELS
from tests.unseen import check_without_model

Write: TypeAlias = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a ReID manifest with some keys changed, beside its model."""

    def write_manifest(models: str = "embedder", **changes: Any) -> Path:
        MODELS[models](tmp_path)
        data = {
            "name": "same",
            "type": "reid",
            "model": "model.onnx",
            "preprocess": ["resize", "normalize"],
            "postprocess": ["embedding"],
            "threshold": 0.3,
            "max_distance": 100,
            **changes,
        }
        path = tmp_path / "same.yaml"
        path.write_text(yaml.safe_dump(data, sort_keys=False))
        return path

    return write_manifest


def test_omitted_values_are_taken_from_the_model(write: Write) -> None:
    made = plan(write())
    values = (Resize((64, 32)), Channels("rgb"), Normalize(), Layout("nchw"))
    network = Network("model.onnx", "crops", values)
    assert made.function == Reid(0.3, 100, network, Embedding(output="vector"))
    assert made.labels == ()


def test_values_of_the_manifest_are_kept(write: Write) -> None:
    step = {"embedding": {"output": "face", "distance": "euclidean"}}
    changes = {"postprocess": [step], "threshold": 1.5, "max_distance": 20}
    function = plan(write("embedder-with-two-vectors", **changes)).function
    assert isinstance(function, Reid)
    assert (function.threshold, function.max_distance) == (1.5, 20)
    assert function.embedder == Embedding("euclidean", output="face")


def test_mistakes_in_both_lists_of_steps_are_reported(write: Write) -> None:
    manifest = write(preprocess=[{"resize": 64}], postprocess=[{"embedding": {"output": "x"}}])
    places = [problem.place for problem in failure(lambda: plan(manifest)).problems]
    assert places == ["preprocess[0].resize.size", "postprocess[0].embedding.output"]


def test_a_manifest_can_be_checked_without_its_model(write: Write, tmp_path: Path) -> None:
    manifest = write(preprocess=[{"resize": 64}])
    (tmp_path / "model.onnx").unlink()
    assert check_without_model(manifest).name == "same"
