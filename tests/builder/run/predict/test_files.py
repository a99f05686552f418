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
        ("empty", "is empty"),
        ("pipe", "is a device or a pipe, not a file"),
    ],
)
def test_an_unreadable_file_is_a_command_line_error(tmp_path: Path, name: str, what: str) -> None:
    (tmp_path / "empty").write_bytes(b"")
    # Opening a pipe without a writer blocks.
    os.mkfifo(tmp_path / "pipe")
    error = failure(lambda: read_bytes(tmp_path / name))
    assert isinstance(error, CommandLineError)
    assert [problem.what for problem in error.problems] == [what]
