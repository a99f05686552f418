"""The gallery of mistakes: its cases are files under tests/golden/mistakes; see the README there.

A case's file names the models, then has sections, each below a line `=== HEADING`:

    models: NAME            a key of tests.gallery_models.MODELS

    === boxes.yaml          a manifest with the mistake that the case is about
    === check               the output of `cvatbuild check boxes.yaml`
    === fix                 the edit that the hint asks for, as lines of a diff (optional)
    === check after the fix the output of `check` after that edit
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from builder.cli.app import app
from tests.gallery_models import MODELS
from tests.paths import ROOT

GOLDEN = ROOT / "tests" / "golden"
MISTAKES = GOLDEN / "mistakes"

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
"""A detector's manifest without a mistake, for the models `yolo`."""

CHECK = "check"
FIX = "fix"
FIXED = "check after the fix"

_HEADING = re.compile(r"^=== (.+)\n", re.MULTILINE)
SEVERITY_AND_CODE = re.compile(r"^(error|warning): .*\[([a-z0-9-]+)\]$", re.MULTILINE)
"""The first line of a diagnostic."""


@dataclass(frozen=True)
class Case:
    """Manifests with a mistake, and what `check` must say about them.

    Attributes:
        models: key of MODELS.
        manifests: file name -> text.
        output: of `check`.
        fix: the edit of the first manifest that the first diagnostic's hint asks for, as lines
            of a diff; empty where no hint says what to do.
        fixed_output: of `check` after that edit.
    """

    models: str
    manifests: dict[str, str]
    output: str = ""
    fix: str = ""
    fixed_output: str = ""

    @classmethod
    def parse(cls, text: str) -> "Case":
        """Read a case's file."""
        head, *rest = _HEADING.split(text)
        # An empty line ends each part but the last.
        bodies = [body.removesuffix("\n") for body in rest[1:-1:2]] + rest[-1:]
        sections = dict(zip(rest[::2], bodies, strict=True))
        output, fix, fixed = (sections.pop(key, "") for key in (CHECK, FIX, FIXED))
        return cls(head.removeprefix("models: ").strip(), sections, output, fix, fixed)

    def __str__(self) -> str:
        """The text of a case's file."""
        sections = {**self.manifests, CHECK: self.output}
        if self.fix:
            sections |= {FIX: self.fix, FIXED: self.fixed_output}
        parts = (f"\n=== {heading}\n{body}" for heading, body in sections.items())
        return f"models: {self.models}\n" + "".join(parts)

    def write(self, folder: Path) -> None:
        """Write models and manifests into a folder."""
        MODELS[self.models](folder)
        for name, text in self.manifests.items():
            (folder / name).write_text(text, "utf-8")

    def checked(self, folder: Path) -> "Case":
        """Return this case with the real output of `check`, run in an empty folder.

        Raises:
            AssertionError: after the fix there is an error, or still the same diagnostic.
        """
        self.write(folder)
        output = check(folder, *self.manifests)
        if not self.fix:
            return replace(self, output=output)
        first = next(iter(self.manifests))
        (folder / first).write_text(apply(self.fix, self.manifests[first]), "utf-8")
        fixed = check(folder, *self.manifests)
        found, left = (SEVERITY_AND_CODE.findall(text) for text in (output, fixed))
        assert [it for it in left if it[0] == "error" or it[1] == found[0][1]] == []
        return replace(self, output=output, fixed_output=fixed)


def cases(group: str = "*") -> dict[str, Path]:
    """The files of a group's cases, or of all, by `GROUP/NAME`."""
    files = sorted(MISTAKES.glob(f"{group}/*.txt"))
    return {f"{file.parent.name}/{file.stem}": file for file in files}


def apply(fix: str, text: str) -> str:
    """Replace the lines of a diff that begin with ` ` or `-` by those with ` ` or `+`."""
    lines = fix.splitlines(keepends=True)
    old = "".join(line[1:] for line in lines if line[0] in " -")
    new = "".join(line[1:] for line in lines if line[0] in " +")
    assert f"\n{text}".count(f"\n{old}") == 1, fix
    return f"\n{text}".replace(f"\n{old}", f"\n{new}").removeprefix("\n")


def check(folder: Path, *manifests: str) -> str:
    """Run `cvatbuild check` on manifests of a folder.

    Returns:
        what it prints, with bare names for the manifests, and `<folder>` for their folder.

    Raises:
        AssertionError: the exit status does not say whether there is an error.
    """
    result = _run(folder, manifests)
    output = result.output
    for name in manifests:
        output = output.replace(str(folder / name), name)
    output = output.replace(str(folder), "<folder>")
    errors = [it for it in SEVERITY_AND_CODE.findall(output) if it[0] == "error"]
    assert result.exit_code == (1 if errors else 0)
    return output


def diagnostics(folder: Path, *manifests: str, options: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Run `cvatbuild check --json` on manifests of a folder; return its objects."""
    output = _run(folder, manifests, "--json", *options).stdout
    return [json.loads(line) for line in output.split("\n") if line]


def codes_and_paths(folder: Path, *manifests: str) -> list[tuple[str, str]]:
    """Code and path of every diagnostic about manifests of a folder."""
    return [(it["code"], it["path"]) for it in diagnostics(folder, *manifests)]


def _run(folder: Path, manifests: Sequence[str], *options: str) -> Result:
    """Run `cvatbuild check` in this process."""
    files = [str(folder / name) for name in manifests]
    return CliRunner().invoke(app, ["check", *options, *files], catch_exceptions=False)
