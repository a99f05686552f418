import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from builder import __version__
from builder.cli.app import app
from tests.builder.conftest import Run, WriteManifest, png, write_manifest_to

COMMANDS = ["build", "check", "diff", "predict"]


def invoke(*arguments: str | Path) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of the command, run in this process."""
    done = CliRunner().invoke(app, [str(word) for word in arguments])
    # Anything but a deliberate exit would be a traceback on a terminal.
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    status, out, err = invoke(command, "--help")
    assert status == 0
    assert f"cvatbuild {command}" in out
    assert err == ""


def test_help_lists_every_command() -> None:
    status, out, err = invoke("--help")
    assert (status, err) == (0, "")
    assert all(f"\n  {command} " in out for command in COMMANDS)


def test_without_arguments_there_is_help_and_status_2(run: Run) -> None:
    done = run()
    assert done.returncode == 2
    assert "Usage: " in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_version() -> None:
    assert invoke("--version") == (0, f"cvatbuild {__version__}\n", "")


def test_help_imports_nothing_that_takes_time() -> None:
    program = (
        "import sys\n"
        "sys.argv = ['cvatbuild', '--help']\n"
        "from builder.cli.app import run\n"
        "try:\n"
        "    run()\n"
        "except SystemExit as exit:\n"
        "    assert not exit.code\n"
        "print('\\nLOADED', *sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.rsplit("LOADED", 1)[1].split())
    assert "builder.cli.app" in loaded
    slow = {"numpy", "cv2", "pydantic", "onnx", "openvino", "onnxruntime", "yaml", "rich"}
    assert loaded.isdisjoint(slow)


def test_a_manifest_alone_is_built(run: Run, write_manifest: WriteManifest, tmp_path: Path) -> None:
    write_manifest()
    done = run("boxes.yaml")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "build/boxes/nuclio/function.yaml",
        "build/boxes/nuclio/function-gpu.yaml",
    ]
    assert done.stderr == ""
    assert (tmp_path / "build/boxes/nuclio/model.onnx").is_file()


@pytest.mark.parametrize(
    "words",
    [
        ["build", "--variant", "cpu", "--no-smoke"],
        ["--variant", "cpu", "--no-smoke"],
        ["--no-smoke", "--variant=cpu"],
    ],
)
def test_options_may_come_before_or_after_with_or_without_the_command(
    write_manifest: WriteManifest, tmp_path: Path, words: list[str]
) -> None:
    manifest = write_manifest()
    out = tmp_path / "out"
    expected = f"{out}/boxes/nuclio/function.yaml\n"
    assert invoke(*words, "--out", out, manifest) == (0, expected, "")
    command, options = (words[:1], words[1:]) if words[0] == "build" else ([], words)
    assert invoke(*command, manifest, *options, "--out", out) == (0, expected, "")


def test_several_manifests_are_built(write_manifest: WriteManifest, tmp_path: Path) -> None:
    one, two = write_manifest("one.yaml", name="one"), write_manifest("two.yaml", name="two")
    status, out, _ = invoke("--variant", "cpu", "--no-smoke", "--out", tmp_path / "o", one, two)
    assert status == 0
    assert [Path(line).parts[-3] for line in out.splitlines()] == ["one", "two"]


def test_nothing_is_built_where_one_of_several_manifests_is_wrong(
    write_manifest: WriteManifest, tmp_path: Path
) -> None:
    good, bad = write_manifest("good.yaml"), write_manifest("bad.yaml", threshold=2)
    worse = write_manifest("worse.yaml", type="other")
    status, out, err = invoke("--no-smoke", "--out", tmp_path / "o", good, bad, worse)
    assert (status, out) == (1, "")
    assert str(bad) in err
    assert str(worse) in err
    assert not (tmp_path / "o").exists()


def test_two_manifests_of_one_name_are_found_by_check_and_not_built(
    write_manifest: WriteManifest, tmp_path: Path
) -> None:
    one, two = write_manifest("one.yaml"), write_manifest("two.yaml")
    for command, expected in (("build", 2), ("check", 1)):
        status, out, err = invoke(command, one, two)
        assert (status, out) == (expected, "")
        assert "boxes" in err
        assert "[function-twice]" in err
    assert not (tmp_path / "build").exists()


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


def test_diff_is_silent_after_a_build_and_1_after_a_change(
    write_manifest: WriteManifest, tmp_path: Path
) -> None:
    manifest, out = write_manifest(), tmp_path / "out"
    assert invoke("--no-smoke", "--out", out, manifest)[0] == 0
    assert invoke("diff", "--out", out, manifest) == (0, "", "")
    write_manifest(threshold=0.5)
    status, text, err = invoke("diff", "--out", out, manifest)
    assert (status, err) == (1, "")
    assert "\n-    threshold=0.25,\n+    threshold=0.5,\n" in text


def test_a_hand_edit_is_refused_and_forced(write_manifest: WriteManifest, tmp_path: Path) -> None:
    manifest, out = write_manifest(), tmp_path / "out"
    invoke("--no-smoke", "--out", out, manifest)
    (out / "boxes/nuclio/main.py").write_text("mine")
    status, _, err = invoke("--no-smoke", "--out", out, manifest)
    assert status == 1
    assert "nuclio/main.py" in err
    assert "--force" in err
    assert invoke("--no-smoke", "--force", "--out", out, manifest)[0] == 0
    assert (out / "boxes/nuclio/main.py").read_text() != "mine"


@pytest.mark.parametrize("command", [[], ["build"], ["check"], ["diff"]])
@pytest.mark.parametrize(
    "name",
    ["absent.yaml", "folder", "absent/x.yaml", "x" * 300 + ".yaml", "", "\x00"],
    ids=lambda name: repr(name[:14]),
)
def test_a_path_that_is_no_manifest_is_a_mistake_of_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    status, out, err = invoke(*command, name)
    assert (status, out) == (2, "")
    assert err.startswith(("error: ", "Usage: "))


@pytest.mark.parametrize(
    ("word", "meant"), [("chek", "check"), ("biuld", "build"), ("predct", "predict")]
)
def test_a_mistyped_command_names_the_one_that_was_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str, meant: str
) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = invoke(word, "m.yaml")
    assert (status, out) == (2, "")
    assert f"did you mean '{meant}'?" in err


def test_a_mistyped_manifest_names_the_one_beside_it(write_manifest: WriteManifest) -> None:
    manifest = write_manifest()
    status, _, err = invoke(manifest.with_name("boxs.yaml"))
    assert status == 2
    assert "did you mean 'boxes.yaml'?" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--nonsense", "m.yaml"],
        ["build"],
        ["build", "--variant", "tpu", "m.yaml"],
        ["build", "--out"],
        ["check"],
        ["predict"],
        ["predict", "build/boxes"],
        ["predict", "build/boxes", "x.png", "--threshold", "-1"],
        ["predict", "build/boxes", "x.png", "--threshold", "high"],
    ],
)
def test_a_wrong_command_line_is_status_2(arguments: list[str]) -> None:
    status, out, err = invoke(*arguments)
    assert (status, out) == (2, "")
    assert err


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
def test_a_file_that_is_no_manifest_is_status_1(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.yaml").write_bytes(content)
    status, out, err = invoke("check", tmp_path / "m.yaml")
    assert (status, out) == (1, "")
    assert err.startswith("error: ")


def test_a_title_with_a_null_character_is_status_1(write_manifest: WriteManifest) -> None:
    status, out, err = invoke("check", write_manifest(title="a\x00b"))
    assert (status, out) == (1, "")
    assert "title" in err


def test_an_out_folder_that_cannot_be_is_status_1(
    write_manifest: WriteManifest, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    for out in (tmp_path / "file", tmp_path / ("x" * 300)):
        status, text, err = invoke("--no-smoke", "--out", out, write_manifest())
        assert (status, text) == (1, "")
        assert err.startswith("error: ")


def test_no_traceback_reaches_a_terminal(run: Run, write_manifest: WriteManifest) -> None:
    write_manifest(model="absent.onnx")
    done = run("boxes.yaml")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: boxes.yaml:3:1: model: ")
    assert "Traceback" not in done.stderr


def test_predict_prints_tables_or_json(built_once: Path, tmp_path: Path) -> None:
    image = tmp_path / "photo.png"
    image.write_bytes(png())
    status, out, err = invoke("predict", built_once, image)
    assert (status, err) == (0, "")
    assert out.startswith(f"{image}: 2 items, ")
    status, out, err = invoke("predict", built_once, image, image, "--json", "--threshold", "0.8")
    assert (status, err) == (0, "")
    lines = [json.loads(line) for line in out.splitlines()]
    assert [list(line) for line in lines] == [["image", "status", "reply"]] * 2
    assert [item["label"] for item in lines[0]["reply"]] == ["cat"]


def test_predict_saves_pictures_and_says_so_on_stderr(built_once: Path, tmp_path: Path) -> None:
    image = tmp_path / "photo.png"
    image.write_bytes(png())
    saved = tmp_path / "out" / "photo.png"
    status, out, err = invoke("predict", built_once, image, "--json", "--save", tmp_path / "out")
    assert status == 0
    assert len(out.splitlines()) == 1
    assert str(saved) in err
    assert saved.is_file()


def test_predict_is_status_1_where_an_image_is_refused_and_goes_on(
    built_once: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.png").write_text("text")
    (tmp_path / "good.png").write_bytes(png())
    status, out, _ = invoke(
        "predict", built_once, tmp_path / "bad.png", tmp_path / "good.png", "--json"
    )
    assert status == 1
    assert [json.loads(line)["status"] for line in out.splitlines()] == [400, 200]


def test_predict_without_an_image_or_a_function(built_once: Path, tmp_path: Path) -> None:
    status, out, err = invoke("predict", built_once, tmp_path / "absent.png")
    assert (status, out) == (2, "")
    assert "absent.png" in err
    status, out, err = invoke("predict", tmp_path / "absent", tmp_path / "absent.png")
    assert (status, out) == (1, "")
    assert err.startswith("error: ")


def test_predict_takes_the_variant_that_there_is(
    write_manifest: WriteManifest, tmp_path: Path
) -> None:
    # The fallback lets it run on machines without a GPU too.
    manifest = write_manifest(variants={"cpu": False, "gpu": {"allow_cpu_fallback": True}})
    assert invoke("--no-smoke", "--out", tmp_path / "out", manifest)[0] == 0
    (tmp_path / "x.png").write_bytes(png())
    status, out, _ = invoke("predict", tmp_path / "out" / "boxes", tmp_path / "x.png")
    assert status == 0
    assert ": 2 items, " in out


def test_results_can_be_piped_into_a_program_that_stops_reading(
    write_manifest: WriteManifest, tmp_path: Path
) -> None:
    manifest = write_manifest()
    done = subprocess.run(
        f'"{sys.executable}" -m builder diff "{manifest}" | true',
        shell=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        cwd=tmp_path,
        check=False,
    )
    assert "Traceback" not in done.stderr


def unseen(folder: Path, file: str = "boxes.yaml", **changes: Any) -> Path:
    """A manifest whose model is nowhere to be found."""
    keys: dict[str, Any] = {"model": "absent.onnx", "labels": ["cat", "dog"], **changes}
    return write_manifest_to(folder, file, **keys)


def test_check_without_the_model_says_so_and_writes_nothing(tmp_path: Path) -> None:
    manifest = unseen(tmp_path)
    text = manifest.read_bytes()
    expected = f"{manifest}: ok: boxes, as far as can be known without the model\n"
    assert invoke("check", "--no-model", manifest) == (0, expected, "")
    assert list(tmp_path.rglob("*")) == [manifest]
    assert manifest.read_bytes() == text
    # The model is what the other check stumbles over.
    assert invoke("check", manifest)[0] == 1
    assert invoke("check", "--model", manifest)[0] == 1


def test_check_without_the_model_fetches_nothing(
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
        ({"labels": ["cat", "cat"]}, ["labels[1]: the label 'cat' is there twice"]),
        (
            {"labels": ["cat", {"name": "dog", "type": "mask"}]},
            ["labels[1].type: ", "rectangle or any"],
        ),
        ({"postprocess": ["yolo", "rectangle", "nms"]}, ["postprocess: a shape comes before"]),
    ],
)
def test_check_without_the_model_reports_what_it_can_know(
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
    named = [line.split(": ")[2].split(",")[0] for line in out.splitlines()]
    assert named == ["good", "boxes"]


@pytest.mark.parametrize("name", ["absent.yaml", "folder"])
def test_check_without_the_model_wants_a_manifest_all_the_same(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    status, out, err = invoke("check", "--no-model", tmp_path / name)
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
