import os
from pathlib import Path

import pytest

from builder.diagnostics.errors import CommandLineError
from builder.run.predict.files import read_bytes, require
from tests.builder.conftest import failure


def test_the_content_of_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    require(tmp_path / "a")
    assert read_bytes(tmp_path / "a") == b"x"


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("absent", "there is no such file"),
        (".", "is a directory"),
        ("pipe", "is a device or a pipe, not a file"),
    ],
)
def test_an_unreadable_file_is_a_command_line_error(tmp_path: Path, name: str, what: str) -> None:
    # Opening a pipe without a writer blocks.
    os.mkfifo(tmp_path / "pipe")
    error = failure(lambda: read_bytes(tmp_path / name))
    assert isinstance(error, CommandLineError)
    assert [problem.what for problem in error.problems] == [what]


def test_the_message_for_a_folder_names_an_image_in_it(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "b.png").write_bytes(b"x")
    (problem,) = failure(lambda: require(tmp_path)).problems
    assert (problem.allowed, problem.hint) == (
        "files, not directories",
        f"pass the files in it, such as {tmp_path / 'b.png'}",
    )
