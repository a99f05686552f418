"""Accuracy of the example models, in the functions and in a second implementation.

    python benchmarks/accuracy.py [--images N] [--write]

Every model of manifests/models that needs no prompt runs on held-out drawn scenes: the CPU variant,
the GPU variant, and benchmarks/naive.py on the same model file. All three are measured by the same
code as in `cvatbuild evaluate`. The exit status is 1 if they differ by more than
the limits in benchmarks/scores.py.
`--write` writes a section of docs/accuracy.md.
"""

import argparse
import datetime
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "manifests" / "models"), str(Path(__file__).parent)]

import naive
import shapes
from examples import write_section
from scores import PAGE, Scores, score, versions

from builder.datasets.annotation import (
    Annotation,
    Keypoints,
    LabeledImage,
    Mask,
    Rectangle,
    Shape,
    Tag,
)
from builder.evaluation.label_map import label_map
from builder.evaluation.measure import Sample, Task
from builder.evaluation.measures import boxes, keypoints, masks, semantic, tags
from builder.lint.examine import plan
from builder.run.process import FunctionProcess
from builder.targets.build import build

SIZES = ((320, 320), (640, 480), (480, 640), (400, 300), (512, 384), (300, 420))
"""Widths and heights of the scenes, in turn."""

PHOTOS = shapes.load_photos(shapes.HELD_OUT_PHOTOS)
"""Backgrounds of some of the scenes."""

CLASSES = list(shapes.CLASS_NAMES)


@dataclass(frozen=True)
class Subject:
    """An example to measure.

    Attributes:
        manifest: name of the manifest.
        model: name of the model file.
        task: method of naive.Reference.
        labels: names of the model's classes.
        measure: module of builder.evaluation.measures.
        metric: key of its result.
        title: name of the metric.
        truth: the annotations of a scene.
        lowest: confidence threshold.
        bars: whether the scenes have bars.
        is_mask: see Scores.reference_agrees.
    """

    manifest: str
    model: str
    task: str
    labels: list[str]
    measure: Any
    metric: str
    title: str
    truth: Callable[[Any], Iterator[Annotation]]
    lowest: float = 0.001
    bars: bool = False
    is_mask: bool = False


def each(make: Callable[[Any, int], Shape | None]) -> Callable[[Any], Iterator[Annotation]]:
    """Return a function that annotates the objects of a scene with what `make` returns."""

    def annotations(scene: Any) -> Iterator[Annotation]:
        for number, kind in enumerate(scene.classes.tolist()):
            shape = make(scene, number)
            if shape is not None:
                label = shapes.BAR_NAME if kind == shapes.BAR else CLASSES[kind]
                yield Annotation(label, shape, area=float(scene.mask(number).sum()))

    return annotations


def box(scene: Any, number: int) -> Shape:
    """Return the box of the visible part of an object."""
    return Rectangle(*scene.boxes[number].tolist())


def mask(scene: Any, number: int) -> Shape:
    """Return the visible pixels of an object."""
    x1, y1, x2, y2 = scene.boxes[number].astype(int).tolist()
    return Mask(scene.mask(number)[y1:y2, x1:x2], x1, y1)


def star(scene: Any, number: int) -> Shape | None:
    """Return the tips of a star."""
    if scene.classes[number] != shapes.STAR:
        return None
    x, y, seen = scene.keypoints[number].T
    bounds = tuple(scene.boxes[number].tolist())
    points = np.stack([x, y], axis=1)
    return Keypoints(shapes.KEYPOINT_NAMES, points, np.where(seen > 0, 2, 0), bounds)


def bar(scene: Any, number: int) -> Shape | None:
    """Return a bar, also where it is hidden."""
    if scene.classes[number] != shapes.BAR:
        return None
    x, y, width, height, angle = scene.oriented[number].tolist()
    corners = x - width / 2, y - height / 2, x + width / 2, y + height / 2
    return Rectangle(*corners, float(np.degrees(angle) % 360))


def of_image(scene: Any) -> Iterator[Annotation]:
    """Yield a tag for each class of a scene."""
    for kind in np.unique(scene.classes).tolist():
        yield Annotation(CLASSES[kind], Tag())


SUBJECTS = (
    Subject("yolo", "shapes-detect", "detect", CLASSES, boxes, "map50_95", "box mAP50-95",
            each(box)),
    Subject("masks", "shapes-segment", "segment", CLASSES, masks, "map50_95", "mask mAP50-95",
            each(mask), lowest=0.05, is_mask=True),
    Subject("rcnn", "shapes-rcnn", "rcnn", CLASSES, masks, "map50_95", "mask mAP50-95",
            each(mask), lowest=0.05, is_mask=True),
    Subject("skeleton", "shapes-pose", "pose", ["star"], keypoints, "map50_95",
            "keypoint mAP50-95 (OKS, sigma 0.05)", each(star)),
    Subject("oriented", "shapes-obb", "oriented", ["bar"], boxes, "map50_95",
            "oriented box mAP50-95", each(bar), bars=True),
    Subject("semantic", "shapes-semantic", "semantic", CLASSES, semantic, "miou", "mIoU",
            each(mask), lowest=0.0, is_mask=True),
    Subject("tags", "shapes-tags", "tags", CLASSES, tags, "map", "mAP of tags", of_image),
)  # fmt: skip


