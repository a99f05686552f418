"""Functions and images for the benchmarks: the example manifests, built and started in-process."""

import os
import platform
import runpy
import sys
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "manifests" / "models")]

import cv2
import numpy as np
import shapes

from builder.lint.examine import plan
from builder.targets.build import build
from builder.targets.built import describe
from runtimes.arrays import Array
from runtimes.service import Service

PAGE = ROOT / "docs" / "benchmarks.md"
"""The page whose sections the benchmarks write."""


class LocalFunction:
    """The CPU variant of a built function, started in this process as its main.py starts it.

    Attributes:
        handler: the variables of its model_handler.py.
        service: the started function.
        folder: the folder of its model files.
    """

    def __init__(self, manifest: str, out: Path) -> None:
        """Build an example manifest into `out`, and start it."""
        folder = build(plan(ROOT / "manifests" / f"{manifest}.yaml"), out, force=True).folder
        description = describe(folder, "cpu")
        self.folder = Path(description.code_folder)
        self.handler = runpy.run_path(str(self.folder / "model_handler.py"))
        logger = SimpleNamespace(info=len, warn=len, error=len)
        self._context: Any = SimpleNamespace(Response=SimpleNamespace, logger=logger)
        with mock.patch.dict(os.environ, description.environment):
            self.service = Service.start(
                self.handler["FUNCTION"],
                self.handler["BACKENDS"],
                self.folder,
                self._context.logger,
            )

    def __call__(self, request: dict[str, Any]) -> str:
        """Return the body of the reply."""
        reply = self.service.answer(self._context, SimpleNamespace(body=request))
        assert reply.status_code == 200, reply.body
        body: str = reply.body
        return body


def scene(width: int, height: int, objects: int) -> Array:
    """Return an image of about `objects` drawn shapes, (height, width, 3) uint8 BGR."""
    seeds = range(40)
    found = {
        seed: len(shapes.scene(seed, width=320, height=180, max_objects=objects).boxes)
        for seed in seeds
    }
    best = max(seeds, key=found.__getitem__)
    return np.asarray(shapes.scene(best, width=width, height=height, max_objects=objects).image)


def request_of(image: Array) -> dict[str, Any]:
    """Return CVAT's request with an image as JPEG."""
    return {"image": b64encode(cv2.imencode(".jpg", image)[1].tobytes()).decode()}


def machine() -> str:
    """Return a sentence about this machine and the date, for tables."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = cpuinfo.read_text().splitlines()
        name = next((it.split(": ", 1)[1] for it in lines if it.startswith("model name")), name)
    today = datetime.now(UTC).date()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{name}, {cores} cores, {platform.system()}, Python {platform.python_version()}; {today}."
    )


def write_section(name: str, text: str, page: Path = PAGE) -> None:
    """Replace a section of a page: the text between two comments with its name."""
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
    before, found, rest = page.read_text("utf-8").partition(begin)
    _, ends, after = rest.partition(end)
    assert found, f"{page} has no section {name}"
    assert ends, f"the section {name} of {page} does not end"
    page.write_text(f"{before}{begin}{text.strip()}\n{end}{after}", "utf-8")
