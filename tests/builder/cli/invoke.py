"""Run the command line in this process."""

from pathlib import Path

from typer.testing import CliRunner

from builder.cli.app import app


def invoke(*arguments: str | Path) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of the command, run in this process."""
    done = CliRunner().invoke(app, [str(word) for word in arguments])
    # Anything but a deliberate exit would be a traceback on a terminal.
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr
