import time
from pathlib import Path

import pytest

from builder.doctor.outside import Absent, Answer, NoAnswer, ask
from tests.builder.doctor.conftest import HANGS, Program, says


def test_an_answer_is_what_was_written_and_the_status(program: Program) -> None:
    program("tool", says("out\n", "err\n", 3))
    assert ask("tool") == Answer(3, "out\n", "err\n")


def test_arguments_reach_a_program_as_they_are(program: Program) -> None:
    program("tool", "print(sys.argv[1:])")
    words = ["a b", "$HOME", "; exit 1", "*", '"']
    assert ask("tool", *words).out == f"{words}\n"


def test_variables_and_the_folder_are_set(program: Program, tmp_path: Path) -> None:
    program("tool", "import os; print(os.environ['SAID'], os.getcwd(), 'PATH' in os.environ)")
    assert ask("tool", cwd=tmp_path, env={"SAID": "yes"}).out == f"yes {tmp_path} True\n"


def test_a_program_that_hangs_is_stopped(program: Program) -> None:
    program("tool", HANGS)
    begin = time.monotonic()
    with pytest.raises(NoAnswer, match=r"^tool does not answer within 0\.2 s$"):
        ask("tool", seconds=0.2)
    assert time.monotonic() - begin < 20


def test_a_program_that_waits_for_input_gets_none(program: Program) -> None:
    program("tool", "print(repr(sys.stdin.read()))")
    assert ask("tool").out == "''\n"


def test_what_is_not_on_the_path_is_absent(program: Program) -> None:
    with pytest.raises(Absent, match=r"^tool is not on the PATH$"):
        ask("tool")


def test_a_file_that_may_not_be_run_is_absent(program: Program) -> None:
    program("tool", says("out")).chmod(0o644)
    with pytest.raises(Absent):
        ask("tool")


@pytest.mark.parametrize("content", [b"\x7fELF of another machine", b"#!/nowhere/at/all\n"])
def test_a_program_that_cannot_be_run_is_no_answer(program: Program, content: bytes) -> None:
    program("tool").write_bytes(content)
    with pytest.raises(NoAnswer, match=r"^tool cannot be run: \w"):
        ask("tool")


def test_bytes_that_are_no_text_are_replaced(program: Program) -> None:
    program("tool", r"sys.stdout.buffer.write(b'a\xff\n')")
    assert ask("tool").out == "a\ufffd\n"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(1, "out\n", "\n  first\nsecond\n"), "first"),
        (Answer(1, "\nout\n", ""), "out"),
        (Answer(1, "", "WARNING: no configuration\nno daemon\n"), "no daemon"),
        (Answer(1, "", "warning: alone\n"), "warning: alone"),
        (Answer(-9, " \n", ""), "exit status -9"),
    ],
)
def test_a_complaint_is_the_first_line_that_says_something(answer: Answer, expected: str) -> None:
    assert answer.complaint == expected
