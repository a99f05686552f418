import os
from pathlib import Path

import pytest

from runtimes import cores
from runtimes.cores import available, thread_count


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a control group without a limit, on a machine of eight cores."""
    monkeypatch.setattr(cores, "CGROUP", tmp_path)
    monkeypatch.setattr(cores, "TOPOLOGY", tmp_path / "topology")
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    return tmp_path


def test_without_a_limit_all_cores_are_available(machine: Path) -> None:
    assert available() == 8


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("max 100000\n", 8),
        ("200000 100000\n", 2),
        ("50000 100000\n", 0.5),
        ("1600000 100000\n", 8),
        ("", 8),
        ("nonsense", 8),
        ("1 2 3", 8),
        ("100000 0", 8),
        ("-5 100000", 8),
    ],
)
def test_the_limit_of_a_control_group_of_version_2(machine: Path, text: str, number: float) -> None:
    (machine / "cpu.max").write_text(text)
    assert available() == number


@pytest.mark.parametrize(
    ("quota", "period", "number"),
    [("-1", "100000", 8), ("150000", "100000", 1.5), ("x", "100000", 8), ("150000", None, 8)],
)
def test_the_limit_of_a_control_group_of_version_1(
    machine: Path, quota: str, period: str | None, number: float
) -> None:
    (machine / "cpu").mkdir()
    (machine / "cpu" / "cpu.cfs_quota_us").write_text(quota + "\n")
    if period is not None:
        (machine / "cpu" / "cpu.cfs_period_us").write_text(period + "\n")
    assert available() == number


def test_hardware_threads_of_a_core_count_once(machine: Path) -> None:
    for number in range(8):
        file = machine / "topology" / f"cpu{number}" / "topology" / "thread_siblings_list"
        file.parent.mkdir(parents=True)
        file.write_text(f"{number % 4},{number % 4 + 4}\n")
    assert available() == 4


def test_without_an_affinity_mask_all_processors_count(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert available() == 3


@pytest.mark.parametrize(
    ("limit", "workers", "threads"),
    [
        ("max 100000", 1, 8),
        ("max 100000", 3, 2),
        ("max 100000", 16, 1),
        ("400000 100000", 2, 2),
        ("350000 100000", 2, 1),
        ("50000 100000", 1, 1),
    ],
)
def test_the_workers_share_the_available_cores(
    machine: Path, limit: str, workers: int, threads: int
) -> None:
    (machine / "cpu.max").write_text(limit)
    assert thread_count(0, workers) == threads
    # A given number is used as it is.
    assert thread_count(5, workers) == 5
