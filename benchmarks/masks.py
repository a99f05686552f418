"""Time of masks in this project, compared with a full-frame implementation.

    python benchmarks/masks.py

20 instances of about 82,000 pixels on a 1920x1080 image, from the output of a YOLO segmentation
head at 640x640 to the JSON that CVAT reads. Only the ratio is comparable between machines.
"""

import json
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

import orjson

from runtimes.arrays import Array
from runtimes.frame import Frame
from runtimes.geometry import Geometry
from runtimes.instances import Instances
from runtimes.masks import PrototypeMasks
from runtimes.preprocess.resize import Letterbox
from runtimes.shapes.region import Mask

WIDTH, HEIGHT, INPUT, COUNT, REPEATS = 1920, 1080, 640, 20, 15


def scene() -> tuple[Array, Array, Array, Geometry]:
    """Return boxes (N, 4) in the image, coefficients (N, 32), prototypes (32, 160, 160), geometry.

    Each instance is a disc of radius 162 pixels: its coefficients combine the first four prototypes
    into the equation of a circle.
    """
    rng = np.random.default_rng(0)
    blank = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    geometry = Letterbox((INPUT, INPUT))(Frame(blank, Geometry())).geometry
    radius = 162
    centers = np.stack(
        [rng.uniform(radius, WIDTH - radius, COUNT), rng.uniform(radius, HEIGHT - radius, COUNT)],
        axis=1,
    )
    boxes = np.concatenate([centers - radius, centers + radius], axis=1)
    y, x = np.mgrid[:160, :160] + 0.5
    # Any circle is a combination of x^2 + y^2, x, y and 1; the other prototypes are noise with
    # weight 0.
    prototypes = rng.normal(size=(32, 160, 160)).astype(np.float32)
    prototypes[0], prototypes[1], prototypes[2], prototypes[3] = x * x + y * y, x, y, 1
    coefficients = np.zeros((COUNT, 32), np.float32)
    cells = geometry.points(centers) / 4
    reach = radius * geometry.scale_x / 4
    coefficients[:, 0] = -1
    coefficients[:, 1:3] = 2 * cells
    coefficients[:, 3] = reach**2 - (cells**2).sum(axis=1)
    return boxes, coefficients, prototypes, geometry


def ours(boxes: Array, coefficients: Array, prototypes: Array, geometry: Geometry) -> bytes:
    """Return the JSON of the masks, computed as in a function."""
    masks = PrototypeMasks.over(coefficients, prototypes, (INPUT, INPUT)).to_image(geometry)
    count = len(boxes)
    instances = Instances(boxes, np.ones(count), np.zeros(count, np.int64), masks=masks)
    items = [item for _, item in Mask()(instances, (HEIGHT, WIDTH))]
    return orjson.dumps(items)


def straightforward(
    boxes: Array, coefficients: Array, prototypes: Array, geometry: Geometry
) -> bytes:
    """Return the same masks by full frames: sigmoid, two resizes, lists, json."""
    items: list[dict[str, Any]] = []
    top, left = round(geometry.shift_y), round(geometry.shift_x)
    for box, weights in zip(boxes, coefficients, strict=True):
        logits = np.tensordot(weights, prototypes, axes=1)
        values = 1 / (1 + np.exp(-logits.clip(-50, 50)))
        values = cv2.resize(values, (INPUT, INPUT), interpolation=cv2.INTER_LINEAR)
        values = values[top : INPUT - top, left : INPUT - left]
        values = cv2.resize(values, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
        frame = np.zeros((HEIGHT, WIDTH), np.uint8)
        x1, y1, x2, y2 = (int(value) for value in box)
        frame[y1:y2, x1:x2] = values[y1:y2, x1:x2] > 0.5
        contours, _ = cv2.findContours(frame, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        polygon = max(contours, key=cv2.contourArea).reshape(-1).tolist()
        ys, xs = np.nonzero(frame)
        x1, y1, x2, y2 = int(xs.min()), int(ys.min()), int(xs.max()), int(ys.max())
        pixels = frame[y1 : y2 + 1, x1 : x2 + 1].flatten().tolist()
        items.append({"type": "mask", "mask": [*pixels, x1, y1, x2, y2], "points": polygon})
    return json.dumps(items).encode()


def areas(text: bytes) -> list[int]:
    """Return the number of pixels of each mask of a reply."""
    return [sum(item["mask"][:-4]) for item in json.loads(text)]


def median(run: Callable[[], bytes]) -> float:
    """Return the median time of a run in milliseconds."""
    times = []
    for _ in range(REPEATS):
        start = perf_counter()
        run()
        times.append((perf_counter() - start) * 1000)
    return statistics.median(times)


def main() -> None:
    """Print both times and their ratio."""
    parts = scene()
    mine, theirs = ours(*parts), straightforward(*parts)
    differences = [abs(a - b) / b for a, b in zip(areas(mine), areas(theirs), strict=True)]
    assert max(differences) < 0.02, "the two do not draw the same masks"
    fast, slow = median(lambda: ours(*parts)), median(lambda: straightforward(*parts))
    print(f"{COUNT} masks of {np.mean(areas(mine)):.0f} pixels on {WIDTH}x{HEIGHT}")
    print(f"  whole frames, json    {slow:8.1f} ms")
    print(f"  this project          {fast:8.1f} ms")
    print(f"  ratio                 {fast / slow:8.3f}")


if __name__ == "__main__":
    main()
