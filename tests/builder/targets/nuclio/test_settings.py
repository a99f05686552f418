import pytest
from pydantic import ValidationError

from builder.manifest.variant_schema import CpuVariant
from builder.targets.nuclio.settings import NuclioSettings


@pytest.mark.parametrize(
    ("size", "expected"), [("8Mi", 8 << 20), ("9000Ki", 9000 << 10), ("1Gi", 1 << 30)]
)
def test_the_request_size_in_bytes(size: str, expected: int) -> None:
    settings = CpuVariant.model_validate({"max_request_size": size}).part(NuclioSettings)
    assert settings.max_request_bytes() == expected


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_request_size": "7Mi"},
        {"max_request_size": "2048Mi"},
        {"env": {"CVATBUILD_VARIANT": "gpu"}},
        {"env": {"NAME": "it's"}},
        {"event_timeout": "0s"},
    ],
)
def test_values_that_nuclio_would_refuse(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CpuVariant.model_validate(wrong)
