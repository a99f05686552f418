"""A function's directory runs anywhere with only its own requirements."""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from skimage import data

from builder.manifest.variants import VARIANTS, VariantName
from builder.run.process import FunctionProcess
from runtimes.arrays import Array
from tests.paths import ROOT

DETECTOR = """
name: alone
type: detector
model: {model}
labels: metadata
preprocess: [letterbox, normalize]
postprocess: [yolo, nms, rectangle]
variants:
  gpu: {{allow_cpu_fallback: true}}
"""

# What Nuclio's wrapper does, with the SDK that Nuclio installs and nothing of this project.
PROGRAM = """
import importlib.util, json, os, sys
from pathlib import Path
import nuclio_sdk

assert importlib.util.find_spec("builder") is None, "the tool can be imported"
code, request, variant = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
os.environ["CVATBUILD_VARIANT"] = variant
sys.path.insert(0, str(code))
import main

context = nuclio_sdk.Context(logger=nuclio_sdk.Logger(0))
context.logger.set_handler("default", sys.stderr, nuclio_sdk.logger.HumanReadableFormatter())
main.init_context(context)
body = json.loads(request.read_text())
response = main.handler(context, nuclio_sdk.Event(body=body, content_type="application/json"))
assert Path(sys.modules["runtimes"].__file__).is_relative_to(code)
print(json.dumps([response.status_code, response.body]))
"""


def _python(folder: Path) -> Path:
    """The interpreter of a virtual environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _requirements(code: Path, variant: VariantName) -> list[str]:
    """A variant's requirements.

    The CUDA libraries, most of 3 GB, are left out, since they are not loaded without a GPU. The
    runtime itself is the same without them.
    """
    lines = (code / f"requirements-{variant}.txt").read_text().splitlines()
    return [line for line in lines if not line.startswith("nvidia-")]


@pytest.fixture(scope="module", params=VARIANTS)
def environment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[VariantName, Path]:
    """A variant and a virtual environment with the requirements of ReID.

    Functions of other types need all of them except scipy; see test_architecture.py.
    """
    variant: VariantName = request.param
    folder = tmp_path_factory.mktemp(f"venv-{variant}")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    wanted = _requirements(ROOT / "build" / "reid-demo" / "nuclio", variant)
    install = [str(_python(folder)), "-m", "pip", "install", "--quiet", "--no-deps"]
    listed = folder / "requirements.txt"
    listed.write_text("\n".join(wanted))
    subprocess.run([*install, "--require-hashes", "-r", listed], check=True)
    subprocess.run([*install, "nuclio-sdk==0.6.3"], check=True)
    frozen = subprocess.run(
        [_python(folder), "-m", "pip", "freeze"], capture_output=True, text=True, check=True
    )
    names = {line.partition("==")[0].lower().replace("_", "-") for line in frozen.stdout.split()}
    pinned = {line.partition("==")[0].lower() for line in wanted}
    assert names == {*pinned, "nuclio-sdk"}
    return variant, folder


def _answer_elsewhere(
    built: Path, environment: tuple[VariantName, Path], request: dict[str, Any], folder: Path
) -> tuple[int, Any]:
    """Status and body of a function's reply in another place, without the tool."""
    variant, venv = environment
    elsewhere = folder / "elsewhere"
    shutil.copytree(built, elsewhere)
    program, body = folder / "program.py", folder / "request.json"
    program.write_text(PROGRAM)
    body.write_text(json.dumps(request))
    done = subprocess.run(
        [_python(venv), "-I", program, elsewhere / "nuclio", body, variant],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    status, text = json.loads(done.stdout)
    return status, json.loads(text)


def _encoded(image: Array) -> str:
    """An image as requests contain it."""
    _, png = cv2.imencode(".png", image)
    return base64.b64encode(png.tobytes()).decode()


@pytest.mark.slow
def test_a_detector_replies_the_same_elsewhere_with_only_its_own_requirements(
    nudenet: Path,
    build_from: Callable[[str], Path],
    tmp_path: Path,
    environment: tuple[VariantName, Path],
) -> None:
    built = build_from(DETECTOR.format(model=nudenet))
    request = {"image": _encoded(data.astronaut()[:, :, ::-1])}
    here = FunctionProcess(built, environment[0]).send(request, "application/json")
    assert _answer_elsewhere(built, environment, request, tmp_path) == (200, here.body)
    assert len(here.body) == 1


@pytest.mark.slow
def test_reid_replies_the_same_elsewhere_with_only_its_own_requirements(
    build_from: Callable[[str], Path], tmp_path: Path, environment: tuple[VariantName, Path]
) -> None:
    text = (ROOT / "manifests" / "reid-demo.yaml").read_text("utf-8")
    text = text.replace("models/", f"{ROOT}/manifests/models/")
    built = build_from(f"{text}variants:\n  gpu: {{allow_cpu_fallback: true}}\n")
    image = np.zeros((60, 90, 3), np.uint8)
    image[:, 45:] = 255
    boxes = [{"points": [0, 0, 30, 60]}, {"points": [50, 0, 80, 60]}]
    request = {
        "image0": _encoded(image),
        "image1": _encoded(image),
        "boxes0": boxes,
        "boxes1": boxes[::-1],
    }
    assert _answer_elsewhere(built, environment, request, tmp_path) == (200, [1, 0])


@pytest.mark.slow
def test_an_interactor_replies_the_same_elsewhere_with_only_its_own_requirements(
    build_from: Callable[[str], Path], tmp_path: Path, environment: tuple[VariantName, Path]
) -> None:
    text = (ROOT / "manifests" / "sam-demo.yaml").read_text("utf-8")
    text = text.replace("models/", f"{ROOT}/manifests/models/")
    built = build_from(f"{text}variants:\n  gpu: {{allow_cpu_fallback: true}}\n")
    image = np.zeros((60, 90, 3), np.uint8)
    image[10:50, 45:80] = 255
    request = {"image": _encoded(image), "pos_points": [[60, 30]], "neg_points": []}
    here = FunctionProcess(built, environment[0]).send(request, "application/json")
    assert _answer_elsewhere(built, environment, request, tmp_path) == (200, here.body)
    assert len(here.body["shapes"]) == 1
