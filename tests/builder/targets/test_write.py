import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from builder.diagnostics.errors import OutputError
from builder.targets import write as writing
from builder.targets.target import Tree
from builder.targets.write import Existing, staged
from tests.builder.conftest import failure


def locked(files: dict[str, bytes]) -> Tree:
    """A tree with the lock that belongs to it."""
    digests = {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}
    return {**files, "build.lock": yaml.safe_dump({"files": digests}).encode()}


OLD = locked({"README.md": b"old", "nuclio/main.py": b"old main", "nuclio/gone.py": b"gone"})
NEW = locked({"README.md": b"new", "nuclio/main.py": b"new main", "nuclio/runtimes/a.py": b"a"})


def write(tree: Tree, folder: Path, force: bool = False) -> None:
    with staged(tree, folder, force):
        pass


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def refusal(tree: Tree, folder: Path, force: bool = False) -> OutputError:
    error = failure(lambda: write(tree, folder, force))
    assert isinstance(error, OutputError)
    return error


@pytest.fixture
def old(tmp_path: Path) -> Path:
    folder = tmp_path / "out" / "boxes"
    write(OLD, folder)
    return folder


def test_a_new_directory_holds_the_tree_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "out" / "boxes"
    write(NEW, folder)
    assert contents(folder) == NEW
    assert os.listdir(folder.parent) == ["boxes"]


def test_a_directory_can_be_entered_by_others(old: Path) -> None:
    assert old.stat().st_mode & 0o777 == 0o755


def test_a_directory_is_replaced_as_a_whole(old: Path) -> None:
    write(NEW, old)
    assert contents(old) == NEW
    assert os.listdir(old.parent) == ["boxes"]


def test_the_stage_is_complete_and_the_old_directory_untouched_within_the_block(
    old: Path,
) -> None:
    with staged(NEW, old, False) as stage:
        assert stage.parent == old.parent
        assert contents(stage) == NEW
        assert contents(old) == OLD


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit, OSError])
@pytest.mark.parametrize("exists", [True, False])
def test_what_is_raised_in_the_block_leaves_everything_as_it_was(
    tmp_path: Path, error: type[BaseException], exists: bool
) -> None:
    folder = tmp_path / "out" / "boxes"
    if exists:
        write(OLD, folder)
    with pytest.raises(error), staged(NEW, folder, False):
        raise error
    assert os.listdir(folder.parent) == (["boxes"] if exists else [])
    if exists:
        assert contents(folder) == OLD


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("stage", ["_write", "_copy", "_replace", "_exchange"])
def test_what_is_raised_at_any_stage_leaves_everything_as_it_was(
    old: Path, monkeypatch: pytest.MonkeyPatch, stage: str, error: BaseException
) -> None:
    (old / "notes.txt").write_text("mine")
    before = contents(old)

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(writing, stage, fail)
    expected = KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else OutputError
    with pytest.raises(expected), staged(NEW, old, False):
        pass
    assert contents(old) == before
    assert os.listdir(old.parent) == ["boxes"]


