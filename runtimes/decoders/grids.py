"""The grids of raw heads: one grid of cells for each stride."""

from collections.abc import Sequence

import numpy as np

from runtimes.arrays import Array, Size
from runtimes.errors import BadModel, Fault
from runtimes.view import View


def cells(numbers: Array, grids: Sequence[Size]) -> tuple[Array, Array]:
    """Return the cells of candidates that are ordered grid by grid and row by row.

    Args:
        numbers: (M,) indexes of the candidates over all grids.
        grids: rows and columns of each grid.

    Returns:
        (M, 2) column and row within the grid, (M,) the index of the grid.
    """
    ends = np.cumsum([height * width for height, width in grids])
    level = np.searchsorted(ends, numbers, side="right")
    starts = np.concatenate([[0], ends[:-1]])
    widths = np.array([width for _, width in grids])
    row, column = np.divmod(numbers - starts[level], widths[level])
    return np.stack([column, row], axis=1), level


def check_count(count: int, grids: Sequence[Size], strides: Sequence[int], view: View) -> None:
    """Compare the number of candidates with the cells of all grids.

    Args:
        count: of candidates.
        grids: rows and columns of each grid.
        strides: of each grid, in pixels of the input.
        view: the size of the input.

    Raises:
        BadModel: the numbers differ.
    """
    wanted = sum(height * width for height, width in grids)
    if count != wanted:
        sums = " + ".join(f"{height}x{width}" for height, width in grids)
        raise BadModel(
            f"the model has {count} candidates; an input of {view.input[0]}x{view.input[1]} and "
            f"strides {', '.join(map(str, strides))} give {wanted} ({sums})",
            where="strides",
            found=str(list(strides)),
            hint="set `strides` to the size of a cell of each grid in pixels of the input, in the "
            "order of the candidates",
        )


def check_strides(strides: Sequence[int]) -> None:
    """Check that strides are given.

    Raises:
        BadModel: the list is empty.
    """
    if not strides:
        raise BadModel(
            "no strides are given",
            where="strides",
            allowed="such as [8, 16, 32]",
            fault=Fault.STRIDES,
        )


def confident(points: Array) -> Array:
    """Return keypoints of a model without confidences, (M, K, 2) -> (M, K, 3), as certain."""
    return np.concatenate([points, np.ones_like(points[..., :1])], axis=2)
