from typing import Any

import pytest

from builder.diagnostics.rule import Rule
from builder.lint.input_sizes import (
    BUCKET_SIZE,
    BUCKETS_CHANGE_RESULTS,
    BUCKETS_WITHOUT_EFFECT,
    VARYING_INPUT_SIZE,
)
from tests.builder.lint.conftest import Lint

RULES = (BUCKET_SIZE, BUCKETS_CHANGE_RESULTS, BUCKETS_WITHOUT_EFFECT, VARYING_INPUT_SIZE)
STRIDE = {"letterbox": {"size": 64, "stride": 32}}
VALUES = {"normalize": 255}


def gpu(buckets: Any) -> dict[str, Any]:
    return {"gpu": {"buckets": buckets}}


@pytest.mark.parametrize(
    ("step", "variants", "problem"),
    [
        ({"letterbox": 64}, {}, None),
        (STRIDE, {}, None),
        (STRIDE, gpu([[64, 64]]), None),
        (STRIDE, gpu([[32, 64], [64, 96]]), None),
        (STRIDE, {"gpu": False}, None),
        (STRIDE, gpu("none"), (VARYING_INPUT_SIZE, "variants.gpu.buckets")),
        (STRIDE, gpu([[32, 64], [64, 32]]), (VARYING_INPUT_SIZE, "variants.gpu.buckets")),
        (STRIDE, gpu([[64, 64], [40, 64]]), (BUCKET_SIZE, "variants.gpu.buckets[1]")),
        ({"letterbox": 64}, gpu([[64, 64]]), (BUCKETS_WITHOUT_EFFECT, "variants.gpu.buckets")),
        ("resize_multiple", {}, (VARYING_INPUT_SIZE, "preprocess[0].resize_multiple")),
        ("resize_multiple", {"gpu": False}, None),
        ({"resize_multiple": {"longest": 960}}, {}, None),
    ],
)
def test_sizes_and_buckets(
    lint: Lint, step: Any, variants: dict[str, Any], problem: tuple[Rule, str] | None
) -> None:
    found = lint("detector", "yolo-with-open-size", preprocess=[step, VALUES], variants=variants)
    assert [it for it in found if it[0] in RULES] == ([problem] if problem else [])


def test_a_fixed_model_is_silent(lint: Lint) -> None:
    assert lint("detector", "yolo") == []


@pytest.mark.parametrize(
    ("variants", "rules"),
    [
        ({}, [VARYING_INPUT_SIZE]),
        ({"gpu": False}, []),
        (gpu([[640, 640]]), [BUCKETS_CHANGE_RESULTS]),
    ],
)
def test_torchvisions_detectors_take_images_of_any_size(
    lint: Lint, variants: dict[str, Any], rules: list[Rule]
) -> None:
    changes: dict[str, Any] = {"preprocess": [VALUES], "postprocess": ["torchvision", "rectangle"]}
    found = lint("detector", "torchvision-with-open-size", variants=variants, **changes)
    assert [rule for rule, _ in found if rule in RULES] == rules
