import time
from pathlib import Path

import pytest

from builder.doctor.programs import Output, ProgramError, ProgramNotFound, run_program
from tests.builder.doctor.conftest import HANGS, Program, says


def test_the_output_has_both_streams_and_the_status(program: Program) -> None:
    program("tool", says("out\n", "err\n", 3))
    assert run_program("tool") == Output(3, "out\n", "err\n")


def test_arguments_are_passed_unchanged(program: Program) -> None:
    program("tool", "print(sys.argv[1:])")
    words = ["a b", "$HOME", "; exit 1", "*", '"']
    assert run_program("tool", *words).out == f"{words}\n"


def test_variables_and_the_folder_are_set(program: Program, tmp_path: Path) -> None:
    program("tool", "import os; print(os.environ['SAID'], os.getcwd(), 'PATH' in os.environ)")
    assert run_program("tool", cwd=tmp_path, env={"SAID": "yes"}).out == f"yes {tmp_path} True\n"


def test_a_program_that_hangs_is_stopped(program: Program) -> None:
    program("tool", HANGS)
    begin = time.monotonic()
    with pytest.raises(ProgramError, match=r"^tool does not respond within 0\.2 s$"):
        run_program("tool", seconds=0.2)
    assert time.monotonic() - begin < 20


def test_a_program_that_waits_for_input_gets_none(program: Program) -> None:
    program("tool", "print(repr(sys.stdin.read()))")
    assert run_program("tool").out == "''\n"


def test_a_program_that_is_not_on_the_path_is_not_found(program: Program) -> None:
    with pytest.raises(ProgramNotFound, match=r"^tool is not on the PATH$"):
        run_program("tool")


def test_a_file_that_is_not_executable_is_not_found(program: Program) -> None:
    program("tool", says("out")).chmod(0o644)
    with pytest.raises(ProgramNotFound):
        run_program("tool")


@pytest.mark.parametrize("content", [b"\x7fELF of another machine", b"#!/nowhere/at/all\n"])
def test_a_program_that_cannot_be_run_is_an_error(program: Program, content: bytes) -> None:
    program("tool").write_bytes(content)
    with pytest.raises(ProgramError, match=r"^tool cannot be run: \w"):
        run_program("tool")


def test_invalid_utf8_is_replaced(program: Program) -> None:
    program("tool", r"sys.stdout.buffer.write(b'a\xff\n')")
    assert run_program("tool").out == "a\ufffd\n"


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (Output(1, "out\n", "\n  first\nsecond\n"), "first"),
        (Output(1, "\nout\n", ""), "out"),
        (Output(1, "", "WARNING: no configuration\nno daemon\n"), "no daemon"),
        (Output(1, "", "warning: alone\n"), "warning: alone"),
        (Output(-9, " \n", ""), "exit status -9"),
    ],
)
def test_the_error_line_is_the_first_line_that_is_no_warning(output: Output, expected: str) -> None:
    assert output.error_line == expected
