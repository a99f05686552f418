"""The processor cores that a function may use, and the share of one worker."""

import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
"""Where containers find the limits of their control group."""

TOPOLOGY = Path("/sys/devices/system/cpu")
"""Where Linux describes the processors."""


def thread_count(threads: int, workers: int) -> int:
    """Return the number of threads of one worker.

    Args:
        threads: the number to use; 0 to divide the available cores among the workers.
        workers: the number of workers, which may all be busy at the same time.
    """
    return threads or max(1, int(available() / workers))


def available() -> float:
    """Return the number of cores that this process may use.

    It is the smaller one of the cores in its affinity mask and the CPU limit of its control group,
    which can be a fraction. Hardware threads of the same core count once.
    """
    # Windows and macOS have no affinity mask.
    known = hasattr(os, "sched_getaffinity")
    processors = os.sched_getaffinity(0) if known else set(range(os.cpu_count() or 1))
    cores = len({_siblings(number) for number in processors})
    limit = _limit()
    return cores if limit is None else min(cores, limit)


def _siblings(number: int) -> str:
    """Return the numbers of the hardware threads of a processor's core, as Linux writes them."""
    file = TOPOLOGY / f"cpu{number}" / "topology" / "thread_siblings_list"
    return _text(file) or str(number)


def _limit() -> float | None:
    """Return the number of cores that the control group allows, or None if it has no limit.

    Source: the kernel's documentation, admin-guide/cgroup-v2.rst (`cpu.max`: quota and period in
    microseconds, or `max`) and scheduler/sched-bwc.rst (version 1; a quota of -1 is no limit).
    """
    words = _text(CGROUP / "cpu.max").split()
    if not words:
        words = [_text(CGROUP / "cpu" / f"cpu.cfs_{name}_us") for name in ("quota", "period")]
    try:
        quota, period = map(int, words)
    except ValueError:
        return None
    return quota / period if quota > 0 and period > 0 else None


def _text(file: Path) -> str:
    """Return a small file's text without white space at its ends; empty if it cannot be read."""
    try:
        return file.read_text("ascii").strip()
    except (OSError, ValueError):
        return ""
