import ast

import pytest

from builder.run.bench.timings import OTHER, STAGES, Sample, Spread, Timing, table
from builder.run.function import Reply
from tests.paths import ROOT


def reply(milliseconds: float, **stages: float) -> Reply:
    return Reply(200, [], "[]", milliseconds, stages)


def test_the_stages_of_a_sample_add_up_to_the_total() -> None:
    sample = Sample.of(reply(10.0, preprocess=1.5, inference=7.0))
    assert sample.stages == {"preprocess": 1.5, "inference": 7.0, OTHER: 1.5}
    assert sum(sample.stages.values()) == sample.total == 10.0


@pytest.mark.parametrize(
    ("values", "median", "p95"),
    [
        ([4.0], 4.0, 4.0),
        ([1.0, 2.0, 9.0, 4.0], 3.0, 9.0),
        # The nearest rank of 95 % of 20 values is the 19th.
        ([float(it) for it in range(20, 0, -1)], 10.5, 19.0),
        ([float(it) for it in range(1, 101)], 50.5, 95.0),
    ],
)
def test_spread(values: list[float], median: float, p95: float) -> None:
    assert Spread.of(values) == Spread(median, p95)


def test_a_stage_that_some_requests_lack_counts_zero_there() -> None:
    samples = [Sample.of(reply(3.0, masks=2.0)), *[Sample.of(reply(1.0, shapes=0.5))] * 2]
    timing = Timing.of("request", samples)
    assert list(timing.stages) == ["masks", "shapes", OTHER]
    assert timing.stages["masks"] == Spread(0.0, 2.0)
    assert timing.stages["shapes"] == Spread(0.5, 0.5)
    assert timing.total == Spread(1.0, 3.0)
    assert timing.as_dict()["stages"]["masks"] == {"median": 0.0, "p95": 2.0}


def test_typical_times_are_means_without_the_fastest_and_slowest_quarter() -> None:
    samples = [
        Sample.of(reply(total, inference=inference, masks=1.0))
        for total, inference in [(900.0, 1.0), (4.0, 2.5), (6.0, 3.5), (2.0, 0.5)]
    ]
    timing = Timing.of("request", samples)
    assert timing.typical == {"inference": 3.0, "masks": 1.0, OTHER: 1.0}
    assert sum(timing.typical.values()) == (4.0 + 6.0) / 2


def test_the_table_has_two_columns_per_kind_and_empty_cells() -> None:
    first = Timing.of("first click", [Sample.of(reply(10.0, inference=8.0))])
    further = Timing.of("further click", [Sample.of(reply(2.0, decoder=1.25))])
    lines = table([first, further])
    assert lines[0].split() == ["ms", "first", "click", "further", "click"]
    assert lines[1].split() == ["median", "p95"] * 2
    assert [line.split() for line in lines[2:]] == [
        ["inference", "8.00", "8.00"],
        ["decoder", "1.25", "1.25"],
        ["other", "2.00", "2.00", "0.75", "0.75"],
        ["total", "10.00", "10.00", "2.00", "2.00"],
    ]
    assert len({len(line) for line in lines[2:]}) == 1


def test_every_stage_of_the_runtimes_has_a_place_in_the_order() -> None:
    nodes = [
        node
        for file in (ROOT / "runtimes").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
    ]
    used = {
        node.args[0].value
        for node in nodes
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "stage"
        and isinstance(node.args[0], ast.Constant)
    }
    # The start is no part of a request.
    assert used - {"load and warm up"} <= set(STAGES)
    assert len(used) > 10
