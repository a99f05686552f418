"""Fixtures for several modules: golden files, real weights, functions built from manifests."""

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import onnx
import pytest

from builder.lint.examine import plan
from builder.targets.build import build
from tests.paths import ROOT
from tests.real_models import NUDENET


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="rewrite the expected outputs under tests/golden; review them with git diff",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--update-golden") and os.environ.get("CI") == "true":
        raise pytest.UsageError("--update-golden is for a developer's checkout, not for CI")


@pytest.fixture
def golden(pytestconfig: pytest.Config) -> Callable[[Path, str], None]:
    """Compare a text with a file under tests/golden; with --update-golden, rewrite the file."""

    def compare(file: Path, text: str) -> None:
        if pytestconfig.getoption("--update-golden"):
            if not file.exists() or file.read_text("utf-8") != text:
                file.write_text(text, "utf-8")
            return
        assert file.exists(), f"{file} is missing: run pytest --update-golden"
        assert text == file.read_text("utf-8")

    return compare


@pytest.fixture(scope="session")
def nudenet() -> Path:
    """A real YOLOv8 detector with metadata."""
    return NUDENET.fetch()


@pytest.fixture(scope="session")
def build_from(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Build a function from a manifest's text; return its directory."""

    def build_text(text: str) -> Path:
        folder = tmp_path_factory.mktemp("built")
        manifest = folder / "manifest.yaml"
        manifest.write_text(text)
        return build(plan(manifest), folder / "build", force=False).folder

    return build_text


@pytest.fixture(scope="session")
def shapes() -> Iterator[ModuleType]:
    """The generator of the images that the example models were trained on."""
    folder = str(ROOT / "manifests" / "models")
    sys.path.insert(0, folder)
    yield importlib.import_module("shapes")
    sys.path.remove(folder)


@pytest.fixture(scope="session")
def click_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the networks that segment what is clicked, in every layout there is."""
    folder = tmp_path_factory.mktemp("clicks")
    source = str(ROOT / "manifests" / "models")
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
