import io
import time
from collections.abc import Callable

import pytest

from builder.cli.terminal import (
    Color,
    Counter,
    Progress,
    duration,
    is_terminal,
    paint,
    paint_diff,
    width,
)

DIFF = (
    "--- a/function.yaml\n"
    "+++ b/function.yaml\n"
    "@@ -1,2 +1,2 @@\n"
    " kept: 1\n"
    "-gone: 2\n"
    "+come: 3\n"
    "\\ No newline at end of file"
)


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        """True."""
        return True


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the tests independent of the environment."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")


def shown(stream: io.StringIO) -> str:
    """The last line on a terminal; `\\r\\x1b[K` clears it."""
    return stream.getvalue().split("\r\x1b[K")[-1]


def wait_for(condition: Callable[[], bool]) -> bool:
    """Return whether a condition becomes true within ten seconds."""
    until = time.monotonic() + 10
    while not condition() and time.monotonic() < until:
        time.sleep(0.005)
    return condition()


@pytest.mark.parametrize(
    ("color", "expected"),
    [
        ("red", "\x1b[31;1mtext\x1b[0m"),
        ("green", "\x1b[32mtext\x1b[0m"),
        ("yellow", "\x1b[33;1mtext\x1b[0m"),
        ("cyan", "\x1b[36mtext\x1b[0m"),
        ("bold", "\x1b[1mtext\x1b[0m"),
    ],
)
def test_a_terminal_shows_colors(color: Color, expected: str) -> None:
    assert paint("text", color, Terminal()) == expected


def test_a_file_has_no_colors_and_no_width() -> None:
    stream = io.StringIO()
    assert not is_terminal(stream)
    assert paint("text", "red", stream) == "text"
    assert paint_diff(DIFF, stream) == DIFF
    assert width(stream) is None


def test_a_dumb_terminal_has_no_colors_and_no_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert paint("text", "red", Terminal()) == "text"
    assert width(Terminal()) is None


