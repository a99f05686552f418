"""Scores of both variants of a function and of a reference.

benchmarks/accuracy.py and benchmarks/package_models.py measure with this module.
"""

import importlib.metadata
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from builder.evaluation.measure import Sample, Task, Unanswered

PAGE = ROOT / "docs" / "accuracy.md"
"""The page with the scores."""

FROM_REFERENCE, FROM_REFERENCE_OF_MASKS, BETWEEN_VARIANTS = 0.1, 0.2, 0.05
"""Greatest differences in points (hundredths) of a function from the reference, and of the two
variants from each other."""


@dataclass(frozen=True)
class Scores:
    """A metric in points.

    Attributes:
        cpu, gpu: of the variants.
        reference: of the reference.
    """

    cpu: float
    gpu: float
    reference: float

    @property
    def gap(self) -> float:
        """Return the largest difference of a variant from the reference."""
        return max(abs(self.cpu - self.reference), abs(self.gpu - self.reference))

    @property
    def cells(self) -> str:
        """Return the last columns of a table in Markdown: cpu, gpu, reference, gap."""
        return f"{self.cpu:.3f} | {self.gpu:.3f} | {self.reference:.3f} | {self.gap:.3f} |"

    def __str__(self) -> str:
        """Return the figures for the terminal."""
        return f"cpu {self.cpu:.3f}  gpu {self.gpu:.3f}  reference {self.reference:.3f}"

    def variants_agree(self) -> bool:
        """Return whether the variants differ by no more than BETWEEN_VARIANTS."""
        return abs(self.cpu - self.gpu) <= BETWEEN_VARIANTS

    def reference_agrees(self, *, is_mask: bool) -> bool:
        """Return whether both variants are as close to the reference as they have to be."""
        return self.gap <= (FROM_REFERENCE_OF_MASKS if is_mask else FROM_REFERENCE)


def score(kind: Any, metric: str, task: Task, answer: Callable[[Any, Sample], object]) -> float:
    """Return a metric of the answers to all images, in points.

    Args:
        kind: a module of builder.evaluation.measures.
        metric: key of its result.
        task: what is measured.
        answer: measure, sample -> the answer; see Measure.ask.
    """
    measure = kind.start(task)
    for sample in measure.samples():
        try:
            measure.add(sample, answer(measure, sample))
        except Unanswered as reason:
            sys.exit(f"{sample.name}: {reason}")
    return 100 * measure.result().metrics[metric]


def versions(*names: str) -> str:
    """Return the versions of Python and of the packages that functions and measures use."""
    packages = ("openvino", "onnxruntime-gpu", "numpy", "opencv-python-headless", *names)
    installed = (f"{it} {importlib.metadata.version(it)}" for it in packages)
    return ", ".join((f"Python {platform.python_version()}", *installed))
