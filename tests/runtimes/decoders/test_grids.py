import numpy as np
import pytest

from runtimes.decoders.grids import cells, check_count, check_strides, confident
from runtimes.errors import BadModel, Fault
from tests.runtimes.decoders.grid_heads import CELLS, STRIDES, VIEW
from tests.runtimes.decoders.grid_heads import cells as every_cell

GRIDS = [(8, 12), (4, 6), (2, 3)]


def test_cells_are_counted_row_by_row_and_grid_by_grid() -> None:
    places, level = cells(np.arange(CELLS), GRIDS)
    found = [
        (column, row, STRIDES[number])
        for (column, row), number in zip(places.tolist(), level.tolist(), strict=True)
    ]
    assert found == every_cell()


def test_no_candidates_have_no_cells() -> None:
    places, level = cells(np.zeros(0, np.int64), GRIDS)
    assert (places.shape, level.shape) == ((0, 2), (0,))


def test_a_count_that_fills_the_grids_is_accepted() -> None:
    check_count(CELLS, GRIDS, STRIDES, VIEW)


@pytest.mark.parametrize("count", [0, CELLS - 1, CELLS + 1])
def test_any_other_count_is_refused(count: int) -> None:
    with pytest.raises(BadModel) as caught:
        check_count(count, GRIDS, STRIDES, VIEW)
    assert caught.value.where == "strides"
    texts = [f"has {count} candidates", "64x96", "8, 16, 32", "126 (8x12 + 4x6 + 2x3)"]
    assert [text for text in texts if text not in str(caught.value)] == []


def test_a_head_needs_a_stride() -> None:
    check_strides((8,))
    with pytest.raises(BadModel) as caught:
        check_strides(())
    assert caught.value.fault is Fault.STRIDES


def test_points_without_confidence_are_certain() -> None:
    points = np.array([[[1.0, 2], [3, 4]], [[5, 6], [7, 8]], [[0, 0], [-1, 9]]])
    wanted = [[[x, y, 1] for x, y in each] for each in points.tolist()]
    assert confident(points).tolist() == wanted
