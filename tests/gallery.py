"""What the galleries of mistakes are hung on."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from builder.diagnostics.errors import ManifestError, Problem
from builder.plan.plan import examine
from tests.builder.models import yolo_model

MANIFEST = """\
name: boxes
type: detector
model: model.onnx
labels: [cat, dog, bird]
preprocess:
  - letterbox
  - normalize: 255
postprocess:
  - yolo
  - nms: 0.45
  - rectangle
threshold: 0.25
"""


@dataclass(frozen=True)
class Mistake:
    """A change to a manifest, and what must be said about it.

    Attributes:
        name: what a person did.
        old, new: the change to the manifest.
        message: what must be said, from the line on; `{folder}` is the manifest's.
        code: of the finding.
        remedy: the words of the finding's hint that say what to do; empty where nothing is tried.
        mend: the edit that these words ask for, from what to what.
        model: makes the model file, and maybe others beside it.
        manifest: what is changed.
    """

    name: str
    old: str
    new: str
    message: str
    code: str
    remedy: str = ""
    mend: tuple[str, str] = ("", "")
    model: Callable[[Path], object] = yolo_model
    manifest: str = MANIFEST

    def write(self, folder: Path) -> Path:
        """The mistaken manifest, beside its model."""
        assert self.old in self.manifest
        self.model(folder / "model.onnx")
        file = folder / "boxes.yaml"
        file.write_text(self.manifest.replace(self.old, self.new))
        return file

    def check(self, folder: Path) -> None:
        """Make the mistake, and compare what is said."""
        file = self.write(folder)
        first = findings(file)[0]
        message = self.message.replace("{folder}", str(folder))
        assert str(first) == f"{file}:{message}"
        assert first.code == self.code

    def check_remedy(self, folder: Path) -> None:
        """Do what the hint says; nothing must be left of the finding, nor any error."""
        file = self.write(folder)
        assert self.remedy in findings(file)[0].hint
        old, new = self.mend
        text = file.read_text()
        assert text.count(old) == 1
        file.write_text(text.replace(old, new))
        assert [it for it in findings(file) if it.severity == "error" or it.code == self.code] == []


def each(mistakes: Iterable[Mistake]) -> pytest.MarkDecorator:
    """Run a test with each of these mistakes."""
    return pytest.mark.parametrize("mistake", list(mistakes), ids=lambda it: it.name)


def each_with_remedy(mistakes: Iterable[Mistake]) -> pytest.MarkDecorator:
    """Run a test with each of them whose finding says what to do."""
    return each(it for it in mistakes if it.remedy)


def findings(file: Path) -> tuple[Problem, ...]:
    """All that there is to say about a manifest, errors or warnings."""
    try:
        return examine(file).problems
    except ManifestError as error:
        return error.problems
