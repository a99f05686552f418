import pytest
from pydantic import ValidationError

from builder.backends.pins import PYTHON
from builder.manifest.variant_schema import CpuVariant, GpuVariant
from builder.targets.nuclio.image_settings import ImageSettings


def test_python_is_one_that_every_nuclio_runs() -> None:
    assert PYTHON in ("3.10", "3.11")
    images = [it().part(ImageSettings).base_image for it in (CpuVariant, GpuVariant)]
    assert images == [f"python:{PYTHON}-slim"] * 2


@pytest.mark.parametrize("key", ["index", "proxy"])
@pytest.mark.parametrize(
    ("url", "right"),
    [
        ("https://pypi.example.com/simple", True),
        ("http://10.0.0.1:3128", True),
        ("https://user:secret@pypi.example.com/simple", False),
        ("https://token@pypi.example.com/simple", False),
        ("https://pypi.example.com/a@b", True),
        ("ftp://pypi.example.com", False),
        ("https://pypi.example.com/$(id)", False),
        ("https://pypi.example.com/a b", False),
    ],
)
def test_urls_of_indexes_and_proxies(key: str, url: str, right: bool) -> None:
    try:
        CpuVariant.model_validate({"sources": {key: url}})
    except ValidationError:
        assert not right
    else:
        assert right
