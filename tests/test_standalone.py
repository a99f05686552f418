"""A function's directory needs nothing but its own requirements: not the tool, not its place."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest
from skimage import data

from builder.built import BuiltFunction
from builder.plan import VARIANTS, VariantName

MANIFEST = """
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
import base64, importlib.util, json, os, sys
from pathlib import Path
import nuclio_sdk

assert importlib.util.find_spec("builder") is None, "the tool can be imported"
code, image, variant = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
os.environ["CVATBUILD_VARIANT"] = variant
sys.path.insert(0, str(code))
import main

context = nuclio_sdk.Context(logger=nuclio_sdk.Logger(0))
context.logger.set_handler("default", sys.stderr, nuclio_sdk.logger.HumanReadableFormatter())
main.init_context(context)
body = {"image": base64.b64encode(image.read_bytes()).decode()}
response = main.handler(context, nuclio_sdk.Event(body=body, content_type="application/json"))
assert Path(sys.modules["runtimes"].__file__).is_relative_to(code)
print(json.dumps([response.status_code, response.body]))
"""


def _python(folder: Path) -> Path:
    """The interpreter of a virtual environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _requirements(code: Path, variant: VariantName) -> list[str]:
    """A variant's requirements.

    Without a GPU the CUDA libraries, which are most of 3 GB, would only be downloaded and never
    loaded; the runtime itself is the same without them.
    """
    lines = (code / f"requirements-{variant}.txt").read_text().split()
    return [line.replace("[cuda,cudnn]", "") for line in lines if not line.startswith("nvidia-")]


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_the_reply_is_the_same_elsewhere_with_only_its_own_requirements(
    nudenet: Path, build_from: Callable[[str], Path], tmp_path: Path, variant: VariantName
) -> None:
    built = build_from(MANIFEST.format(model=nudenet))
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(built, elsewhere)
    environment = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    wanted = _requirements(elsewhere / "nuclio", variant)
    install = [str(_python(environment)), "-m", "pip", "install", "--quiet"]
    subprocess.run([*install, *wanted, "nuclio-sdk==0.6.3"], check=True)

    image = tmp_path / "astronaut.png"
    cv2.imwrite(str(image), data.astronaut()[:, :, ::-1])
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    done = subprocess.run(
        [_python(environment), "-I", program, elsewhere / "nuclio", image, variant],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    status, body = json.loads(done.stdout)
    here = BuiltFunction(built, variant)(image.read_bytes())
    assert (status, json.loads(body)) == (200, here.body)
    assert len(here.body) == 1

    # The pins are complete: nothing came along that they do not name.
    frozen = subprocess.run(
        [_python(environment), "-m", "pip", "freeze"], capture_output=True, text=True, check=True
    )
    names = {line.partition("==")[0].lower().replace("_", "-") for line in frozen.stdout.split()}
    pinned = {line.partition("==")[0].lower() for line in wanted}
    assert names == {*pinned, "nuclio-sdk"}
