from builder.backends.pins import PYTHON
from builder.manifest.variant_schema import CpuVariant, GpuVariant
from builder.targets.nuclio.settings import NuclioSettings


def test_python_is_one_that_every_nuclio_runs() -> None:
    assert PYTHON in ("3.10", "3.11")
    images = [it().part(NuclioSettings).base_image for it in (CpuVariant, GpuVariant)]
    assert images == [f"python:{PYTHON}-slim"] * 2
