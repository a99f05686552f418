from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from builder.diagnostics.collector import Diagnostics
from builder.diagnostics.rule import warning
from builder.lint.scene import Scene
from builder.plan.planner import plan_function
from runtimes.refine.suppress import Nms
from runtimes.step import Decoder, Preprocess, Shape, Step
from tests.builder.conftest import read_valid, write_manifest_to
from tests.gallery_models import MODELS

RULE = warning("odd", "Odd value", "It may not work.")

SceneOf: TypeAlias = Callable[..., Scene]


@pytest.fixture
def scene(tmp_path: Path) -> SceneOf:
    """The scene of a detector with some keys of its manifest changed."""

    def make(models: str = "yolo", with_models: bool = True, **changes: Any) -> Scene:
        MODELS[models](tmp_path)
        file = read_valid(write_manifest_to(tmp_path, **changes))
        diagnostics = Diagnostics()
        planned = plan_function(file, diagnostics, ("cpu", "gpu"), with_models=with_models)
        return Scene(file, planned.models, planned.labels)

    return make


def test_steps_are_found_by_their_class(scene: SceneOf) -> None:
    made = scene()
    assert list(made.steps(Nms)) == [("postprocess", 1, "nms")]
    assert list(made.steps(Decoder)) == [("postprocess", 0, "yolo")]
    assert list(made.steps(Shape)) == [("postprocess", 2, "rectangle")]
    assert len(made.steps(Step)) == 3
    assert len(made.steps(Preprocess, "preprocess")) == 2


def test_disabled_variants_have_no_settings(scene: SceneOf) -> None:
    assert [path for path, _ in scene().variants()] == [("variants", "cpu"), ("variants", "gpu")]
    only_gpu = scene(variants={"cpu": False}).variants()
    assert [path for path, _ in only_gpu] == [("variants", "gpu")]


def test_versions_of_cvat_can_be_compared(scene: SceneOf) -> None:
    assert scene(cvat="2.9").cvat < scene(cvat="2.60").cvat < scene(cvat="10.0").cvat


def test_the_image_input_is_that_of_the_first_model(scene: SceneOf) -> None:
    image = scene().image
    assert image is not None
    assert (image.name, image.height, image.width, image.channels) == ("images", 64, 64, 3)


def test_there_is_no_image_input_without_the_model(scene: SceneOf) -> None:
    made = scene(with_models=False, labels=["a"])
    assert (made.first_model, made.image) == (None, None)


def test_a_problem_has_the_location_of_its_value(scene: SceneOf) -> None:
    made = scene(threshold=0.5)
    lines = made.manifest_file.path.read_text("utf-8").splitlines()
    problem = made.problem(RULE, ("threshold",), "is odd", 0.5)
    assert lines[problem.line - 1] == "threshold: 0.5"
    assert (problem.column, problem.found, problem.rule) == (1, "0.5", RULE)
