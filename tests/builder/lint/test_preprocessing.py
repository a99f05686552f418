from typing import Any

import pytest

from builder.lint.preprocessing import (
    CHANNEL_ORDER,
    INPUT_FORMAT,
    LETTERBOX_FOR_STRETCHED,
    NORMALIZE_RANGE,
    NOT_NORMALIZED,
    NOT_SCALED,
    RESIZE_FOR_LETTERBOXED,
)
from tests.builder.lint.conftest import IMAGENET, Lint

TOP_LEFT = {"letterbox": {"align": "top_left"}}
YOLO = ["yolo", "nms", "rectangle"]
YOLOX = ["yolox", "nms", "rectangle"]
RTDETR = ["rtdetr", "rectangle"]


@pytest.mark.parametrize(
    ("models", "preprocess", "postprocess", "reported"),
    [
        ("yolo", ["letterbox", "normalize"], YOLO, []),
        (
            "yolo",
            ["resize", "normalize"],
            YOLO,
            [(RESIZE_FOR_LETTERBOXED, "preprocess[0].resize")],
        ),
        ("yolo", ["letterbox"], YOLO, [(NOT_SCALED, "preprocess")]),
        ("rtdetr", ["resize", "normalize"], RTDETR, []),
        (
            "rtdetr",
            ["letterbox", "normalize"],
            RTDETR,
            [(LETTERBOX_FOR_STRETCHED, "preprocess[0].letterbox")],
        ),
        ("yolox", [TOP_LEFT, {"channels": "bgr"}], YOLOX, []),
        ("yolox", [TOP_LEFT], YOLOX, [(INPUT_FORMAT, "preprocess")]),
        (
            "yolox",
            ["letterbox", {"channels": "bgr"}],
            YOLOX,
            [(INPUT_FORMAT, "preprocess[0].letterbox.align")],
        ),
        (
            "yolox",
            [TOP_LEFT, {"channels": "bgr"}, "normalize"],
            YOLOX,
            [(INPUT_FORMAT, "preprocess[2].normalize")],
        ),
        # Only exports of Ultralytics are known to be trained on RGB.
        ("yolo", ["letterbox", "normalize", {"channels": "bgr"}], YOLO, []),
        (
            "yolo-of-ultralytics",
            ["letterbox", "normalize", {"channels": "bgr"}],
            YOLO,
            [(CHANNEL_ORDER, "preprocess[2].channels")],
        ),
    ],
)
def test_preprocessing_of_detectors(
    lint: Lint, models: str, preprocess: list[Any], postprocess: list[Any], reported: list[Any]
) -> None:
    found = lint("detector", models, preprocess=preprocess, postprocess=postprocess)
    assert found == reported


@pytest.mark.parametrize(
    ("preprocess", "reported"),
    [
        ([TOP_LEFT], [(NOT_SCALED, "preprocess")]),
        ([TOP_LEFT, "normalize"], [(NOT_NORMALIZED, "preprocess[1].normalize")]),
        (
            ["letterbox", {"normalize": IMAGENET}],
            [(INPUT_FORMAT, "preprocess[0].letterbox.align")],
        ),
        (["resize", {"normalize": IMAGENET}], [(RESIZE_FOR_LETTERBOXED, "preprocess[0].resize")]),
        (
            [{"channels": "bgr"}, TOP_LEFT, {"normalize": IMAGENET}],
            [(CHANNEL_ORDER, "preprocess[0].channels")],
        ),
    ],
)
def test_preprocessing_of_sam(lint: Lint, preprocess: list[Any], reported: list[Any]) -> None:
    assert lint("interactor", "sam", preprocess=preprocess) == reported


@pytest.mark.parametrize(
    ("scale", "mean", "reported"),
    [
        (1, 123.7, False),
        (255, 0.485, False),
        (255, 123.7, True),
        (1, 0.485, True),
        # Values from -1 to 1
        (127.5, 1, False),
        (1, 0, False),
    ],
)
def test_the_mean_must_be_in_the_range_of_the_scaled_values(
    lint: Lint, scale: float, mean: float, reported: bool
) -> None:
    values = {"normalize": {"scale": scale, "mean": [mean] * 3, "std": [1, 1, 1]}}
    found = lint("reid", "embedder", preprocess=["resize", values])
    assert found == [(NORMALIZE_RANGE, "preprocess[1].normalize.mean")] * reported
