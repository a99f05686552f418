import subprocess
import sys

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from runtimes import assignment
from runtimes.assignment import solver


@pytest.mark.parametrize("shape", [(1, 1), (5, 5), (3, 8), (8, 3), (0, 4), (60, 50)])
def test_the_solver_is_that_of_scipy(shape: tuple[int, int]) -> None:
    cost = np.random.default_rng(3).random(shape)
    for found, wanted in zip(solver()(cost), linear_sum_assignment(cost), strict=True):
        assert found.tolist() == wanted.tolist()


def test_another_layout_of_scipy_is_imported_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assignment, "EXTENSION_SUFFIXES", [".other"])
    solver.cache_clear()
    try:
        assert solver() is linear_sum_assignment
    finally:
        solver.cache_clear()


def test_without_scipy_the_import_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assignment, "find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    solver.cache_clear()
    try:
        with pytest.raises(ImportError):
            solver()
    finally:
        solver.cache_clear()


@pytest.mark.slow
def test_the_rest_of_scipy_is_not_imported() -> None:
    code = (
        "import sys, numpy; from runtimes.assignment import solver; "
        "print(*solver()(numpy.eye(2)), any(it.startswith('scipy') for it in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[0", "1]", "[1", "0]", "False"]
