"""Builds of several functions at the same time, each with its smoke test."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Condition
from typing import Any
from weakref import WeakSet

from builder.diagnostics.errors import BuiltError, CvatbuildError
from builder.diagnostics.problem import Problem
from builder.diagnostics.progress import Progress
from builder.manifest.variants import VariantName
from builder.plan.plan import Plan
from builder.run.process import FunctionProcess
from builder.run.smoke import memory_needed, smoke_test
from builder.targets.build import Built, build
from runtimes.cores import available

MEMINFO = Path("/proc/meminfo")
"""Where Linux describes the machine's memory."""

_SHARE = 0.8
"""Share of the available memory that smoke tests may need together."""


def build_all(
    plans: Sequence[Plan], out: Path | None, *, force: bool, smoke: bool, progress: Progress
) -> Iterator[Built | CvatbuildError]:
    """Build functions, as many at the same time as there are cores.

    If the caller stops, or is stopped by Ctrl-C, the child processes end, and the builds that are
    not complete leave nothing behind.

    Args:
        plans: the functions.
        out: see builder.targets.build.build.
        force: see builder.targets.build.build.
        smoke: whether to smoke-test each function.
        progress: shows the function that is waited for.

    Yields:
        For each plan, in their order, what was built, or why it was not.
    """
    trials = Trials(available_memory())
    verify = trials.smoke_test if smoke else None
    with ThreadPoolExecutor(max(1, int(available()))) as pool:
        try:
            futures = [pool.submit(build, it, out, force=force, verify=verify) for it in plans]
            for plan, future in zip(plans, futures, strict=True):
                with progress.step(f"building {plan.name}"):
                    error = future.exception()
                yield error if isinstance(error, CvatbuildError) else future.result()
        except BaseException:
            trials.stop()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def available_memory() -> float:
    """Return the memory that programs can get without swapping, in bytes; infinity if unknown."""
    try:
        lines = dict(line.split(":") for line in MEMINFO.read_text("ascii").splitlines())
        return int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, ValueError, KeyError, IndexError):
        return float("inf")


class Trials:
    """Smoke tests at the same time, as many as fit into the memory.

    A test that needs more than there is runs alone.
    """

    def __init__(self, memory: float) -> None:
        """Prepare for smoke tests.

        Args:
            memory: the available memory in bytes.
        """
        self._memory = memory * _SHARE
        self._used = 0
        self._stopped = False
        self._changed = Condition()
        self._processes: WeakSet[FunctionProcess] = WeakSet()

    def smoke_test(self, plan: Plan, folder: Path) -> list[Problem]:
        """Wait until the memory suffices, and smoke-test a function; see builder.run.smoke.

        Raises:
            BuiltError: the function does not work, or `stop` was called.
        """
        with self._room(memory_needed(plan, folder)):
            return smoke_test(plan, folder, self._start)

    def stop(self) -> None:
        """End all tests that run, and refuse those that wait."""
        with self._changed:
            self._stopped = True
            for process in self._processes:
                process.kill()
            self._changed.notify_all()

    @contextmanager
    def _room(self, needed: int) -> Iterator[None]:
        """Take memory for the `with` block."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._stopped or not self._used or self._used + needed <= self._memory
            )
            self._used += needed
        try:
            yield
        finally:
            with self._changed:
                self._used -= needed
                self._changed.notify_all()

    def _start(self, folder: Path, variant: VariantName, **options: Any) -> FunctionProcess:
        """Start the process of a test."""
        with self._changed:
            if self._stopped:
                raise BuiltError(Problem("the smoke test was stopped", file=folder))
            process = FunctionProcess(folder, variant, **options)
            self._processes.add(process)
        return process
