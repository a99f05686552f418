"""The grids of heads without decoding: one grid of cells for each stride."""

from collections.abc import Sequence

import numpy as np

from runtimes.arrays import Array, Size
from runtimes.errors import BadModel, Fault
from runtimes.view import View


def cells(numbers: Array, grids: Sequence[Size]) -> tuple[Array, Array]:
    """Where candidates lie, in a head whose grids follow one another, each row by row.

    Args:
        numbers: (M,) of the candidates, counted over all grids.
        grids: rows and columns of each.

    Returns:
        (M, 2) column and row within the grid, (M,) the number of the grid.
    """
    ends = np.cumsum([height * width for height, width in grids])
    level = np.searchsorted(ends, numbers, side="right")
    starts = np.concatenate([[0], ends[:-1]])
    widths = np.array([width for _, width in grids])
    row, column = np.divmod(numbers - starts[level], widths[level])
    return np.stack([column, row], axis=1), level


def check_count(count: int, grids: Sequence[Size], strides: Sequence[int], view: View) -> None:
    """Stop where a head's candidates do not fill the grids.

    Raises:
        BadModel: there are more or fewer.
    """
    wanted = sum(height * width for height, width in grids)
    if count != wanted:
        sums = " + ".join(f"{height}x{width}" for height, width in grids)
        raise BadModel(
            f"the model gave {count} candidates; an input of {view.input[0]}x{view.input[1]} and "
            f"strides {', '.join(map(str, strides))} make {wanted} ({sums})",
            where="strides",
            found=str(list(strides)),
            hint="strides are how many pixels a cell of each grid covers, in the order of the "
            "outputs' candidates",
        )


def check_strides(strides: Sequence[int]) -> None:
    """Stop where there are none.

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
