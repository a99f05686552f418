"""Output of `cvatbuild check` in each format, and its exit status."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.builder.cli.invoke import invoke
from tests.builder.conftest import Run, WriteManifest, write_manifest_to

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
    """The JSON objects of an output, one per line."""
    return [json.loads(line) for line in out.splitlines()]


def line_of(manifest: Path, text: str) -> int:
    """The number of the line of a file that begins with `text`."""
    lines = manifest.read_text("utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.startswith(text))


@pytest.mark.parametrize("option", [["--json"], ["--format", "json"], ["--format=json"]])
def test_json_is_one_object_per_line_on_stdout(
    write_manifest: WriteManifest, option: list[str]
) -> None:
    manifest = write_manifest(threshold=2, color=1)
    status, out, err = invoke("check", *option, manifest)
    assert (status, err) == (1, "")
    found = objects(out)
    assert all(list(one) == KEYS for one in found)
    assert {(one["code"], one["path"], one["line"], one["column"]) for one in found} == {
        ("invalid-value", "threshold", line_of(manifest, "threshold:"), 1),
        ("unknown-key", "color", line_of(manifest, "color:"), 1),
    }
    assert {one["file"] for one in found} == {str(manifest)}
    assert {one["severity"] for one in found} == {"error"}


@pytest.mark.parametrize("form", ["json", "github"])
def test_json_and_annotations_are_empty_for_a_valid_manifest(
    write_manifest: WriteManifest, form: str
) -> None:
    assert invoke("check", "--format", form, "--strict", write_manifest()) == (0, "", "")


def test_an_annotation_has_the_line_of_the_diagnostic(write_manifest: WriteManifest) -> None:
    manifest = write_manifest(threshold=2)
    status, out, err = invoke("check", "--format", "github", manifest)
    assert (status, err) == (1, "")
    assert out == (
        f"::error file={manifest},line={line_of(manifest, 'threshold:')},col=1,"
        "title=Invalid value [invalid-value]"
        "::threshold: invalid value%0Afound: 2%0Aallowed: at most 1\n"
    )


def test_a_warning_is_annotated_as_a_warning(write_manifest: WriteManifest) -> None:
    manifest = write_manifest(postprocess=NO_NMS)
    status, out, err = invoke("check", "--format", "github", manifest)
    assert (status, err) == (0, "")
    assert len(out.splitlines()) == 1
    assert out.startswith(f"::warning file={manifest},line={line_of(manifest, '- yolo')},")
    assert "[missing-nms]::postprocess[0].yolo: " in out


def test_a_warning_is_printed_beside_the_ok(write_manifest: WriteManifest) -> None:
    manifest = write_manifest(postprocess=NO_NMS)
    status, out, err = invoke("check", manifest)
    assert (status, out) == (0, f"{manifest}: ok: boxes, cpu, gpu\n")
    assert err.startswith(f"warning: {manifest}:{line_of(manifest, '- yolo')}:")
    assert "[missing-nms]" in err


@pytest.mark.parametrize("form", ["text", "json", "github"])
def test_strict_fails_on_warnings(write_manifest: WriteManifest, form: str) -> None:
    manifest = write_manifest(postprocess=NO_NMS)
    lenient = invoke("check", "--format", form, manifest)
    strict = invoke("check", "--format", form, "--strict", manifest)
    assert (lenient[0], strict[0]) == (0, 1)
    assert "missing-nms" in strict[1] + strict[2]
    assert ": ok" not in strict[1]


def test_strict_passes_a_valid_manifest(write_manifest: WriteManifest) -> None:
    manifest = write_manifest()
    expected = (0, f"{manifest}: ok: boxes, cpu, gpu\n", "")
    assert invoke("check", "--strict", manifest) == expected


def test_notes_are_printed_on_request_and_never_fail(write_manifest: WriteManifest) -> None:
    manifest = write_manifest()
    status, out, err = invoke("check", "--strict", "--notes", manifest)
    assert (status, out) == (0, f"{manifest}: ok: boxes, cpu, gpu\n")
    assert err.startswith(f"note: {manifest}:")
    assert "[base-image-digest]" in err
    status, out, err = invoke("check", "--notes", "--format", "github", manifest)
    assert (status, out.startswith("::notice file=")) == (0, True)


def test_diagnostics_of_two_invalid_manifests_are_in_order(
    write_manifest: WriteManifest,
) -> None:
    one = write_manifest("one.yaml", name="one", threshold=2, color=1)
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


def test_an_error_in_one_manifest_hides_no_warning_in_another(
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


def test_without_the_model_diagnostics_have_the_same_form(write_manifest: WriteManifest) -> None:
    manifest = write_manifest(labels=["cat", "dog"], postprocess=NO_NMS, model="absent.onnx")
    status, out, err = invoke("check", "--no-model", "--json", manifest)
    assert (status, err) == (0, "")
    assert [(list(one), one["code"]) for one in objects(out)] == [(KEYS, "missing-nms")]
    assert invoke("check", "--no-model", "--json", "--strict", manifest)[0] == 1


@pytest.mark.parametrize("form", ["text", "json", "github"])
def test_a_missing_file_is_a_command_line_error(tmp_path: Path, form: str) -> None:
    status, out, err = invoke("check", "--format", form, tmp_path / "absent.yaml")
    assert (status, out) == (2, "")
    assert "there is no such file [command-line]" in err


def test_an_unknown_format_is_a_command_line_error(write_manifest: WriteManifest) -> None:
    status, out, err = invoke("check", "--format", "xml", write_manifest())
    assert (status, out) == (2, "")
    assert "github" in err


def test_a_pipe_gets_the_same_without_colors(run: Run, write_manifest: WriteManifest) -> None:
    write_manifest(threshold=2)
    done = run("check", "boxes.yaml")
    assert (done.returncode, done.stdout) == (1, "")
    assert "\x1b" not in done.stderr
    done = run("check", "--json", "boxes.yaml")
    assert (done.returncode, done.stderr) == (1, "")
    assert [one["file"] for one in objects(done.stdout)] == ["boxes.yaml"]


def test_check_says_ok_and_writes_nothing(write_manifest: WriteManifest, tmp_path: Path) -> None:
    manifest = write_manifest()
    before = sorted(tmp_path.rglob("*"))
    status, out, err = invoke("check", manifest)
    assert (status, out, err) == (0, f"{manifest}: ok: boxes, cpu, gpu\n", "")
    assert sorted(tmp_path.rglob("*")) == before


def test_check_reports_where_and_what(write_manifest: WriteManifest) -> None:
    manifest = write_manifest(threshold=2)
    status, out, err = invoke("check", manifest)
    assert (status, out) == (1, "")
    assert f"error: {manifest}:" in err
    assert "threshold" in err
    assert "at most 1" in err


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe\x00",
        b"",
        b"a: [",
        b"\x00",
        b"a: &x [*x]",
        b"- a",
        b"name: x\nname: y",
        b'name: "\\ud800"',
        b"[" * 2000,
        b"a: !!python/object/apply:os.system [id]",
        b"a: !!int ''",
    ],
    ids=lambda content: repr(content[:24]),
)
def test_an_invalid_file_is_status_1(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.yaml").write_bytes(content)
    status, out, err = invoke("check", tmp_path / "m.yaml")
    assert (status, out) == (1, "")
    assert err.startswith("error: ")


def test_a_title_with_a_null_character_is_status_1(write_manifest: WriteManifest) -> None:
    status, out, err = invoke("check", write_manifest(title="a\x00b"))
    assert (status, out) == (1, "")
    assert "title" in err


def unseen(folder: Path, file: str = "boxes.yaml", **changes: Any) -> Path:
    """A manifest whose model file does not exist."""
    keys: dict[str, Any] = {"model": "absent.onnx", "labels": ["cat", "dog"], **changes}
    return write_manifest_to(folder, file, **keys)


def test_check_without_the_model_says_so_and_writes_nothing(tmp_path: Path) -> None:
    manifest = unseen(tmp_path)
    text = manifest.read_bytes()
    expected = f"{manifest}: ok: boxes; the model was not read\n"
    assert invoke("check", "--no-model", manifest) == (0, expected, "")
    assert list(tmp_path.rglob("*")) == [manifest]
    assert manifest.read_bytes() == text
    # The model is what the other check stumbles over.
    assert invoke("check", manifest)[0] == 1
    assert invoke("check", "--model", manifest)[0] == 1


def test_check_without_the_model_downloads_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CVATBUILD_CACHE", str(tmp_path / "cache"))
    manifest = unseen(tmp_path, model={"url": "http://127.0.0.1:9/m.onnx", "sha256": "0" * 64})
    assert invoke("check", "--no-model", manifest)[0] == 0
    assert list(tmp_path.rglob("*")) == [manifest]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"treshold": 0.5}, ["treshold: unknown key 'treshold'", "did you mean 'threshold'?"]),
        ({"labels": ["cat", "cat"]}, ["labels[1]: duplicate label 'cat'"]),
        (
            {"labels": ["cat", {"name": "dog", "type": "mask"}]},
            ["labels[1].type: ", "rectangle or any"],
        ),
        ({"postprocess": ["yolo", "rectangle", "nms"]}, ["postprocess: a shape comes before"]),
    ],
)
def test_check_without_the_model_reports_other_errors(
    tmp_path: Path, changes: dict[str, Any], words: list[str]
) -> None:
    manifest = unseen(tmp_path, **changes)
    status, out, err = invoke("check", "--no-model", manifest)
    assert (status, out) == (1, "")
    assert err.startswith(f"error: {manifest}:")
    for word in words:
        assert word in err
    assert list(tmp_path.rglob("*")) == [manifest]


def test_check_without_models_reports_the_problems_of_all_manifests(tmp_path: Path) -> None:
    good = unseen(tmp_path, "good.yaml", name="good")
    bad = unseen(tmp_path, "bad.yaml", threshold=2)
    worse = unseen(tmp_path, "worse.yaml", labels=["cat", "cat"])
    status, out, err = invoke("check", "--no-model", good, bad, worse)
    assert (status, out) == (1, "")
    assert f"error: {bad}:" in err
    assert f"error: {worse}:" in err
    assert str(good) not in err
    status, out, err = invoke("check", "--no-model", good, unseen(tmp_path))
    assert (status, err) == (0, "")
    named = [line.split(": ")[2].split(";")[0] for line in out.splitlines()]
    assert named == ["good", "boxes"]


@pytest.mark.parametrize("name", ["absent.yaml", "folder"])
def test_check_without_the_model_needs_a_manifest(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    status, out, err = invoke("check", "--no-model", tmp_path / name)
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
