"""Accuracy of example models with settings that trade it for speed or size.

    python benchmarks/precision.py [--images N] [--only MODEL] [--write]

Each setting is built into a function, which runs on the same held-out drawn scenes as in
benchmarks/accuracy.py, but four times as large and as JPEG files, as a camera writes them. The
measures are those of `cvatbuild evaluate`. `--write` writes the table into docs/precision.md.
"""

import argparse
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import accuracy
import cv2
import numpy as np
import shapes
from accuracy import ROOT, SIZES, SUBJECTS, Scenes, Subject
from examples import machine, write_section

from builder.datasets.annotation import LabeledImage
from builder.lint.examine import plan
from builder.manifest.variants import VariantName
from builder.run.process import FunctionProcess
from builder.targets.build import build

PAGE = ROOT / "docs" / "precision.md"

SCALE, QUALITY = 4, 90
"""Size of the scenes relative to those of benchmarks/accuracy.py, and quality of the JPEG files."""

SETTINGS: dict[str, tuple[VariantName, str]] = {
    "as it is": ("cpu", ""),
    "`decode: reduced`": ("cpu", "decode: reduced\n"),
    "`precision: int8`": (
        "cpu",
        "variants: {gpu: false, cpu: {precision: int8, calibration: calibration}}\n",
    ),
}
"""Title -> variant to run, and text to append to the manifest. Half precision is left out: without
a GPU, ONNX Runtime does not round between operations."""

CALIBRATION = 100
"""Scenes of the training that calibrate and measure int8."""


class Photos(Scenes):
    """Large drawn scenes as JPEG files."""

    def __getitem__(self, index: int) -> LabeledImage:
        """Return a scene."""
        file = self._folder / f"{'bars' if self._subject.bars else 'photo'}-{index:04}.jpg"
        scene = drawn(file, index, self._subject.bars)
        return LabeledImage(file.name, file, tuple(self._subject.truth(scene)))


@cache
def drawn(file: Path, index: int, bars: bool) -> Any:
    """Draw a scene, write its image if it is not there, and return the scene without the image."""
    width, height = SIZES[index % len(SIZES)]
    scene = shapes.scene(
        shapes.HELD_OUT_SEED + index,
        width=SCALE * width,
        height=SCALE * height,
        photos=accuracy.PHOTOS,
        classes=(*(3 * [shapes.BAR]), 0, 1, 2, 3) if bars else (0, 1, 2, 3),
    )
    if not file.exists():
        cv2.imwrite(str(file), scene.image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return replace(scene, image=np.zeros((1, 1, 3), np.uint8))


def calibrate(folder: Path, bars: bool) -> None:
    """Write the images for the calibration."""
    folder.mkdir(exist_ok=True)
    for index in range(CALIBRATION):
        width, height = SIZES[index % len(SIZES)]
        scene = shapes.scene(
            shapes.TRAIN_SEED + index,
            width=width,
            height=height,
            classes=(*(3 * [shapes.BAR]), 0, 1, 2, 3) if bars else (0, 1, 2, 3),
        )
        cv2.imwrite(str(folder / f"{index:03}.png"), scene.image)


def measured(subject: Subject, folder: Path, count: int) -> dict[str, float]:
    """Return the metric with each setting, in points."""
    scenes: Any = Photos(folder, subject, count)
    source = (ROOT / "manifests" / f"{subject.manifest}.yaml").read_text("utf-8")
    text = source.replace("models/", f"{ROOT}/manifests/models/")
    calibrate(folder / "calibration", subject.bars)
    found = {}
    for number, (title, (variant, more)) in enumerate(SETTINGS.items()):
        file = folder / f"{subject.manifest}-{number}.yaml"
        file.write_text(text + more, "utf-8")
        built = build(plan(file), folder / f"build-{number}", force=True).folder
        with FunctionProcess(built, variant, allow_fallback=True) as function:
            task = accuracy.task_of(subject, scenes, function.labels, function.annotations)
            found[title] = accuracy.score_of(
                subject, task, lambda measure, sample, it=function: measure.ask(it, sample)
            )
    return found


def table(rows: list[tuple[Subject, Mapping[str, float]]], count: int) -> str:
    """Return the table as Markdown."""
    lines = [
        f"| model | metric | {' | '.join(SETTINGS)} |",
        f"|---|---|{'---|' * len(SETTINGS)}",
        *(
            f"| `{subject.model}.onnx` | {subject.title} | "
            f"{' | '.join(f'{value:.2f}' for value in found.values())} |"
            for subject, found in rows
        ),
    ]
    images = f"{count} scenes, and {CALIBRATION} others for the calibration"
    return "\n".join([*lines, "", f"{images}. {machine()}"])


def main() -> None:
    """Measure the examples, and print or write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=int, default=100, help="number of scenes")
    parser.add_argument("--only", help="measure one model, such as shapes-detect")
    parser.add_argument("--write", action="store_true", help="write docs/precision.md")
    options = parser.parse_args()
    rows: list[tuple[Subject, Mapping[str, float]]] = []
    with tempfile.TemporaryDirectory() as name:
        for subject in SUBJECTS:
            if options.only in (None, subject.model):
                rows.append((subject, measured(subject, Path(name), options.images)))
                print(subject.model, rows[-1][1], flush=True)
    text = table(rows, options.images)
    print(text)
    if options.write:
        write_section("accuracy", text, PAGE)


if __name__ == "__main__":
    main()
