"""What `cvatbuild check` prints in each format, and the status that it ends with."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.builder.cli.test_commands import invoke
from tests.builder.conftest import Run, WriteManifest

NO_NMS = ["yolo", "rectangle"]
KEYS = [
    "severity",
    "code",
    "file",
    "line",
    "column",
    "path",
    "what",
    "found",
    "allowed",
    "remedy",
]


def objects(out: str) -> list[dict[str, Any]]:
    """The JSON objects of an output, one a line."""
    return [json.loads(line) for line in out.splitlines()]


def line_of(manifest: Path, text: str) -> int:
    """The number of the line of a file that begins with `text`."""
    lines = manifest.read_text("utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.startswith(text))


@pytest.mark.parametrize("option", [["--json"], ["--format", "json"], ["--format=json"]])
def test_json_is_one_object_a_line_on_stdout(
    write_manifest: WriteManifest, option: list[str]
) -> None:
    manifest = write_manifest(threshold=2, colour=1)
    status, out, err = invoke("check", *option, manifest)
    assert (status, err) == (1, "")
    found = objects(out)
    assert all(list(one) == KEYS for one in found)
    assert {(one["code"], one["path"], one["line"], one["column"]) for one in found} == {
        ("wrong-value", "threshold", line_of(manifest, "threshold:"), 1),
        ("unknown-key", "colour", line_of(manifest, "colour:"), 1),
    }
    assert {one["file"] for one in found} == {str(manifest)}
    assert {one["severity"] for one in found} == {"error"}


@pytest.mark.parametrize("form", ["json", "github"])
def test_programs_are_told_nothing_of_a_sound_manifest(
    write_manifest: WriteManifest, form: str
) -> None:
    assert invoke("check", "--format", form, "--strict", write_manifest()) == (0, "", "")


def test_an_annotation_stands_at_the_line_of_the_finding(write_manifest: WriteManifest) -> None:
    manifest = write_manifest(threshold=2)
    status, out, err = invoke("check", "--format", "github", manifest)
    assert (status, err) == (1, "")
    assert out == (
        f"::error file={manifest},line={line_of(manifest, 'threshold:')},col=1,"
        "title=A value that cannot be [wrong-value]"
        "::threshold: has the wrong value%0Afound: 2%0Aallowed: at most 1\n"
    )


def test_a_warning_is_annotated_as_one(write_manifest: WriteManifest) -> None:
    manifest = write_manifest(postprocess=NO_NMS)
    status, out, err = invoke("check", "--format", "github", manifest)
    assert (status, err) == (0, "")
    assert len(out.splitlines()) == 1
    assert out.startswith(f"::warning file={manifest},line={line_of(manifest, '- yolo')},")
    assert "[nms-missing]::postprocess[0].yolo: " in out


def test_a_warning_is_told_beside_the_ok(write_manifest: WriteManifest) -> None:
    manifest = write_manifest(postprocess=NO_NMS)
    status, out, err = invoke("check", manifest)
    assert (status, out) == (0, f"{manifest}: ok: boxes, cpu, gpu\n")
    assert err.startswith(f"warning: {manifest}:{line_of(manifest, '- yolo')}:")
    assert "[nms-missing]" in err


@pytest.mark.parametrize("form", ["text", "json", "github"])
def test_strict_fails_where_there_are_only_warnings(
    write_manifest: WriteManifest, form: str
) -> None:
    manifest = write_manifest(postprocess=NO_NMS)
    lenient = invoke("check", "--format", form, manifest)
    strict = invoke("check", "--format", form, "--strict", manifest)
    assert (lenient[0], strict[0]) == (0, 1)
    assert "nms-missing" in strict[1] + strict[2]
    assert ": ok" not in strict[1]


def test_strict_passes_a_sound_manifest(write_manifest: WriteManifest) -> None:
    manifest = write_manifest()
    expected = (0, f"{manifest}: ok: boxes, cpu, gpu\n", "")
    assert invoke("check", "--strict", manifest) == expected


def test_findings_of_two_broken_manifests_come_together_in_their_order(
    write_manifest: WriteManifest,
) -> None:
    one = write_manifest("one.yaml", name="one", threshold=2, colour=1)
    good = write_manifest("good.yaml", name="good")
    two = write_manifest("two.yaml", name="two", postprocess=["yolo", "nsm", "rectangle"])
    status, out, err = invoke("check", "--json", one, good, two)
    assert (status, err) == (1, "")
    found = objects(out)
    assert [one["file"] for one in found] == [str(one), str(one), str(two)]
    assert found[2]["code"] == "unknown-step"
    assert found[2]["remedy"] == "did you mean 'nms'?"

    status, out, err = invoke("check", one, good, two)
    assert (status, out) == (1, "")
    heads = [line for line in err.splitlines() if line.startswith("error: ")]
    assert [line.split(":")[1].strip() for line in heads] == [str(one), str(one), str(two)]


def test_a_manifest_with_an_error_hides_no_warning_of_another(
    write_manifest: WriteManifest,
) -> None:
    warned = write_manifest("warned.yaml", name="warned", postprocess=NO_NMS)
    broken = write_manifest("broken.yaml", name="broken", threshold=2)
    status, out, _ = invoke("check", "--json", warned, broken)
    assert status == 1
    assert [(one["severity"], one["file"]) for one in objects(out)] == [
        ("warning", str(warned)),
        ("error", str(broken)),
    ]


def test_without_the_model_findings_have_the_same_form(write_manifest: WriteManifest) -> None:
    manifest = write_manifest(labels=["cat", "dog"], postprocess=NO_NMS, model="absent.onnx")
    status, out, err = invoke("check", "--no-model", "--json", manifest)
    assert (status, err) == (0, "")
    assert [(list(one), one["code"]) for one in objects(out)] == [(KEYS, "nms-missing")]
    assert invoke("check", "--no-model", "--json", "--strict", manifest)[0] == 1


@pytest.mark.parametrize("form", ["text", "json", "github"])
def test_a_file_that_is_not_there_is_a_mistake_of_the_command_line(
    tmp_path: Path, form: str
) -> None:
    status, out, err = invoke("check", "--format", form, tmp_path / "absent.yaml")
    assert (status, out) == (2, "")
    assert "there is no such file [command-line]" in err


def test_an_unknown_format_is_a_mistake_of_the_command_line(write_manifest: WriteManifest) -> None:
    status, out, err = invoke("check", "--format", "xml", write_manifest())
    assert (status, out) == (2, "")
    assert "github" in err


def test_a_program_sees_the_same_and_no_colours(run: Run, write_manifest: WriteManifest) -> None:
    write_manifest(threshold=2)
    done = run("check", "boxes.yaml")
    assert (done.returncode, done.stdout) == (1, "")
    assert "\x1b" not in done.stderr
    done = run("check", "--json", "boxes.yaml")
    assert (done.returncode, done.stderr) == (1, "")
    assert [one["file"] for one in objects(done.stdout)] == ["boxes.yaml"]
