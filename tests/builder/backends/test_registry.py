"""The backends, and how little a new one needs: one module of the tool and its adapter."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from builder.backends.registry import backend_of, backends, backends_of
from builder.manifest.variant_schema import CpuVariant, GpuVariant
from builder.manifest.variants import Variant
from tests.builder.conftest import WriteManifest

ADAPTER = '''
"""An adapter that a function's image has a copy of."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class MadeUp:
    """Its settings."""

    level: int = 1
    threads: int = 0
    workers: int = 1

    def open(self, model: Path) -> None:
        """Load a model."""
        raise NotImplementedError
'''

BACKEND = '''
"""A backend of the GPU variant."""

from builder.backends.backend import Backend, BackendSettings
from runtimes.backends.made_up import MadeUp


class MadeUpSettings(BackendSettings):
    """Its own key."""

    level: int = 1
    """How hard it tries."""


class MadeUpBackend(Backend):
    """A runtime that does not exist."""

    name = "made_up"
    variant = "gpu"
    rank = 1
    advice = "`made_up` is for tests."
    runtime = title = "Made-Up"
    module = package = "made_up_runtime"
    device = "GPU"
    formats = frozenset({"onnx", "ir"})
    settings = MadeUpSettings
    environment = {"MADE_UP": "yes"}

    def packages(self, settings, platform="amd64"):
        return ("packaging==26.3",)  # any version in wheels.json

    def adapter(self, settings, threads=0, workers=1):
        return MadeUp(settings.part(MadeUpSettings).level, threads, workers)
'''

PROGRAM = """
import json, sys
from pathlib import Path
import builder.backends, runtimes.backends
builder.backends.__path__.append(sys.argv[1] + "/tool")
runtimes.backends.__path__.append(sys.argv[1] + "/function")
from builder.backends.registry import backend_of
from builder.diagnostics.errors import CvatbuildError
from builder.doctor import backends
from builder.families.inspect import Inspection
from builder.lint.examine import plan
from builder.reference import manifest_pages
from builder.targets.bundle import render
found = plan(Path(sys.argv[2]))
tree = {path: it for path, it in render(found).items() if isinstance(it, bytes)}
try:
    plan(Path(sys.argv[3]))
    error = ""
except CvatbuildError as it:
    error = str(it)
print(json.dumps({
    "requirements": tree["nuclio/requirements-gpu.txt"].decode().splitlines()[-1],
    "config": tree["nuclio/function-gpu.yaml"].decode(),
    "handler": tree["nuclio/model_handler.py"].decode(),
    "copied": "nuclio/runtimes/backends/made_up.py" in tree,
    "module": backend_of(found.settings("gpu")).module,
    "error": error,
    "modules": backends.modules(),
    "doctor": [it.what for it in backends.check("made_up_runtime")],
    "variants": Inspection.of(found.file.parent / "model.onnx", run=False).variants,
    "page": manifest_pages.pages()["docs/manifest/variants.md"],
}))
"""


@pytest.fixture
def made_up(tmp_path: Path) -> Path:
    """A folder with the modules of a backend that does not exist."""
    for name, text in (
        ("function/made_up.py", ADAPTER),
        ("tool/made_up_gpu.py", BACKEND),
    ):
        file = tmp_path / "modules" / name
        file.parent.mkdir(parents=True)
        file.write_text(text, "utf-8")
    return tmp_path / "modules"


def test_a_backend_is_one_module_beside_its_adapter(
    made_up: Path, write_manifest: WriteManifest
) -> None:
    good = write_manifest(variants={"gpu": {"runtime": "made_up", "level": 3}})
    bad = write_manifest("bad.yaml", variants={"gpu": {"runtime": "made"}})
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, made_up, good, bad],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["requirements"].startswith("packaging==26.3 --hash=sha256:")
    assert "kind: ENV\n          value: MADE_UP=yes\n" in found["config"]
    assert "NVIDIA_VISIBLE_DEVICES" not in found["config"]
    assert "from runtimes.backends.made_up import MadeUp\n" in found["handler"]
    assert '"gpu": MadeUp(level=3, threads=0, workers=1),' in found["handler"]
    assert found["copied"]
    assert found["module"] == "made_up_runtime"
    assert "variants.gpu.runtime: invalid value" in found["error"]
    assert "allowed: 'onnxruntime' or 'made_up'" in found["error"]
    assert found["modules"] == ["openvino", "onnxruntime", "made_up_runtime"]
    (line,) = found["doctor"]
    assert line.startswith("Made-Up cannot be used: ModuleNotFoundError: No module named")
    # The default backend of the variant stays what it was.
    assert found["variants"] == {"cpu": "OpenVINO", "gpu": "ONNX Runtime CUDA"}
    assert "| `level` | `1` | How hard it tries. |" in found["page"]
    assert "Inference runtime. `made_up` is for tests. |" in found["page"]


@pytest.mark.parametrize(
    ("settings", "title"),
    [
        (CpuVariant(), "OpenVINO"),
        (CpuVariant.model_validate({"runtime": "onnxruntime"}), "ONNX Runtime"),
        (GpuVariant(), "ONNX Runtime CUDA"),
    ],
)
def test_settings_select_a_backend(settings: Variant, title: str) -> None:
    assert backend_of(settings).title == title


def test_the_default_of_a_variant_comes_first() -> None:
    assert [it.title for it in backends_of("cpu")] == ["OpenVINO", "ONNX Runtime"]
    assert [it.title for it in backends_of("gpu")] == ["ONNX Runtime CUDA"]
    assert backends() == (*backends_of("cpu"), *backends_of("gpu"))


@pytest.mark.parametrize("backend", backends(), ids=lambda it: it.title)
def test_a_fallback_names_fields_of_the_adapter(backend: Any) -> None:
    adapter = backend.adapter(backend.settings())
    assert set(backend.fallback) <= set(type(adapter).__dataclass_fields__)
    assert bool(backend.fallback) == (backend.variant == "gpu")
