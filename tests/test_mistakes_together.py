"""Two mistakes in one manifest: both are reported, and no follow-up errors."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from builder.cli.app import app
from tests.gallery import MANIFEST, Case, cases, codes_and_paths, diagnostics
from tests.gallery_models import MODELS

THRESHOLD = "threshold: 0.25\n"
"""The last line of MANIFEST: independent of all lines but `type: detector`."""
UPPER = MANIFEST.removesuffix(THRESHOLD)

UNREADABLE = ("[invalid-yaml]", "[duplicate-key]")
"""Codes of errors that prevent the rest of a manifest from being read."""

DEPENDENT = {"detector/second-model-for-unknown-label", "detector/oriented-crop-of-upright-boxes"}
"""Mistakes in the last lines that `check` finds only with readable labels and decoder."""


def _mistakes() -> dict[str, str]:
    """Case -> its manifest, for the detector cases with the models of MANIFEST."""
    mistakes = {}
    for name, file in cases("detector").items():
        case = Case.parse(file.read_text("utf-8"))
        if case.models == "yolo" and not any(code in case.output for code in UNREADABLE):
            (mistakes[name],) = case.manifests.values()
    return mistakes


def _is_error(name: str) -> bool:
    """Whether the first diagnostic of a case is an error."""
    return Case.parse(cases()[name].read_text("utf-8")).output.startswith("error:")


MISTAKES = _mistakes()
IN_LAST_LINE = {
    name: text.removeprefix(UPPER)
    for name, text in MISTAKES.items()
    if text.startswith(UPPER) and text != MANIFEST and _is_error(name) and name not in DEPENDENT
}
"""Case -> the erroneous lines that replace the last line."""
ABOVE = {
    name: text.removesuffix(THRESHOLD)
    for name, text in MISTAKES.items()
    if text.endswith(f"\n{THRESHOLD}") and "type: detector\n" in text and text != MANIFEST
}
"""Case -> the manifest up to the last line."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the models of MANIFEST."""
    folder = tmp_path_factory.mktemp("together")
    MODELS["yolo"](folder)
    return folder


def reported(folder: Path, manifest: str) -> list[tuple[str, str]]:
    """Code and path of every diagnostic about the text of a manifest."""
    (folder / "boxes.yaml").write_text(manifest, "utf-8")
    return codes_and_paths(folder, "boxes.yaml")


@pytest.fixture(scope="module")
def alone(folder: Path) -> dict[str, list[tuple[str, str]]]:
    """Case -> diagnostics where its mistake is the only one."""
    return {name: reported(folder, text) for name, text in MISTAKES.items()}


@pytest.mark.slow
@pytest.mark.parametrize("last", IN_LAST_LINE)
def test_two_mistakes_are_reported_as_each_is_alone(
    last: str, alone: dict[str, list[tuple[str, str]]], folder: Path
) -> None:
    for other, upper in ABOVE.items():
        both = reported(folder, upper + IN_LAST_LINE[last])
        one, two = alone[last], alone[other]
        assert both[0] in (one[0], two[0]), other
        assert {one[0], two[0]} <= set(both) <= {*one, *two}, other


def test_there_are_hundreds_of_pairs() -> None:
    assert len(IN_LAST_LINE) >= 15
    assert len(ABOVE) >= 42


@pytest.mark.parametrize("name", ["a\nb", "\x1b[31m", "\udcff", "a\u2028b", "\u202e"], ids=ascii)
def test_a_manifests_file_name_must_be_printable(name: str, folder: Path) -> None:
    file = folder / f"{name}.yaml"
    file.write_text(MANIFEST, "utf-8")
    (found,) = diagnostics(folder, file.name)
    assert (found["code"], found["remedy"]) == ("file-name", "rename the file")


@pytest.mark.parametrize("text", ["", "[1, 2]", "word", "null", "5"])
@pytest.mark.parametrize("form", ["text", "json", "github"])
def test_a_file_without_keys_is_reported_in_every_format(
    text: str, form: str, tmp_path: Path
) -> None:
    file = tmp_path / "boxes.yaml"
    file.write_text(text, "utf-8")
    result = CliRunner().invoke(app, ["check", "--format", form, str(file)])
    assert result.exit_code == 1
    assert len(codes_and_paths(tmp_path, file.name)) == 1
    assert result.output.count("not-a-manifest") == 1


@pytest.mark.parametrize("name", cases("several-manifests"))
def test_conflicts_of_manifests_are_found_without_models(name: str, tmp_path: Path) -> None:
    case = Case.parse(cases()[name].read_text("utf-8"))
    case.write(tmp_path)
    found = diagnostics(tmp_path, *case.manifests)
    assert diagnostics(tmp_path, *case.manifests, options=["--no-model"]) == found
