import os

import pytest

from runtimes.quiet import no_stderr


def test_only_output_inside_the_block_is_discarded(capfd: pytest.CaptureFixture[str]) -> None:
    os.write(2, b"before ")
    with no_stderr():
        os.write(2, b"a library's warning")
    os.write(2, b"after")
    assert capfd.readouterr().err == "before after"


def test_stderr_returns_after_an_exception(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyError), no_stderr():
        raise KeyError("x")
    os.write(2, b"after")
    assert capfd.readouterr().err == "after"