@cache
def drawn(file: Path, index: int) -> Any:
    """Draw a scene, write its image to a file, and return the scene without the image."""
    width, height = SIZES[index % len(SIZES)]
    kinds = (*(3 * [shapes.BAR]), 0, 1, 2, 3) if file.name.startswith("bars") else (0, 1, 2, 3)
    scene = shapes.scene(
        shapes.HELD_OUT_SEED + index,
        width=width,
        height=height,
        photos=PHOTOS,
        classes=kinds,
    )
    cv2.imwrite(str(file), scene.image)
    return replace(scene, image=np.zeros((1, 1, 3), np.uint8))


class Scenes:
    """A dataset of drawn scenes; see builder.datasets.dataset.Dataset."""

    format = "drawn scenes"
    path = Path("scenes")

    def __init__(self, folder: Path, subject: Subject, count: int) -> None:
        """Set the number of scenes; their images are written to a folder."""
        self.labels = tuple(subject.labels)
        self._folder, self._subject, self._count = folder, subject, count

    def __len__(self) -> int:
        """Return the number of scenes."""
        return self._count

    def __getitem__(self, index: int) -> LabeledImage:
        """Return a scene."""
        file = self._folder / f"{'bars' if self._subject.bars else 'scene'}-{index:04}.png"
        return LabeledImage(file.name, file, tuple(self._subject.truth(drawn(file, index))))

    def __iter__(self) -> Iterator[LabeledImage]:
        """Yield the scenes."""
        return (self[index] for index in range(self._count))


def measured(subject: Subject, folder: Path, count: int) -> Scores:
    """Return the metric of both variants and of the reference, in points."""
    scenes: Any = Scenes(folder, subject, count)
    reference = naive.Reference(
        ROOT / "manifests" / "models" / f"{subject.model}.onnx",
        subject.task,
        subject.labels,
        subject.lowest,
    )
    manifest = plan(ROOT / "manifests" / f"{subject.manifest}.yaml")
    built = build(manifest, folder / "build", force=True).folder
    found = []
    for variant in ("cpu", "gpu"):
        with FunctionProcess(built, variant, allow_fallback=True) as function:
            task = task_of(subject, scenes, function.labels, function.annotations)
            found.append(
                score_of(
                    subject, task, lambda measure, sample, it=function: measure.ask(it, sample)
                )
            )
            labels, annotations = function.labels, function.annotations
    task = task_of(subject, scenes, labels, annotations)
    names = [str(it["name"]) for it in labels[0].get("sublabels", ())]

    def answer(measure: Any, sample: Sample) -> Mapping[str, Any]:
        image = cv2.imread(str(sample.images[0].file))
        items = [
            {**it, "elements": [{**e, "label": names[e["label"]]} for e in it["elements"]]}
            if it["type"] == "skeleton"
            else it
            for it in reference(image)
        ]
        return {"size": image.shape[:2], "items": items}

    return Scores(*found, score_of(subject, task, answer))


def task_of(subject: Subject, scenes: Any, labels: Any, annotations: Any) -> Task:
    """Return what is measured."""
    pairs = label_map(subject.labels, labels, (), Path("scenes"))
    lowest = subject.lowest or None
    return Task(labels, annotations, None, scenes, pairs, lowest=lowest)


def score_of(subject: Subject, task: Task, answer: Callable[[Any, Sample], object]) -> float:
    """Return the metric of the answers to all scenes, in points."""
    return score(subject.measure, subject.metric, task, answer)


def section(rows: Sequence[tuple[Subject, Scores]], count: int) -> list[str]:
    """Return the lines of the section in docs/accuracy.md."""
    text = (
        f"Each example model ran on {count} held-out drawn scenes as the CPU variant (OpenVINO), "
        "as the GPU variant (ONNX Runtime), and in a second implementation of the same pipeline, "
        "benchmarks/naive.py, which shares no code with the functions."
    )
    measured = (
        f"Measured on {datetime.date.today().isoformat()} by `python benchmarks/accuracy.py "
        f"--images {count} --write`, with {versions()}. The GPU variant ran on the CPU, as in the "
        "smoke test. The scenes are those of manifests/models/shapes.py from seed "
        f"{shapes.HELD_OUT_SEED} on, which no training used, in six sizes from 300x420 to "
        "640x480. Detections count from a confidence of 0.001, masks from 0.05."
    )
    return [
        *textwrap.wrap(text, 100, break_on_hyphens=False),
        "",
        "| model | metric | CPU variant | GPU variant | second implementation | difference |",
        "|---|---|---|---|---|---|",
        *(f"| `{it.model}.onnx` | {it.title} | {found.cells}" for it, found in rows),
        "",
        *textwrap.wrap(measured, 100, break_on_hyphens=False),
    ]


def main() -> int:
    """Measure all examples, print the table, and return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=int, default=500, help="number of scenes")
    parser.add_argument("--only", help="measure one model, such as shapes-detect")
    parser.add_argument("--write", action="store_true", help="write to docs/accuracy.md")
    options = parser.parse_args()
    rows = []
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        for subject in SUBJECTS:
            if options.only in (None, subject.model):
                found = measured(subject, Path(folder), options.images)
                agrees = found.reference_agrees(is_mask=subject.is_mask) and found.variants_agree()
                failed |= not agrees
                print(f"{subject.model}: {subject.title}: {found}{'' if agrees else '  FAILED'}")
                rows.append((subject, found))
    if options.write:
        write_section("examples", "\n".join(section(rows, options.images)), PAGE)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
