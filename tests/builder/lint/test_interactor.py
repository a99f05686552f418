from typing import Any

import pytest

from builder.lint.interactor import (
    BOX_IGNORED,
    NEGATIVE_POINTS_REQUIRED,
    NO_PROMPT_REQUIRED,
    TIMEOUT_SHORT,
    UNSHARED_EMBEDDINGS,
)
from tests.builder.lint.conftest import Lint


@pytest.mark.parametrize("box", ["always", "optional"])
def test_a_function_that_can_get_a_bounding_box_needs_no_points(lint: Lint, box: str) -> None:
    assert lint("interactor", "sam", min_pos_points=0, start_with_box=box) == []


def test_a_function_without_any_prompt_is_reported(lint: Lint) -> None:
    found = lint("interactor", "sam", min_pos_points=0, start_with_box="never")
    assert found == [(NO_PROMPT_REQUIRED, "min_pos_points")]
    assert lint("interactor", "sam", min_pos_points=1, start_with_box="never") == []


@pytest.mark.parametrize("points", [-1, 0])
def test_negative_points_can_be_optional_or_forbidden(lint: Lint, points: int) -> None:
    assert lint("interactor", "sam", min_neg_points=points) == []


def test_required_negative_points_are_reported(lint: Lint) -> None:
    found = lint("interactor", "sam", min_neg_points=1)
    assert found == [(NEGATIVE_POINTS_REQUIRED, "min_neg_points")]


def test_old_cvat_ignores_an_optional_bounding_box(lint: Lint) -> None:
    def found(cvat: str, box: str) -> list[Any]:
        return lint("interactor", "sam", cvat=cvat, start_with_box=box)

    assert found("2.15", "optional") == [(BOX_IGNORED, "start_with_box")]
    assert found("2.16", "optional") == []
    assert found("2.15", "always") == []


def test_several_workers_do_not_share_embeddings(lint: Lint) -> None:
    found = lint("interactor", "sam", variants={"gpu": {"workers": 2}})
    assert found == [(UNSHARED_EMBEDDINGS, "variants.gpu.workers")]
    assert lint("interactor", "sam", variants={"gpu": {"workers": 1}}) == []


def test_a_large_encoder_needs_time_on_the_cpu(lint: Lint) -> None:
    def found(variant: str, timeout: str) -> list[Any]:
        variants = {variant: {"event_timeout": timeout}}
        return lint("interactor", "sam-with-160-mib", variants=variants)

    assert found("cpu", "2s") == [(TIMEOUT_SHORT, "variants.cpu.event_timeout")]
    assert found("cpu", "10s") == []
    assert found("gpu", "2s") == []
