"""What tests of several modules need: real weights, and functions built from manifests."""

import importlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import onnx
import pytest

from builder.build import build
from builder.download import cache_folder
from builder.files import sha256
from builder.plan import plan

NUDENET_SHA256 = "c15d8273adad2d0a92f014cc69ab2d6c311a06777a55545f2c4eb46f51911f0f"


@pytest.fixture(scope="session")
def nudenet() -> Path:
    """A real YOLOv8 detector with metadata: 320n.onnx out of the wheel of nudenet 3.4.2.

    The wheel is not installed, since it would bring a second ONNX Runtime along. Its licence is the
    AGPL, so the file stays in a cache outside of the repository.
    """
    model = cache_folder() / "tests" / "nudenet-3.4.2" / "320n.onnx"
    if not model.is_file() or sha256(model) != NUDENET_SHA256:
        wheels = model.parent / "wheels"
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--dest"]
        done = subprocess.run(
            [*command, str(wheels), "nudenet==3.4.2"], capture_output=True, text=True, check=False
        )
        if done.returncode:
            reason = f"the wheel of nudenet 3.4.2 cannot be fetched: {done.stderr[-300:]}"
            if os.environ.get("CI") == "true":
                pytest.fail(reason)
            pytest.skip(reason)
        with zipfile.ZipFile(next(wheels.glob("nudenet-3.4.2-*.whl"))) as wheel:
            partial = model.with_suffix(f".{os.getpid()}")
            partial.write_bytes(wheel.read("nudenet/320n.onnx"))
            partial.replace(model)
    assert sha256(model) == NUDENET_SHA256
    return model


@pytest.fixture(scope="session")
def build_from(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Build a function from a manifest's text; return its directory."""

    def build_text(text: str) -> Path:
        folder = tmp_path_factory.mktemp("built")
        manifest = folder / "manifest.yaml"
        manifest.write_text(text)
        return build(plan(manifest), folder / "build", force=False, smoke=False).folder

    return build_text


@pytest.fixture(scope="session")
def shapes() -> Iterator[ModuleType]:
    """The generator of the images that the example models were trained on."""
    folder = str(Path(__file__).parent.parent / "manifests" / "models")
    sys.path.insert(0, folder)
    yield importlib.import_module("shapes")
    sys.path.remove(folder)


@pytest.fixture(scope="session")
def click_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the networks that segment what is clicked, in every layout there is."""
    folder = tmp_path_factory.mktemp("clicks")
    source = str(Path(__file__).parent.parent / "manifests" / "models")
    sys.path.insert(0, source)
    clicks = importlib.import_module("clicks")
    sys.path.remove(source)
    for name, model in {
        "sam-encoder": clicks.sam_encoder(),
        "sam": clicks.sam_decoder(),
        "sam-single": clicks.sam_decoder(single=True),
        "hq-encoder": clicks.sam_encoder(extra=True),
        "hq": clicks.sam_decoder(extra=True),
        "sam-large": clicks.sam_decoder(low=False),
        "sam2-encoder": clicks.sam2_encoder(),
        "sam2": clicks.sam2_decoder(),
        "only": clicks.one_model(),
    }.items():
        onnx.save(model, folder / f"{name}.onnx")
    return folder
