"""scipy's solver of the linear assignment problem, without the rest of scipy."""

import importlib
from collections.abc import Callable
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from runtimes.arrays import Array

Solver = Callable[[Array], tuple[Array, Array]]
"""Maps costs (N, M) to the rows and the columns of the pairs with the minimum total cost."""


@cache
def solver() -> Solver:
    """Return scipy.optimize.linear_sum_assignment.

    It is loaded from its compiled module, which needs numpy alone. The import of scipy.optimize
    takes 0.3 s of processor time and 40 MiB more.

    Raises:
        ImportError: scipy is not installed.
    """
    scipy = find_spec("scipy")
    folder = Path(scipy.origin).parent / "optimize" if scipy and scipy.origin else Path()
    for suffix in EXTENSION_SUFFIXES:
        file = folder / f"_lsap{suffix}"
        if file.is_file():
            spec = spec_from_file_location("_lsap", file)
            assert spec
            assert spec.loader
            module: Any = module_from_spec(spec)
            spec.loader.exec_module(module)
            break
    else:
        # Another version of scipy may have it elsewhere.
        module = importlib.import_module("scipy.optimize")
    found: Solver = module.linear_sum_assignment
    return found
