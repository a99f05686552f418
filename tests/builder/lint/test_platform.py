from typing import Any

import pytest

from builder.backends.pins import PYTHON
from builder.diagnostics.rule import Rule
from builder.lint.image import BASE_IMAGE
from builder.lint.platform import CUDA_ON_ARM
from tests.builder.lint.conftest import Lint


@pytest.mark.parametrize(
    ("platform", "cuda", "rule"),
    [
        ("amd64", 12, None),
        ("amd64", 13, None),
        ("arm64", 12, CUDA_ON_ARM),
        ("arm64", 13, None),
        ("arm64", None, None),
    ],
)
def test_cuda_versions_on_arm(
    lint: Lint, platform: str, cuda: int | None, rule: Rule | None
) -> None:
    variants = {"gpu": {"cuda": cuda} if cuda else {}}
    found = lint("detector", "yolo", platform=platform, variants=variants)
    expected = [(rule, "variants.gpu.cuda")] if rule else []
    assert [it for it in found if it[0] is CUDA_ON_ARM] == expected


@pytest.mark.parametrize(
    ("platform", "variant", "settings", "debian", "refused"),
    [
        ("amd64", "cpu", {}, "bullseye", False),
        ("amd64", "gpu", {}, "buster", False),
        ("arm64", "cpu", {}, "bookworm", False),
        ("arm64", "cpu", {}, "bullseye", True),
        ("arm64", "gpu", {}, "bullseye", True),
        ("arm64", "cpu", {"runtime": "onnxruntime"}, "bullseye", False),
    ],
)
def test_base_images_that_are_too_old_for_a_wheel(
    lint: Lint, platform: str, variant: str, settings: dict[str, Any], debian: str, refused: bool
) -> None:
    image = {"base_image": f"python:{PYTHON}-slim-{debian}"}
    found = lint("detector", "yolo", platform=platform, variants={variant: {**settings, **image}})
    expected = [(BASE_IMAGE, f"variants.{variant}.base_image")] if refused else []
    assert [it for it in found if it[0] is BASE_IMAGE] == expected
