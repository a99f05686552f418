"""Write a small labeled dataset of drawn scenes, in the layout of Ultralytics YOLO.

    python scenes.py ../scenes

The scenes are held out: no network was trained on them. The labels are exact.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2

# isort: split
import shapes

COUNT = 8
SIZES = ((240, 180), (180, 240))
"""Widths and heights of the images, in turn."""

DATA = f"""\
# Drawn scenes for the example workflow; python manifests/models/scenes.py writes them.
path: .
val: images/val
names: [{", ".join(shapes.CLASS_NAMES)}]
"""


def labeled(number: int) -> tuple[shapes.Scene, str]:
    """Scene `number`, and its labels: class, center x and y, width and height, from 0 to 1."""
    width, height = SIZES[number % len(SIZES)]
    scene = shapes.scene(shapes.HELD_OUT_SEED + number, width=width, height=height)
    lines = [
        f"{kind} {(x1 + x2) / 2 / width:.6f} {(y1 + y2) / 2 / height:.6f} "
        f"{(x2 - x1) / width:.6f} {(y2 - y1) / height:.6f}\n"
        for kind, (x1, y1, x2, y2) in zip(scene.classes.tolist(), scene.boxes.tolist(), strict=True)
    ]
    return scene, "".join(lines)


def main(folder: Path) -> None:
    """Write the dataset to a folder."""
    images, labels = folder / "images" / "val", folder / "labels" / "val"
    for parent in (images, labels):
        parent.mkdir(parents=True, exist_ok=True)
    (folder / "data.yaml").write_text(DATA)
    for number in range(COUNT):
        scene, text = labeled(number)
        cv2.imwrite(str(images / f"{number}.jpg"), scene.image, (cv2.IMWRITE_JPEG_QUALITY, 60))
        (labels / f"{number}.txt").write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