def test_no_color_disables_colors_but_keeps_the_width(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert paint("text", "red", Terminal()) == "text"
    assert paint_diff(DIFF, Terminal()) == DIFF
    assert width(Terminal()) == 100


def test_an_empty_no_color_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    # no-color.org: "when present and not an empty string".
    monkeypatch.setenv("NO_COLOR", "")
    assert paint("text", "green", Terminal()) == "\x1b[32mtext\x1b[0m"


@pytest.mark.parametrize(("columns", "expected"), [("120", 120), ("40", 40), ("5", 40)])
def test_the_width_is_at_least_forty(
    monkeypatch: pytest.MonkeyPatch, columns: str, expected: int
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert width(Terminal()) == expected


def test_a_diff_is_painted_line_by_line() -> None:
    assert paint_diff(DIFF, Terminal()) == (
        "\x1b[1m--- a/function.yaml\x1b[0m\n"
        "\x1b[1m+++ b/function.yaml\x1b[0m\n"
        "\x1b[36m@@ -1,2 +1,2 @@\x1b[0m\n"
        " kept: 1\n"
        "\x1b[31;1m-gone: 2\x1b[0m\n"
        "\x1b[32m+come: 3\x1b[0m\n"
        "\\ No newline at end of file"
    )


def test_content_that_looks_like_a_file_header_is_painted_as_content() -> None:
    # What a diff of YAML lists, of horizontal rules and of diffs is made of.
    lines = {
        "--- old": "1",
        "+++ new": "1",
        "@@ -1,5 +1,4 @@": "36",
        "-- item": "31;1",
        "--- rule": "31;1",
        "-@@ -1 +1 @@": "31;1",
        " --- kept": "",
        "++ item": "32",
        "+++ counter": "32",
        "+": "32",
        " ": "",
        "--- other": "1",
        "+++ /dev/null": "1",
        "@@ -1 +0,0 @@": "36",
        "--- last": "31;1",
    }
    expected = [f"\x1b[{code}m{line}\x1b[0m" if code else line for line, code in lines.items()]
    assert paint_diff("\n".join(lines), Terminal()) == "\n".join(expected)


def test_only_newlines_separate_lines() -> None:
    diff = "--- a\n+++ b\n@@ -0,0 +1,2 @@\n+one\u2028two\n+three\n"
    assert paint_diff(diff, Terminal()).count("\x1b[32m") == 2


def test_an_empty_diff_stays_empty() -> None:
    assert paint_diff("", Terminal()) == ""


def test_progress_is_hidden_without_a_terminal() -> None:
    stream = io.StringIO()
    progress = Progress(stream, delay=0)
    with progress.step("reading a.yaml"):
        time.sleep(0.05)
        progress.bytes(2**20, None)
    assert stream.getvalue() == ""


def test_progress_is_hidden_for_a_short_step() -> None:
    stream = Terminal()
    progress = Progress(stream, delay=60)
    with progress.step("reading a.yaml"):
        progress.bytes(2**20, 2**21)
    assert stream.getvalue() == ""


def test_progress_shows_after_the_delay_and_is_cleared() -> None:
    stream = Terminal()
    progress = Progress(stream, delay=0.2)
    with progress.step("reading a.yaml"):
        assert stream.getvalue() == ""
        assert wait_for(lambda: shown(stream) == "reading a.yaml ...")
    assert shown(stream) == ""
    assert "\n" not in stream.getvalue()


def test_progress_shows_the_bytes_of_a_download() -> None:
    stream = Terminal()
    progress = Progress(stream, delay=0.001)
    with progress.step("fetching m.onnx"):
        assert wait_for(lambda: shown(stream) != "")
        progress.bytes(3 * 2**20, 12 * 2**20)
        assert shown(stream) == "fetching m.onnx: 3 of 12 MiB"
        progress.bytes(4 * 2**20, None)
        assert shown(stream) == "fetching m.onnx: 4 MiB"
    assert shown(stream) == ""
    progress.bytes(5 * 2**20, None)
    assert shown(stream) == ""


def test_progress_is_cleared_if_the_step_fails() -> None:
    stream = Terminal()
    progress = Progress(stream, delay=0.001)

    def fail_late() -> None:
        with progress.step("reading a.yaml"):
            assert wait_for(lambda: shown(stream) != "")
            raise KeyError

    with pytest.raises(KeyError):
        fail_late()
    assert shown(stream) == ""


def test_each_step_has_its_own_delay() -> None:
    stream = Terminal()
    progress = Progress(stream, delay=0.001)
    with progress.step("one"):
        assert wait_for(lambda: shown(stream) == "one ...")
    with progress.step("two"):
        assert wait_for(lambda: shown(stream) == "two ...")
    assert shown(stream) == ""


def test_progress_fits_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    stream = Terminal()
    with Progress(stream, delay=0.001).step("x" * 200):
        assert wait_for(lambda: shown(stream) != "")
        assert shown(stream) == "x" * 49


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_counter_replaces_its_line_on_a_terminal() -> None:
    stream, clock = Terminal(), Clock()
    counter = Counter(stream, "boxes", clock)
    counter.show(1, 1000)
    assert stream.getvalue() == ""
    for second in (1, 2):
        clock.now = second
        counter.show(50 * second, 1000)
    assert shown(stream) == "boxes: 100 of 1000 images (10%), 50.0 images/s, 0:18 left"
    counter.close()
    assert shown(stream) == ""


def test_a_counter_measures_the_speed_of_the_last_half_minute() -> None:
    stream, clock = Terminal(), Clock()
    counter = Counter(stream, "boxes", clock)
    for second in range(100):
        clock.now = second
        counter.show((90 if second < 50 else 10) * second, 20_000)
    assert "990 of 20000 images (5%), 10.0 images/s, 31:41 left" in shown(stream)


def test_stored_images_do_not_count_for_the_speed() -> None:
    stream, clock = Terminal(), Clock()
    counter = Counter(stream, "boxes", clock)
    for second in range(1, 11):
        clock.now = second
        counter.show(1000 * second, 20_000, 1000 * second)
    assert shown(stream) == "boxes: 10000 of 20000 images (50%), 10000 stored"
    for second in range(1, 4):
        clock.now = 10 + second
        counter.show(10_000 + 10 * second, 20_000, 10_000)
    assert shown(stream) == (
        "boxes: 10030 of 20000 images (50%), 10000 stored, 10.0 images/s, 16:37 left"
    )


def test_a_counter_writes_a_line_now_and_then_without_a_terminal() -> None:
    stream, clock = io.StringIO(), Clock()
    counter = Counter(stream, clock=clock)
    for second in range(25):
        clock.now = second
        counter.show(second, 36_000)
    counter.close()
    assert stream.getvalue().splitlines() == [
        "10 of 36000 images (0%), 1.0 images/s, 9:59:50 left",
        "20 of 36000 images (0%), 1.0 images/s, 9:59:40 left",
    ]


def test_a_counter_says_where_a_run_was_stopped() -> None:
    stream, clock = io.StringIO(), Clock()
    counter = Counter(stream, clock=clock)
    counter.stopped()
    counter.show(3, 8)
    counter.stopped()
    assert stream.getvalue().splitlines() == [
        "stopped at the beginning; the same command continues",
        "stopped after 3 of 8 images; the same command continues",
    ]


def test_a_counter_names_what_it_counts() -> None:
    stream, clock = io.StringIO(), Clock()
    counter = Counter(stream, clock=clock, noun="samples")
    clock.now = 10
    counter.show(20, 40)
    assert stream.getvalue() == "20 of 40 samples (50%), 2.0 samples/s, 0:10 left\n"


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, "0:00"), (59.4, "0:59"), (60, "1:00"), (3723, "1:02:03")]
)
def test_a_duration_has_hours_only_if_it_takes_hours(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected
