from typing import Any

import pytest

from builder.lint.interactor import (
    BOX_IGNORED,
    LARGE_REPLY,
    NEGATIVE_POINTS_REQUIRED,
    NO_PROMPT_REQUIRED,
    TIMEOUT_SHORT,
    UNSHARED_EMBEDDINGS,
)
from tests.builder.lint.conftest import Lint


@pytest.mark.parametrize("box", ["always", "optional"])
def test_a_function_that_can_get_a_bounding_box_needs_no_points(lint: Lint, box: str) -> None:
    assert lint("interactor", "sam", min_pos_points=0, start_with_box=box) == []


def test_a_function_without_any_prompt_is_reported_for_old_cvat(lint: Lint) -> None:
    def found(cvat: str, points: int) -> list[Any]:
        fields = {"min_pos_points": points, "start_with_box": "never"}
        return [it for it in lint("interactor", "sam", cvat=cvat, **fields) if it[1] != "cvat"]

    assert found("2.59", 0) == [(NO_PROMPT_REQUIRED, "min_pos_points")]
    assert found("2.59", 1) == []
    # Newer versions read an empty reply.
    assert found("2.60", 0) == []


@pytest.mark.parametrize("cvat", ["2.15", "2.59"])
def test_replies_of_whole_images_are_reported(lint: Lint, cvat: str) -> None:
    assert lint("interactor", "sam", cvat=cvat) == [(LARGE_REPLY, "cvat")]


def test_replies_of_run_lengths_are_small(lint: Lint) -> None:
    assert lint("interactor", "sam", cvat="2.60") == []


@pytest.mark.parametrize("points", [-1, 0])
def test_negative_points_can_be_optional_or_forbidden(lint: Lint, points: int) -> None:
    assert lint("interactor", "sam", min_neg_points=points) == []


def test_required_negative_points_are_reported(lint: Lint) -> None:
    found = lint("interactor", "sam", min_neg_points=1)
    assert found == [(NEGATIVE_POINTS_REQUIRED, "min_neg_points")]


def test_old_cvat_ignores_an_optional_bounding_box(lint: Lint) -> None:
    def found(cvat: str, box: str) -> list[Any]:
        return lint("interactor", "sam", cvat=cvat, start_with_box=box)

    large = (LARGE_REPLY, "cvat")
    assert found("2.15", "optional") == [large, (BOX_IGNORED, "start_with_box")]
    assert found("2.16", "optional") == [large]
    assert found("2.15", "always") == [large]


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