def test_where_two_directories_cannot_be_exchanged_two_renames_do(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_exchange", lambda one, other: False)
    write(NEW, old)
    assert contents(old) == NEW
    assert os.listdir(old.parent) == ["boxes"]


@pytest.mark.parametrize("error", [OSError(13, "denied"), KeyboardInterrupt()])
@pytest.mark.parametrize("failing", [1, 2])
def test_a_rename_that_fails_brings_the_old_directory_back(
    old: Path, monkeypatch: pytest.MonkeyPatch, failing: int, error: BaseException
) -> None:
    real, calls = os.rename, 0

    def rename(source: Path, target: Path) -> None:
        nonlocal calls
        calls += 1
        if calls == failing:
            raise error
        real(source, target)

    monkeypatch.setattr(writing, "_exchange", lambda one, other: False)
    monkeypatch.setattr(os, "rename", rename)
    expected = KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else OutputError
    with pytest.raises(expected), staged(NEW, old, False):
        pass
    assert contents(old) == OLD
    assert os.listdir(old.parent) == ["boxes"]


@pytest.mark.parametrize("path", ["README.md", "nuclio/main.py", "nuclio/gone.py"])
def test_a_file_that_was_edited_by_hand_is_not_lost(old: Path, path: str) -> None:
    (old / path).write_bytes(b"edited")
    before = contents(old)
    error = refusal(NEW, old)
    assert path in error.problems[0].found
    assert "--force" in error.problems[0].hint
    assert contents(old) == before
    write(NEW, old, force=True)
    assert contents(old) == NEW


def test_a_file_that_was_replaced_by_a_link_counts_as_edited(old: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"old")
    (old / "README.md").unlink()
    (old / "README.md").symlink_to(tmp_path / "elsewhere")
    refusal(NEW, old)
    write(NEW, old, force=True)
    assert contents(old) == NEW
    assert (tmp_path / "elsewhere").read_bytes() == b"old"


def test_an_edit_that_the_build_would_make_itself_is_no_edit(old: Path) -> None:
    (old / "README.md").write_bytes(b"new")
    write(NEW, old)
    assert contents(old) == NEW


def test_a_file_that_was_deleted_comes_back(old: Path) -> None:
    (old / "README.md").unlink()
    write(NEW, old)
    assert contents(old) == NEW


def test_byte_code_is_nobodys_edit(old: Path) -> None:
    (old / "nuclio" / "__pycache__").mkdir()
    (old / "nuclio" / "__pycache__" / "main.cpython-311.pyc").write_bytes(b"x")
    write(NEW, old)
    assert contents(old) == NEW


def test_read_only_directories_are_replaced_and_removed(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (old / "link").symlink_to(old.parent)
    mode = old.parent.stat().st_mode
    for folder in (old / "nuclio", old):
        folder.chmod(0o555)

    def remove(path: Path, ignore_errors: bool) -> None:
        """Refuse read-only directories, also for root."""
        if all(it.stat().st_mode & 0o200 for it in (path, *path.glob("*/"))):
            removed(path, ignore_errors=ignore_errors)

    removed = shutil.rmtree
    monkeypatch.setattr("builder.targets.write.shutil.rmtree", remove)
    write(NEW, old)
    assert contents(old)["README.md"] == b"new"
    assert [it.name for it in old.parent.iterdir()] == [old.name]
    assert old.parent.stat().st_mode == mode


@pytest.mark.parametrize("force", [True, False])
def test_files_of_others_are_carried_over(old: Path, force: bool) -> None:
    (old / "notes.txt").write_bytes(b"mine")
    (old / "nuclio" / "mine").mkdir()
    (old / "nuclio" / "mine" / "x.py").write_bytes(b"x")
    (old / "link").symlink_to("notes.txt")
    (old / "dangling").symlink_to("nowhere")
    (old / "notes.txt").chmod(0o640)
    write(NEW, old, force)
    assert contents(old) == {
        **NEW,
        "notes.txt": b"mine",
        "nuclio/mine/x.py": b"x",
        "link": b"mine",
    }
    assert os.readlink(old / "link") == "notes.txt"
    assert os.readlink(old / "dangling") == "nowhere"
    assert (old / "notes.txt").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    "lock",
    [None, b"", b"files: [", b"files: [a]", b"5", b"\xff", b"cvatbuild: 1\n"],
    ids=["absent", "empty", "broken", "list", "number", "binary", "without files"],
)
def test_without_a_lock_every_file_that_differs_may_be_a_persons(
    old: Path, lock: bytes | None
) -> None:
    if lock is None:
        (old / "build.lock").unlink()
    else:
        (old / "build.lock").write_bytes(lock)
    error = refusal(NEW, old)
    assert error.problems[0].found == "README.md, nuclio/main.py"
    write(NEW, old, force=True)
    assert {path: data for path, data in contents(old).items() if path in NEW} == NEW


def test_without_a_lock_files_that_are_the_same_are_taken_over(old: Path) -> None:
    (old / "build.lock").unlink()
    write(OLD, old)
    assert contents(old) == OLD


def test_a_directory_of_somebody_else_keeps_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "boxes"
    folder.mkdir()
    (folder / "thesis.txt").write_bytes(b"mine")
    write(NEW, folder)
    assert contents(folder) == {**NEW, "thesis.txt": b"mine"}


@pytest.mark.parametrize("force", [True, False])
def test_a_file_in_the_way_stays(tmp_path: Path, force: bool) -> None:
    (tmp_path / "boxes").write_text("mine")
    refusal(NEW, tmp_path / "boxes", force)
    assert (tmp_path / "boxes").read_text() == "mine"
    assert os.listdir(tmp_path) == ["boxes"]


@pytest.mark.parametrize("force", [True, False])
@pytest.mark.parametrize("exists", [True, False])
def test_a_link_in_the_way_is_not_followed(tmp_path: Path, force: bool, exists: bool) -> None:
    target = tmp_path / "target"
    if exists:
        target.mkdir()
    (tmp_path / "boxes").symlink_to(target)
    refusal(NEW, tmp_path / "boxes", force)
    assert (tmp_path / "boxes").is_symlink()
    assert sorted(os.listdir(tmp_path)) == (["boxes", "target"] if exists else ["boxes"])
    assert not exists or os.listdir(target) == []


@pytest.mark.parametrize("below", ["boxes", "deep/boxes"])
def test_a_file_where_a_parent_should_be_is_an_error(tmp_path: Path, below: str) -> None:
    (tmp_path / "out").write_text("mine")
    refusal(NEW, tmp_path / "out" / below)
    assert (tmp_path / "out").read_text() == "mine"


def test_a_name_that_no_file_system_takes_is_an_error(tmp_path: Path) -> None:
    refusal(NEW, tmp_path / ("x" * 300) / "boxes")


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_parent_that_cannot_be_written_is_an_error(old: Path) -> None:
    old.parent.chmod(0o555)
    try:
        refusal(NEW, old)
    finally:
        old.parent.chmod(0o755)
    assert contents(old) == OLD


def test_a_folder_of_somebody_else_where_a_file_should_be_loses_nothing(old: Path) -> None:
    (old / "README.md").unlink()
    (old / "README.md").mkdir()
    (old / "README.md" / "mine.txt").write_text("mine")
    before = contents(old)
    refusal(NEW, old)
    assert contents(old) == before


def test_the_model_is_the_users_file_and_stays_one(tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(b"weights")
    folder = tmp_path / "out" / "boxes"
    write({"nuclio/model.onnx": model}, folder)
    write({"nuclio/model.onnx": model}, folder)
    shutil.rmtree(folder)
    assert model.read_bytes() == b"weights"


def test_a_model_behind_a_link_is_written_as_a_file(tmp_path: Path) -> None:
    (tmp_path / "real.onnx").write_bytes(b"weights")
    (tmp_path / "link.onnx").symlink_to("real.onnx")
    write({"nuclio/model.onnx": tmp_path / "link.onnx"}, tmp_path / "boxes")
    # Nuclio follows links of files, but the target would not be in the image's context.
    assert not (tmp_path / "boxes/nuclio/model.onnx").is_symlink()
    assert (tmp_path / "boxes/nuclio/model.onnx").read_bytes() == b"weights"


def test_a_model_that_vanishes_leaves_everything_as_it_was(old: Path, tmp_path: Path) -> None:
    refusal({"nuclio/model.onnx": tmp_path / "gone.onnx"}, old)
    assert contents(old) == OLD
    assert os.listdir(old.parent) == ["boxes"]


def test_what_killed_builds_of_this_function_left_behind_is_removed(old: Path) -> None:
    leftovers = {
        ".boxes.abc.partial": 7200,
        ".boxes.new.partial": 60,
        ".other.abc.partial": 7200,
        ".boxes2.abc.partial": 7200,
        "boxes.partial": 7200,
    }
    for name, age in leftovers.items():
        (old.parent / name).mkdir()
        (old.parent / name / "x").write_text("x")
        then = time.time() - age
        os.utime(old.parent / name, (then, then))
    write(NEW, old)
    kept = {"boxes", ".boxes.new.partial", ".other.abc.partial", ".boxes2.abc.partial"}
    assert set(os.listdir(old.parent)) == {*kept, "boxes.partial"}


def test_what_is_present_is_told_apart(old: Path) -> None:
    (old / "README.md").write_bytes(b"edited")
    (old / "notes.txt").write_bytes(b"mine")
    # What an earlier build measured does not hold for this one.
    (old / "measured.md").write_bytes(b"from a smoke test")
    existing = Existing.look(old)
    assert existing.edited(NEW) == ["README.md"]
    assert existing.foreign(NEW) == ["notes.txt"]
    assert set(existing.locked) == {"README.md", "nuclio/main.py", "nuclio/gone.py"}


def test_nothing_is_present_where_there_is_no_directory(tmp_path: Path) -> None:
    existing = Existing.look(tmp_path / "boxes")
    assert (existing.locked, existing.present) == ({}, ())


LOOP = """
import hashlib, sys, yaml
from pathlib import Path
from builder.targets.write import staged

folder = Path(sys.argv[1])
print("ready", flush=True)
number = 0
while True:
    number += 1
    files = {f"nuclio/{place}.txt": b"%d %d" % (number, place) * 500 for place in range(30)}
    digests = {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}
    lock = yaml.safe_dump({"files": digests}).encode()
    with staged({**files, "build.lock": lock}, folder, False):
        pass
"""


def assert_complete(folder: Path) -> None:
    files = yaml.safe_load((folder / "build.lock").read_bytes())["files"]
    present = contents(folder)
    del present["build.lock"]
    assert {path: hashlib.sha256(data).hexdigest() for path, data in present.items()} == files


@pytest.mark.slow
def test_a_build_that_is_killed_leaves_a_complete_directory(tmp_path: Path) -> None:
    folder = tmp_path / "out" / "boxes"
    seeded = random.Random(7)
    write(OLD, folder)
    replaced = 0
    for _ in range(5):
        before = contents(folder)
        process = subprocess.Popen(
            [sys.executable, "-c", LOOP, str(folder)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        with process:
            process.stdout.readline()
            time.sleep(seeded.uniform(0, 0.15))
            process.send_signal(signal.SIGKILL)
        assert_complete(folder)
        replaced += contents(folder) != before
    # Kills that all came before the first build would prove nothing.
    assert replaced
    for path in folder.parent.glob(".boxes.*"):
        os.utime(path, (0, 0))
    write(NEW, folder)
    assert os.listdir(folder.parent) == ["boxes"]


def test_two_builds_at_once_leave_one_of_them(tmp_path: Path) -> None:
    folder = tmp_path / "out" / "boxes"
    write(OLD, folder)
    with staged(NEW, folder, False):
        write(OLD, folder)
    assert contents(folder) == NEW
    assert os.listdir(folder.parent) == ["boxes"]


def test_an_output_directory_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "is not a directory" in str(refusal(NEW, tmp_path / "file" / "boxes"))
