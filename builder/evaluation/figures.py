"""Figures that may be undefined: NaN in arrays, None in results."""

import numpy as np

from runtimes.arrays import Array


def figure(number: float) -> float | None:
    """Return a number, or None for NaN."""
    return None if np.isnan(number) else float(number)


def mean_figure(values: Array) -> float | None:
    """Return the mean of the values that are not NaN; None without any."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else None
