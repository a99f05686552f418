import numpy as np
import pytest

from runtimes.arrays import size_of


@pytest.mark.parametrize("shape", [(30, 40), (30, 40, 1), (30, 40, 3)])
def test_the_size_is_height_and_width(shape: tuple[int, ...]) -> None:
    assert size_of(np.zeros(shape)) == (30, 40)
