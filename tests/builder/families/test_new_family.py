"""A made-up family: one decoder and one family module, and no other file of the tool changes."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.builder.conftest import png
from tests.paths import ROOT
from tests.zoo import BOX, SCORE, image, table

DECODER = '''
"""Sheets of paper: four corners."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.outputs import take
from runtimes.instances import Instances
from runtimes.signature import Signature
from runtimes.step import Decoder
from runtimes.view import View


@dataclass(frozen=True, slots=True)
class Sheets(Decoder):
    """Sheets of paper, [1, n, 9]: x and y of four corners, and a score. Follow it with `nms`.

    Example:
        - sheets: corners
    """

    output: str | None = None
    """Name of the output. Default: the only one with three axes."""

    def bind(self, signature: Signature, classes: Classes) -> "Sheets":
        """See Decoder.bind."""
        tensor = signature.output(self.output, rank=(3,), role="[1, n, 9]")
        classes.check(1, f"{tensor}: one class")
        return replace(self, output=tensor.name)

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder."""
        rows = take(outputs, self.output)[0]
        rows = rows[rows[:, 8] > threshold]
        left, top = rows[:, 0:8:2].min(axis=1), rows[:, 1:8:2].min(axis=1)
        right, bottom = rows[:, 0:8:2].max(axis=1), rows[:, 1:8:2].max(axis=1)
        boxes = np.stack([left, top, right, bottom], axis=1)
        return Instances.of(boxes, rows[:, 8], np.zeros(len(rows)))
'''.replace("from runtimes.arrays", "import numpy as np\n\nfrom runtimes.arrays")

FAMILY = '''
"""Sheets of paper: corners [1, n, 9]."""

from collections.abc import Iterator

from builder.families.common_steps import NMS, RECTANGLE
from builder.families.evidence import Evidence, fits
from builder.families.family import Family
from builder.families.input_format import Channels, InputFormat, Resizing, Values
from builder.families.match import ClassList, Match, step
from builder.families.sureness import Strength
from runtimes.decoders.sheets import Sheets


def recognize(evidence: Evidence) -> Iterator[Match]:
    """Recognize the output by its name and shape."""
    (tensor, *others) = evidence.outputs
    if others or tensor.name != "corners" or not fits(tensor, (1, None, 9)):
        return
    yield SHEETS.match(
        evidence,
        Strength.STRUCTURE,
        (f"{tensor}: four corners and a score",),
        (step(Sheets, "x and y of four corners, score"), NMS, RECTANGLE),
        classes=ClassList(1, "sheets", names=("sheet",)),
    )


SHEETS = Family(
    name="Sheets",
    steps=(Sheets,),
    recognize=recognize,
    input_format=InputFormat(
        Resizing("letterbox", "sheets are padded right and bottom", align="top_left"),
        Values(scale=1),
        Channels("bgr", "sheets are read through OpenCV"),
    ),
    required=frozenset({"resizing", "channels", "values"}),
    candidates_overlap=True,
)
'''


class Checkout:
    """A copy of the tool with the two files, run in processes of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for package in ("builder", "runtimes"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / package, folder / package, ignore=ignored)
        (folder / "runtimes" / "decoders" / "sheets.py").write_text(DECODER.lstrip())
        (folder / "builder" / "families" / "catalog" / "sheets.py").write_text(FAMILY.lstrip())
        net = image("photo")
        corners = [16, 8, 48, 8, 48, 24, 16, 24, SCORE]
        net.give("corners", net.known(table(9, 10, corners)), (1, 10, 9))
        net.save(folder / "paper.onnx")

    def python(self, *arguments: str) -> tuple[int, str, str]:
        """Run Python: exit status, stdout, stderr."""
        environment = {
            **os.environ,
            "PYTHONPATH": str(self.folder),
            "PYTHONPYCACHEPREFIX": str(self.folder / "pycache"),
        }
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return done.returncode, done.stdout, done.stderr

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Run the command: exit status, stdout, stderr."""
        return self.python("-m", "builder", *arguments)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    made = Checkout(tmp_path_factory.mktemp("checkout"))
    assert made.run("init", "paper.onnx", "-o", "paper.yaml") == (0, "paper.yaml\n", "")
    return made


def test_init_drafts_a_manifest_from_the_family(checkout: Checkout) -> None:
    text = (checkout.folder / "paper.yaml").read_text()
    data = yaml.safe_load(text)
    assert data["labels"] == ["sheet"]
    assert data["preprocess"] == [{"letterbox": {"align": "top_left"}}, {"channels": "bgr"}]
    assert data["postprocess"] == ["sheets", {"nms": 0.45}, "rectangle"]
    assert "# Sheets; corners [1, 10, 9] float32: four corners and a score" in text


@pytest.mark.slow
def test_inspect_names_the_family(checkout: Checkout) -> None:
    status, out, _ = checkout.run("inspect", "--json", "paper.onnx")
    found = json.loads(out)
    assert (status, found["family"], found["sureness"]) == (0, "Sheets", "sure")


LETTERBOX, CHANNELS, NMS = "letterbox: {align: top_left}", "channels: bgr", "nms: 0.45"
CHANGES: dict[str, tuple[str, str, list[str]]] = {
    "same": ("", "", []),
    "centered": (LETTERBOX, "letterbox", ["input-format"]),
    "stretched": (LETTERBOX, "resize", ["resize-for-letterboxed"]),
    "rgb": (f"  - {CHANNELS}", "  #", ["input-format"]),
    "scaled": (f"- {CHANNELS}", f"- normalize\n  - {CHANNELS} #", ["input-format"]),
    "raw": (f"  - {NMS}", "  #", ["missing-nms"]),
}
"""A change of the drafted manifest: old text, new text, and the codes of what is wrong then."""


def test_check_holds_manifests_to_what_the_family_requires(checkout: Checkout) -> None:
    text = (checkout.folder / "paper.yaml").read_text()
    for name, (old, new, _) in CHANGES.items():
        assert old in text
        changed = text.replace(old, new) if old else text
        changed = changed.replace("name: paper", f"name: {name}")
        changed = changed.replace("title: paper", f"title: {name}")
        (checkout.folder / f"{name}.yaml").write_text(changed)
    _, out, _ = checkout.run("check", "--format", "json", *(f"{name}.yaml" for name in CHANGES))
    found: dict[str, list[str]] = {name: [] for name in CHANGES}
    for problem in map(json.loads, out.splitlines()):
        found[Path(problem["file"]).stem].append(problem["code"])
    assert found == {name: codes for name, (_, _, codes) in CHANGES.items()}


@pytest.mark.slow
def test_the_built_function_decodes_with_the_new_step(checkout: Checkout) -> None:
    status, _, err = checkout.run("paper.yaml")
    assert (status, err) == (0, "")
    function = checkout.folder / "build" / "paper" / "nuclio"
    assert "Sheets(" in (function / "model_handler.py").read_text()
    assert (function / "runtimes" / "decoders" / "sheets.py").read_text() == DECODER.lstrip()
    (checkout.folder / "photo.png").write_bytes(png(64, 64))
    status, out, _ = checkout.run("predict", "--json", "build/paper", "photo.png")
    (item,) = json.loads(out)["reply"]
    assert status == 0
    assert (item["label"], item["type"]) == ("sheet", "rectangle")
    assert item["points"] == pytest.approx(BOX, abs=0.05)
    assert float(item["confidence"]) == pytest.approx(SCORE)


@pytest.mark.slow
def test_the_reference_shows_the_new_step_with_its_example(checkout: Checkout) -> None:
    program = "from builder.reference.manifest_pages import pages; print(*pages().values())"
    status, out, err = checkout.python("-c", program)
    assert (status, err) == (0, "")
    assert "### `sheets`\n\nSheets of paper, [1, n, 9]" in out
    assert "```yaml\n- sheets: corners\n```" in out
