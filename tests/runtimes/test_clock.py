from collections.abc import Iterator

import pytest

from runtimes import clock
from runtimes.clock import Clock


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The next readings of the clock, in order."""
    readings: list[float] = []

    def times() -> Iterator[float]:
        while True:
            yield readings.pop(0)

    source = times()
    monkeypatch.setattr(clock, "perf_counter", lambda: next(source))
    return readings


def test_stages_are_milliseconds_in_the_order_of_first_use(seconds: list[float]) -> None:
    seconds += [100.0, 100.0, 100.25, 101.0, 101.5, 102.0, 102.125]
    it = Clock()
    for name in ("decode", "inference", "decode"):
        with it.stage(name):
            pass
    assert list(it.stages.items()) == [("decode", 375.0), ("inference", 500.0)]


def test_text_lists_the_stages_and_the_total(seconds: list[float]) -> None:
    seconds += [10.0, 10.0, 10.0125, 10.0125, 10.5125, 11.0]
    it = Clock()
    with it.stage("decode"):
        pass
    with it.stage("inference"):
        pass
    assert str(it) == "decode 12.5, inference 500.0, total 1000.0 ms"


def test_text_without_stages_is_the_total(seconds: list[float]) -> None:
    seconds += [1.0, 1.5]
    assert str(Clock()) == "total 500.0 ms"


def test_a_failing_stage_is_counted_and_its_error_is_raised(seconds: list[float]) -> None:
    seconds += [0.0, 1.0, 3.0]
    it = Clock()
    with pytest.raises(KeyError, match="gone"), it.stage("decode"):
        raise KeyError("gone")
    assert it.stages == {"decode": 2000.0}


def test_notes_come_first(seconds: list[float]) -> None:
    seconds += [1.0, 1.5]
    it = Clock()
    it.note("embedding: hit")
    it.note("text_prompts: ignored")
    assert str(it) == "embedding: hit; text_prompts: ignored; total 500.0 ms"


def test_an_inner_stage_does_not_count_for_the_outer_one(seconds: list[float]) -> None:
    # outer: 1 s, inner: 2 s, outer: 4 s, inner: 8 s, outer: 16 s
    seconds += [0.0, 0.0, 1.0, 3.0, 7.0, 15.0, 31.0]
    it = Clock()
    with it.stage("outer"):
        for _ in range(2):
            with it.stage("inner"):
                pass
    assert it.stages == {"inner": 10_000.0, "outer": 21_000.0}


def test_stages_after_a_nested_one_count_in_full(seconds: list[float]) -> None:
    seconds += [0.0, 0.0, 1.0, 3.0, 4.0, 4.0, 9.0]
    it = Clock()
    with it.stage("first"), it.stage("inner"):
        pass
    with it.stage("second"):
        pass
    assert it.stages == {"inner": 2000.0, "first": 2000.0, "second": 5000.0}
