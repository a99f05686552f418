"""The Markdown files of the repository: links, and the command lines of the README."""

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main

from builder.cli.app import app
from builder.manifest.steps import LISTINGS, known_steps
from builder.reference.markdown import anchor
from tests.paths import ROOT

PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "manifests").rglob("*.md")),
]
LINK = re.compile(r"\]\(([^)\s]+)\)")


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The anchors of the headings of a page."""
    return {anchor(title) for title in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)}


def commands(page: Path) -> list[tuple[str, str]]:
    """The command lines in the code blocks of a page, each with the output below it."""
    found = []
    for language, block in re.findall(
        r"^```(\w+)\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL
    ):
        block = block.replace("\\\n", " ")
        if language == "sh":
            found += [(line, "") for line in block.splitlines()]
        elif language == "console":
            for part in block.removeprefix("$ ").split("\n$ "):
                line, _, output = part.partition("\n")
                found.append((line, output.rstrip("\n")))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_to_a_file_and_a_heading(page: Path) -> None:
    broken = []
    for target in LINK.findall(prose(page)):
        if target.startswith(("http://", "https://")):
            continue
        path, _, fragment = target.partition("#")
        file = page.parent / path if path else page
        if not file.exists() or (fragment and fragment not in anchors(file)):
            broken.append(target)
    assert broken == []


def test_the_readme_is_short_and_starts_with_the_commands_and_the_picture() -> None:
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    assert len(lines) < 250
    assert lines[2] == "```sh"
    assert [line.split()[0] for line in lines[3:6]] == ["cvatbuild"] * 3
    assert lines[6] == "```"
    assert lines[8].startswith("![")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_command_lines_parse(page: Path) -> None:
    group: Any = typer.main.get_command(app)
    for line, _ in commands(page):
        if line.startswith("cvatbuild ") and "$(" not in line:
            _, *words = shlex.split(line, comments=True)
            name, words = (words[0], words[1:]) if words[0] in group.commands else ("build", words)
            group.commands[name].make_context(name, words)


def test_recipes_name_steps_that_exist() -> None:
    page = prose(ROOT / "docs" / "recipes.md")
    named = set(re.findall(r"`([a-z0-9]+(?:_[a-z0-9]+)+)`", page))
    steps = {name for listing in LISTINGS for name in known_steps(listing)}
    assert named - steps == {"data_preprocessor"}  # a key of MMDetection's configs
    assert len(named) > 10


def test_the_code_of_recipes_is_python() -> None:
    text = (ROOT / "docs" / "recipes.md").read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        ast.parse(block)


@pytest.mark.slow
def test_the_commands_of_the_readme_print_what_it_shows(tmp_path: Path) -> None:
    for folder in ("docs", "manifests"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    # The three commands at the top are repeated below, after the model has been copied.
    for line, expected in commands(ROOT / "README.md")[3:]:
        if line.split()[0] not in ("cvatbuild", "cp", "sed", "echo"):
            continue
        done = subprocess.run(
            [
                "/bin/sh",
                "-c",
                f'cvatbuild() {{ "{sys.executable}" -m builder "$@"; }}; {line}',
            ],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == int(" check " in line), done.stdout
        if expected:
            assert without_times(done.stdout.rstrip("\n")) == without_times(expected)
        if " init " in line:
            # The README leaves out the first line, which names the schema.
            _, _, written = (tmp_path / "best.yaml").read_text("utf-8").partition("\n")
            assert f"```yaml\n{written}```\n" in (ROOT / "README.md").read_text("utf-8")


def without_times(text: str) -> str:
    """A text without durations, which differ from run to run."""
    return re.sub(r"\d+ ms", "N ms", text)
