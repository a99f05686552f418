import sys
from pathlib import Path

import pytest

from builder.deploy.commands import Command, Runner
from builder.diagnostics.errors import DeployError
from tests.builder.conftest import failure

PYTHON = Path(sys.executable).name


@pytest.fixture
def shown() -> list[str]:
    """The lines that the runner shows."""
    return []


@pytest.fixture
def runner(shown: list[str], monkeypatch: pytest.MonkeyPatch) -> Runner:
    """A runner; PATH has the Python that runs the tests."""
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    return Runner(shown.append)


def python(program: str) -> Command:
    """A command that runs a program in Python."""
    return Command((PYTHON, "-ISc", program))


def test_a_command_is_spelled_as_for_a_shell() -> None:
    assert str(Command(("nuctl", "deploy", "--env", "A=b c"))) == "nuctl deploy --env 'A=b c'"


def test_output_is_shown_below_the_command(runner: Runner, shown: list[str]) -> None:
    command = python("import sys; print('one'); sys.stderr.write('two\\n'); sys.exit(3)")
    result = runner.run(command)
    assert result.status == 3
    assert sorted(result.output.splitlines()) == ["one", "two"]
    assert shown[0] == f"$ {command}"
    assert sorted(shown[1:]) == ["  one", "  two"]


def test_control_characters_do_not_reach_the_terminal(runner: Runner, shown: list[str]) -> None:
    runner.run(python(r"print('a\x1b[31mb\ac\x1b[0md\x1b]0;e')"))
    assert shown[1:] == ["  abcd]0;e"]


def test_a_silent_command_shows_itself_alone(runner: Runner, shown: list[str]) -> None:
    result = runner.read(python("import sys; print('one'); sys.stderr.write('two')"))
    assert (result.status, result.output) == (0, "one\n")
    assert len(shown) == 1


def test_words_are_not_interpreted(runner: Runner) -> None:
    words = ("$HOME", "a b", "; exit 1", "*")
    program = "import sys; print(*sys.argv[1:], sep='|')"
    result = runner.read(Command((*python(program).words, *words)))
    assert result.output == "|".join(words) + "\n"


def test_a_program_that_does_not_exist(runner: Runner) -> None:
    for action in (runner.run, runner.read):
        error = failure(lambda action=action: action(Command(("no-such-program",))))  # type: ignore[misc]
        assert isinstance(error, DeployError)
        assert error.problems[0].what == "no-such-program is not on the PATH"


def test_a_background_command_ends_with_the_block(runner: Runner, tmp_path: Path) -> None:
    mark = tmp_path / "ended"
    program = (
        "import signal, sys, time\n"
        f"def end(*_): open({str(mark)!r}, 'w').close(); sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    with runner.background(python(program)) as lines:
        assert next(lines) == "ready"
        assert not mark.exists()
    assert mark.exists()


def test_ctrl_c_ends_the_command(runner: Runner) -> None:
    def interrupt(line: str) -> None:
        if line == "  ready":
            raise KeyboardInterrupt

    # The program would sleep for ten minutes.
    with pytest.raises(KeyboardInterrupt):
        Runner(interrupt).run(python("import time; print('ready', flush=True); time.sleep(600)"))
