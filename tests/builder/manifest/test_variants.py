from typing import Any

import pytest

from tests.builder.manifest.conftest import Read, Refused


@pytest.mark.parametrize(
    ("key", "default"),
    [
        ("workers", None),
        ("threads", 0),
        ("base_image", "python:3.11-slim"),
        ("apt", ()),
        ("pip", ()),
        ("env", {}),
        ("event_timeout", "30s"),
        ("readiness_timeout", 180),
        ("port", None),
        ("memory", None),
        ("cpu", None),
    ],
)
@pytest.mark.parametrize("variants", [None, {}, {"cpu": {}, "gpu": {}}])
def test_settings_of_both_variants_have_defaults(
    read: Read, key: str, default: object, variants: dict[str, Any] | None
) -> None:
    found = read(variants=variants).manifest.variants
    assert getattr(found.cpu, key) == default
    assert getattr(found.gpu, key) == default


def test_settings_of_one_variant_have_defaults(read: Read) -> None:
    variants = read().manifest.variants
    assert variants.cpu
    assert variants.gpu
    assert variants.cpu.runtime == "openvino"
    assert variants.gpu.cuda is None
    assert variants.gpu.allow_cpu_fallback is False


@pytest.mark.parametrize("cpu", [False, {"threads": 2}])
def test_one_variant_can_be_disabled(read: Read, cpu: Any) -> None:
    variants = {"cpu": cpu, "gpu": False} if cpu else {"cpu": False}
    found = read(variants=variants).manifest.variants
    assert bool(found.cpu) == bool(cpu)
    assert bool(found.gpu) == (not cpu)


def test_both_variants_cannot_be_disabled(refused: Refused) -> None:
    assert "both" in refused(variants={"cpu": False, "gpu": False}).what


@pytest.mark.parametrize("value", [True, None, "no", 0, []])
def test_a_variant_has_settings_or_is_false(refused: Refused, value: object) -> None:
    assert refused(variants={"cpu": value}).place == "variants.cpu"
