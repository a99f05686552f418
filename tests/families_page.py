"""docs/families.md: what a run of all test models shows of each family.

Write the page with `python -m tests.families_page`.
"""

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from skimage import data

from builder.families.family import Family
from builder.families.init import ManifestDraft, draft_manifest, write_manifest
from builder.families.registry import families
from builder.families.sureness import LEVELS, Sureness
from builder.lint.examine import plan
from builder.manifest.variants import VARIANTS, VariantName
from builder.targets.build import build
from tests import test_recognition as recognition
from tests.local_function import LocalFunction
from tests.paths import ROOT
from tests.real_models import LAYOUT, NUDENET, TEXT
from tests.zoo import ENTRIES, PAIRS, TRACKERS, reid

PAGE = ROOT / "docs" / "families.md"

HEAD = """\
# Model families

The families that `init` recognizes, and what a run of the test models shows of each. The run writes
this page: `python -m tests.families_page`. A test compares the page with another run.

- **steps**: the steps that read the outputs of the family's models, each with its number of test
  models. These are small models with the outputs, names and last operations of an exporter
  ([tests/zoo](../tests/zoo)). Most of them find one known object in every image.
- **recognized**: how many of the models `init` recognizes, by [level](recognition.md).
- **OpenVINO**, **ONNX Runtime**: for how many of them the function finds the known object, with its
  label, shape and confidence. `init`, build and request run without an edit of the manifest;
  `guessed: true` is accepted. "-": the models have no known object. Other tests cover the decoding
  of these families.
- **real weights**: the packages of PyPI whose models are recognized and find something in a picture
  in both runtimes, again without an edit. The tests compare the replies with references.

| family | steps | recognized | OpenVINO | ONNX Runtime | real weights |
|---|---|---|---|---|---|
"""


@dataclass
class Record:
    """What a run shows of a family.

    Attributes:
        models: number of models by step.
        levels: how many models are recognized with each level.
        known: number of models with a known object.
        decoded: how many of these objects the function finds, by variant.
        packages: the packages of real weights that were recognized and decoded.
    """

    models: Counter[str] = field(default_factory=Counter)
    levels: Counter[Sureness] = field(default_factory=Counter)
    known: int = 0
    decoded: Counter[VariantName] = field(default_factory=Counter)
    packages: list[str] = field(default_factory=list)

    def add(self, step: str, draft: ManifestDraft) -> None:
        """Add a model by the step that reads its outputs."""
        self.models[step] += 1
        if draft.ranking.matches[0].postprocess[0].name == step:
            self.levels[draft.ranking.sureness] += 1


def text(folder: Path) -> str:
    """The page, by a run in an empty folder. Skips the test if real weights are not to be had."""
    records = {family.name: Record() for family in families()}
    for name, entry in ENTRIES.items():
        record = records[_family_of(entry.decoder).name]
        record.add(entry.decoder, recognition.drafted(folder, name))
        record.known += 1
        for variant in VARIANTS:
            record.decoded[variant] += _is_found(folder, name, variant)
    for step, draft in _without_object(folder):
        records[_family_of(step).name].add(step, draft)
    for model in (NUDENET, LAYOUT, TEXT):
        draft = draft_manifest([model.fetch()], folder)
        if all(_finds_anything(draft, folder, variant) for variant in VARIANTS):
            family = _family_of(draft.ranking.matches[0].postprocess[0].name)
            package = model.requirement.replace("==", " ")
            records[family.name].packages.append(f"{package} ({draft.ranking.sureness})")
    return HEAD + "".join(_row(family, records[family.name]) for family in families())


def _is_found(folder: Path, name: str, variant: VariantName) -> bool:
    """Whether a function finds the known object of its model."""
    try:
        recognition.test_the_built_function_finds_the_known_object(folder, name, variant)
    except AssertionError:
        return False
    return True


def _without_object(folder: Path) -> Iterator[tuple[str, ManifestDraft]]:
    """The step and the draft of each model, or pair of models, that finds no known object."""
    for name, pair in PAIRS.items():
        files = [pair.encoder(folder / f"{name}-a.onnx"), pair.decoder(folder / f"{name}-b.onnx")]
        yield pair.step, draft_manifest(files, folder)
    for step, make in {**TRACKERS, "embedding": reid}.items():
        yield step, draft_manifest([make(folder / f"{step}.onnx")], folder)


def _finds_anything(draft: ManifestDraft, folder: Path, variant: VariantName) -> bool:
    """Whether the function of an unedited draft finds anything in the picture."""
    manifest = folder / "real.yaml"
    write_manifest(draft.text, manifest, force=True)
    function = LocalFunction(build(plan(manifest), folder / "real", force=True).folder, variant)
    reply = function(_picture())
    return reply.status == 200 and bool(reply.body)


@cache
def _picture() -> bytes:
    """A page with a heading, a paragraph and the photo of a person."""
    page = np.full((1100, 850, 3), 255, np.uint8)
    cv2.putText(page, "On the shapes of leaves", (120, 120), 0, 1.4, (0, 0, 0), 4)
    for row in range(200, 440, 28):
        cv2.putText(page, "the leaf of the plant is of an even shape and", (80, row), 0, 0.8, 0)
    page[500:1012, 170:682] = data.astronaut()[:, :, ::-1]
    return cv2.imencode(".png", page)[1].tobytes()


def _family_of(step: str) -> Family:
    """The family of a step by its name in manifests."""
    (found,) = (family for family in families() if step in _steps(family))
    return found


def _steps(family: Family) -> Sequence[str]:
    """The names of a family's steps."""
    return [step.name() for step in family.steps]


def _row(family: Family, record: Record) -> str:
    """The row of a family."""
    steps = [f"`{name}` ({record.models[name] or 'no test model'})" for name in _steps(family)]
    levels = [f"{name} {record.levels[name]}" for name in LEVELS if record.levels[name]]
    decoded = [
        f"{record.decoded[name]} of {record.known}" if record.known else "-" for name in VARIANTS
    ]
    cells = (
        family.name,
        ", ".join(steps),
        ", ".join(levels) or "-",
        *decoded,
        ", ".join(record.packages) or "-",
    )
    return f"| {' | '.join(cells)} |\n"


def main() -> int:
    """Write the page."""
    with tempfile.TemporaryDirectory() as folder:
        PAGE.write_text(text(Path(folder)), "utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
