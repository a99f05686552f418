import os
import subprocess
import sys
from pathlib import Path

import pytest

from builder.backends.registry import backends
from builder.manifest import variant_schema
from builder.manifest.variant_schema import (
    CpuVariant,
    GpuVariant,
    SharedVariant,
    Variants,
    parts_of,
)
from builder.manifest.variants import VariantName, VariantSettings
from builder.targets.nuclio.settings import NuclioSettings
from tests.grids import quick_and_slow

SHARED = {
    *("memory", "cpu", "threads", "calibration", "max_difference"),
    *(
        "workers",
        "base_image",
        "user",
        "sources",
        "apt",
        "pip",
        "env",
        "event_timeout",
        "readiness_timeout",
        "max_request_size",
        "port",
        "kubernetes",
    ),
}


def test_a_variant_has_the_keys_of_the_core_the_targets_and_the_backends() -> None:
    assert set(SharedVariant.model_fields) == SHARED
    assert set(CpuVariant.model_fields) == SHARED | {"runtime", "precision"}
    cuda = {
        *("cuda", "allow_cpu_fallback", "precision", "buckets", "cuda_graph", "decode"),
        *("arena_extend_strategy", "cudnn_conv_algo_search", "gpu_mem_limit"),
    }
    assert set(GpuVariant.model_fields) == SHARED | cuda


def test_assembled_settings_are_settings_of_each_part() -> None:
    settings = GpuVariant.model_validate({"workers": 3})
    assert settings.part(NuclioSettings).workers == 3
    assert (CpuVariant.NAME, GpuVariant.NAME) == ("cpu", "gpu")


def test_a_part_of_another_variant_is_an_error() -> None:
    (cuda,) = (it.settings for it in backends() if it.variant == "gpu")
    with pytest.raises(TypeError, match="CpuVariant has no settings of CudaSettings"):
        CpuVariant().part(cuda)


def test_a_disabled_variant_has_no_settings() -> None:
    variants = Variants.model_validate({"gpu": False})
    assert variants.of("gpu") is None
    assert variants.of("cpu") == CpuVariant()


def test_a_key_that_is_declared_twice_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other(VariantSettings):
        port: int = 0

    (first, *others) = variant_schema.contributions()
    monkeypatch.setattr(first, "parts", lambda variant: (Other,))
    monkeypatch.setattr(
        variant_schema, "contributions", lambda: (first, *others, _module_of(NuclioSettings))
    )
    with pytest.raises(TypeError, match="both declare `port`"):
        parts_of("cpu")


def _module_of(part: type[VariantSettings]) -> object:
    """A module that contributes one part."""

    class Module:
        @staticmethod
        def parts(variant: VariantName) -> tuple[type[VariantSettings], ...]:
            return (part,)

    return Module


def fresh(program: str, *arguments: str | Path) -> str:
    """What a program prints that imports the tool anew."""
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "first",
    quick_and_slow(
        [
            "builder.backends.registry",
            "builder.backends.settings",
            "builder.backends.onnxruntime_cuda",
            "builder.targets.nuclio.settings",
            "builder.manifest.variants",
            "builder.manifest.schema",
        ],
        ["builder.backends.registry", "builder.manifest.schema"],
    ),
)
def test_the_schema_does_not_depend_on_the_order_of_imports(first: str) -> None:
    program = (
        "import importlib, sys\n"
        "importlib.import_module(sys.argv[1])\n"
        "from builder.manifest.variant_schema import CpuVariant, GpuVariant\n"
        "print(*CpuVariant.model_fields, *GpuVariant.model_fields)\n"
    )
    keys = fresh(program, first).split()
    assert keys == [*CpuVariant.model_fields, *GpuVariant.model_fields]


SETTINGS = '''
"""The keys of a target that does not exist."""

from builder.manifest.variants import VariantSettings

RESERVED_NAMES = {"taken": "it is taken"}


class OtherSettings(VariantSettings):
    """Its keys."""

    replicas: int = 1
    """Number of replicas."""


def parts(variant):
    return (OtherSettings,) if variant == "cpu" else ()
'''


def test_a_target_adds_its_own_keys(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "__init__.py").write_text("")
    (tmp_path / "other" / "settings.py").write_text(SETTINGS)
    program = (
        "import sys, builder.targets\n"
        "builder.targets.__path__.append(sys.argv[1])\n"
        "from builder.manifest.variant_schema import CpuVariant, GpuVariant, reserved_names\n"
        "print(CpuVariant().replicas, 'replicas' in GpuVariant.model_fields)\n"
        "print(reserved_names()['taken'], 'dashboard' in reserved_names())\n"
    )
    assert fresh(program, tmp_path) == "1 False\nit is taken True\n"
