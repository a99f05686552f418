"""`cvatbuild evaluate` on many images: flat memory, and a run that continues after a kill."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytestmark = pytest.mark.slow

IMAGES = 20_000
FEW = 2_000

MOST_KIB = 30 * 1024
"""How much more memory 20,000 images may need than 2,000: caches and buffers of a fixed size."""

# Prints the largest resident memory of the process at its end, in KiB. `ru_maxrss` would include
# the memory of the process that started it.
PROGRAM = """
import atexit, sys
from builder.cli.app import run
def peak():
    lines = open("/proc/self/status").read().splitlines()
    print("peak", *[line.split()[1] for line in lines if line.startswith("VmHWM")], file=sys.stderr)
atexit.register(peak)
run()
"""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images of 16 x 16 pixels, all different, and annotations near the boxes of the model."""
    folder = tmp_path_factory.mktemp("data")
    random = np.random.default_rng(0)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number in range(IMAGES):
        name = f"{number:05}.png"
        cv2.imwrite(str(folder / name), random.integers(0, 256, (16, 16, 3), np.uint8))
        images.append({"id": number + 1, "file_name": name, "width": 16, "height": 16})
        for _ in range(random.integers(0, 4)):
            x, y = random.uniform(0, 8, 2).tolist()
            width, height = random.uniform(2, 8, 2).tolist()
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number + 1,
                    "category_id": int(random.integers(1, 3)),
                    "bbox": [x, y, width, height],
                    "area": width * height,
                    "iscrowd": 0,
                }
            )
    categories = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
    for count, file in ((IMAGES, "all.json"), (FEW, "few.json")):
        own = [it for it in annotations if it["image_id"] <= count]
        data = {"images": images[:count], "annotations": own, "categories": categories}
        (folder / file).write_text(json.dumps(data))
    return folder


def start(function: Path, dataset: Path, store: Path) -> subprocess.Popen[str]:
    words = ["evaluate", str(function), str(dataset), "--json", "--store", str(store)]
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[dict[str, Any], int, list[str]]:
    """The printed object without its speed, the peak of the memory, and the lines of stderr."""
    out, err = process.communicate(timeout=900)
    assert process.returncode == 0, err
    data = json.loads(out)
    assert data.pop("speed")["requests"] == data["samples"]
    lines = err.splitlines()
    return data, int(lines[-1].removeprefix("peak ")), lines


def test_memory_is_flat_and_a_killed_run_continues(
    built_once: Path, dataset: Path, tmp_path: Path
) -> None:
    few, few_peak, _ = finish(start(built_once, dataset / "few.json", tmp_path / "few"))
    assert few["samples"] == FEW
    every, peak, lines = finish(start(built_once, dataset / "all.json", tmp_path / "one"))
    assert every["samples"] == IMAGES
    assert peak - few_peak < MOST_KIB
    assert any(f"of {IMAGES} samples (" in line and " left" in line for line in lines)

    killed = start(built_once, dataset / "all.json", tmp_path / "two")
    assert killed.stderr is not None
    # The first line about the progress comes long before the end.
    assert f"of {IMAGES} samples (" in killed.stderr.readline()
    killed.kill()
    killed.communicate()
    again, _, _ = finish(start(built_once, dataset / "all.json", tmp_path / "two"))
    assert again == every
