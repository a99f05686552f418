from typing import Any

import pytest

from builder.lint.steps import (
    DUPLICATE_STEP,
    MASK_RLE,
    MISSING_NMS,
    REDUNDANT_NMS,
    REFINEMENT_UNSUPPORTED,
    SHAPE_UNSUPPORTED,
    TOP_K_BEFORE_NMS,
    UNSIMPLIFIED_POLYGON,
)
from tests.builder.lint.conftest import Lint


@pytest.mark.parametrize(
    ("models", "steps", "reported"),
    [
        ("yolo", ["yolo", "rectangle"], [(MISSING_NMS, "postprocess[0].yolo")]),
        ("yolo", ["yolo", "nms", "rectangle"], []),
        (
            "yolo-end2end",
            ["yolo_end2end", "nms", "rectangle"],
            [(REDUNDANT_NMS, "postprocess[1].nms")],
        ),
        ("yolo-end2end", ["yolo_end2end", "rectangle"], []),
        (
            "yolo",
            ["yolo", "top_k", "nms", "rectangle"],
            [(TOP_K_BEFORE_NMS, "postprocess[1].top_k")],
        ),
        ("yolo", ["yolo", "nms", "top_k", "rectangle"], []),
        ("yolo", ["yolo", "nms", "nms", "rectangle"], [(DUPLICATE_STEP, "postprocess[2].nms")]),
        (
            "yolo",
            ["yolo", "nms", "rectangle", "rectangle"],
            [(DUPLICATE_STEP, "postprocess[3].rectangle")],
        ),
        ("yolo", ["yolo", "nms", "rectangle", {"rectangle": {"suffix": "-2"}}], []),
        # Refinements other than `nms` may be repeated.
        ("yolo", ["yolo", "nms", "min_size", "min_size", "rectangle"], []),
        ("yolo", ["yolo", "nms", "mask"], [(SHAPE_UNSUPPORTED, "postprocess[2].mask")]),
        ("yolo", ["yolo", "nms", "points"], [(SHAPE_UNSUPPORTED, "postprocess[2].points")]),
        (
            "yolo",
            ["yolo", "nms", "smooth", "rectangle"],
            [(REFINEMENT_UNSUPPORTED, "postprocess[2].smooth")],
        ),
        ("yolo-segment", ["yolo_segment", "nms", "smooth", "mask"], []),
        ("yolo-pose", ["yolo_pose", "nms", "points", "rectangle"], []),
        (
            "yolo-segment",
            ["yolo_segment", "nms", {"mask": "rle"}],
            [(MASK_RLE, "postprocess[2].mask.encoding")],
        ),
        (
            "yolo-segment",
            ["yolo_segment", "nms", {"polygon": 0}],
            [(UNSIMPLIFIED_POLYGON, "postprocess[2].polygon.epsilon")],
        ),
        ("yolo-segment", ["yolo_segment", "nms", {"polygon": 0.5}], []),
    ],
)
def test_postprocessing(lint: Lint, models: str, steps: list[Any], reported: list[Any]) -> None:
    assert lint("detector", models, postprocess=steps) == reported


def test_duplicate_preprocessing_is_reported(lint: Lint) -> None:
    found = lint("detector", "yolo", preprocess=["letterbox", "normalize", "letterbox"])
    assert found == [(DUPLICATE_STEP, "preprocess[2].letterbox")]


def test_a_second_model_can_give_what_a_shape_needs(lint: Lint) -> None:
    second = {
        "model": "model.onnx",
        "preprocess": ["resize", "normalize"],
        "postprocess": ["yolo_pose"],
    }
    steps = ["yolo_pose", "nms", "points", "rectangle"]
    assert lint("detector", "yolo-pose", postprocess=steps, then=[second]) == []
