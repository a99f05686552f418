from typing import Any

import pytest

from builder.lint.labels import (
    BACKGROUND_LABEL,
    KEYPOINTS_NOT_DRAWN,
    LABEL_ORDER,
    SKELETON_WITHOUT_EDGES,
)
from tests.builder.lint.conftest import Lint

POSE = ["yolo_pose", "nms", "skeleton"]


@pytest.mark.parametrize("name", ["background", "BG", "__background__", "None"])
def test_a_background_label_is_reported(lint: Lint, name: str) -> None:
    found = lint("detector", "yolo", labels=["cat", "dog", name])
    assert found == [(BACKGROUND_LABEL, "labels[2]")]


def test_labels_in_another_order_than_the_models_are_reported(lint: Lint) -> None:
    found = lint("detector", "yolo", labels=["dog", "cat", "bird"])
    assert found == [(LABEL_ORDER, "labels[0]"), (LABEL_ORDER, "labels[1]")]
    one = [{"name": "bird", "id": 0}]
    assert lint("detector", "yolo", labels=one) == [(LABEL_ORDER, "labels[0]")]


@pytest.mark.parametrize(
    "labels",
    [
        ["chat", "chien", "oiseau"],
        ["dog", "cat", "horse"],
        [{"name": "bird", "id": 2}],
        "metadata",
    ],
)
def test_labels_with_other_names_than_the_models_are_no_mistake(lint: Lint, labels: Any) -> None:
    assert lint("detector", "yolo", labels=labels) == []


def test_keypoints_that_no_shape_draws_are_reported(lint: Lint) -> None:
    label = {"name": "cat", "id": 0, "sublabels": ["a", "b"], "edges": [["a", "b"]]}
    found = lint("detector", "yolo", labels=[label])
    assert found == [(KEYPOINTS_NOT_DRAWN, "labels[0]")]
    assert lint("detector", "yolo-pose", labels=[label], postprocess=POSE) == []


@pytest.mark.parametrize(
    ("sublabels", "edges", "reported"),
    [(["a", "b"], [], True), (["a", "b"], [["a", "b"]], False)],
)
def test_a_skeleton_needs_edges(
    lint: Lint, sublabels: list[str], edges: list[list[str]], reported: bool
) -> None:
    label = {"name": "cat", "id": 0, "sublabels": sublabels, "edges": edges}
    found = lint("detector", "yolo-pose", labels=[label], postprocess=POSE)
    assert found == [(SKELETON_WITHOUT_EDGES, "labels[0]")] * reported
