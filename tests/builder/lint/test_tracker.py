from typing import Any

import pytest

from builder.lint.tracker import SHAPE_TYPES_IGNORED, STATE_TOO_SMALL, TRACKER_NOT_LISTED
from tests.builder.lint.conftest import Lint


def test_a_tracker_without_rectangles_is_not_listed(lint: Lint) -> None:
    found = lint("tracker", "siamfc", supported_shape_types=["polygon", "mask"])
    assert found == [(TRACKER_NOT_LISTED, "supported_shape_types")]
    assert lint("tracker", "siamfc", supported_shape_types=["mask", "rectangle"]) == []


def test_old_cvat_ignores_other_shapes_than_rectangles(lint: Lint) -> None:
    def found(cvat: str) -> list[Any]:
        types = ["rectangle", "polygon", "mask"]
        return lint("tracker", "siamfc", cvat=cvat, supported_shape_types=types)

    assert found("2.59") == [
        (SHAPE_TYPES_IGNORED, "supported_shape_types[1]"),
        (SHAPE_TYPES_IGNORED, "supported_shape_types[2]"),
    ]
    assert found("2.60") == []


@pytest.mark.parametrize(
    ("models", "size", "enough"),
    [
        # 1024 bytes, and a third of a byte for each pixel of the template.
        ("siamfc", None, 1024 + 127 * 127 // 3 + 1),
        ("siamfc-with-open-size", 200, 1024 + 200 * 200 // 3 + 1),
    ],
)
def test_a_state_must_hold_the_template(
    lint: Lint, models: str, size: int | None, enough: int
) -> None:
    def found(limit: int) -> list[Any]:
        step = {"siamfc": {"template_size": size} if size else {}}
        return lint("tracker", models, postprocess=[step], max_state_bytes=limit)

    assert found(enough - 2) == [(STATE_TOO_SMALL, "max_state_bytes")]
    assert found(enough) == []
