import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from threading import Barrier, BrokenBarrierError, Event
from typing import Any

import pytest

from builder.diagnostics.errors import BuiltError, CvatbuildError, ManifestError
from builder.diagnostics.problem import Problem
from builder.lint.examine import plan
from builder.plan.plan import Plan
from builder.run import builds
from builder.run.builds import Trials, available_memory, build_all
from builder.run.process import FunctionProcess
from builder.targets.build import Built
from tests.builder.conftest import WriteManifest


class Silent:
    """Progress that is not shown."""

    def step(self, what: str) -> AbstractContextManager[object]:
        return nullcontext()

    def bytes(self, done: int, total: int | None) -> None: ...


@pytest.fixture
def plans(write_manifest: WriteManifest) -> list[Plan]:
    return [plan(write_manifest(f"{name}.yaml", name=name)) for name in ("a", "b", "c", "d")]


@pytest.fixture
def tested(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Replace the smoke test and the number of cores."""

    def replace(smoke_test: Callable[..., Any], cores: int) -> None:
        monkeypatch.setattr(builds, "smoke_test", smoke_test)
        monkeypatch.setattr(builds, "available", lambda: cores)

    return replace


def test_as_many_functions_as_cores_are_built_at_the_same_time(
    plans: list[Plan], tested: Callable[..., None], tmp_path: Path
) -> None:
    # Each test waits for another one, so that one test at a time would fail.
    pair = Barrier(2)

    def smoke_test(plan: Plan, folder: Path, start: Any) -> list[Problem]:
        pair.wait(20)
        return [Problem(f"about {plan.name}", file=plan.file)]

    tested(smoke_test, 2)
    done = [*build_all(plans, tmp_path / "out", force=False, smoke=True, progress=Silent())]
    assert all(isinstance(it, Built) for it in done)
    names = [it.folder.name for it in done if isinstance(it, Built)]
    assert names == ["a", "b", "c", "d"]
    notes = [it.warnings[-1].what for it in done if isinstance(it, Built)]
    assert notes == ["about a", "about b", "about c", "about d"]


def test_a_function_that_fails_does_not_stop_the_others(
    plans: list[Plan], tested: Callable[..., None], tmp_path: Path
) -> None:
    def smoke_test(plan: Plan, folder: Path, start: Any) -> list[Problem]:
        if plan.name in "bd":
            raise BuiltError(Problem("is broken", file=folder))
        return []

    tested(smoke_test, 3)
    found = [*build_all(plans, tmp_path / "out", force=False, smoke=True, progress=Silent())]
    assert [isinstance(it, CvatbuildError) for it in found] == [False, True, False, True]
    errors = [it for it in found if isinstance(it, ManifestError)]
    assert [it.problems[0].file for it in errors] == [plans[1].file, plans[3].file]
    assert sorted(it.name for it in (tmp_path / "out").iterdir()) == ["a", "c"]


@pytest.mark.parametrize(("memory", "together"), [(1000, 2), (250, 2), (249, 1), (1, 1)])
def test_tests_wait_until_the_memory_suffices(
    ready_plan: Plan,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    memory: int,
    together: int,
) -> None:
    monkeypatch.setattr(builds, "memory_needed", lambda plan, folder: 100)
    pair, both = Barrier(2), Event()

    def smoke_test(plan: Plan, folder: Path, start: Any) -> list[Problem]:
        with suppress(BrokenBarrierError):
            pair.wait(20 if together == 2 else 0.1)
            both.set()
        return []

    monkeypatch.setattr(builds, "smoke_test", smoke_test)
    trials = Trials(memory)
    with ThreadPoolExecutor(2) as pool:
        assert [*pool.map(trials.smoke_test, [ready_plan] * 2, [tmp_path] * 2)] == [[], []]
    assert both.is_set() == (together == 2)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("MemTotal:  16 kB\nMemAvailable:    2048 kB\n", 2 * 2**20),
        ("MemTotal:  16 kB\n", float("inf")),
        ("nonsense", float("inf")),
        (None, float("inf")),
    ],
)
def test_the_available_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, size: float
) -> None:
    file = tmp_path / "meminfo"
    if text is not None:
        file.write_text(text)
    monkeypatch.setattr(builds, "MEMINFO", file)
    assert available_memory() == size


@pytest.mark.slow
def test_ctrl_c_ends_all_processes_and_leaves_nothing_behind(
    plans: list[Plan], tested: Callable[..., None], tmp_path: Path
) -> None:
    started = Barrier(3)
    processes: list[FunctionProcess] = []

    def smoke_test(plan: Plan, folder: Path, start: Any) -> list[Problem]:
        handler = folder / "nuclio" / "main.py"
        handler.write_text(handler.read_text() + "\n    import time\n    time.sleep(600)\n")
        text = handler.read_text().replace("    return context", "    context")
        handler.write_text(text)
        process = start(folder, "cpu")
        processes.append(process)
        process.wait_until_started()
        started.wait(60)
        process.send({}, "application/json")
        raise AssertionError("the handler sleeps for ten minutes")

    class Interrupted(Silent):
        @contextmanager
        def step(self, what: str) -> Iterator[None]:
            started.wait(60)
            raise KeyboardInterrupt
            yield

    tested(smoke_test, 2)
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        [*build_all(plans, out, force=False, smoke=True, progress=Interrupted())]
    # The functions that waited for a core were not started.
    assert len(processes) == 2
    for process in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(process.pid, 0)
    assert list(out.iterdir()) == []


def test_after_a_stop_no_process_starts(ready_plan: Plan, built_once: Path) -> None:
    trials = Trials(float("inf"))
    trials.stop()
    with pytest.raises(BuiltError, match="was stopped"):
        trials.smoke_test(ready_plan, built_once)
