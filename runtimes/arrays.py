"""Type aliases for arrays and sizes."""

from typing import Any, TypeAlias

from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
"""A numpy array; docstrings state its shape and dtype."""

Size: TypeAlias = tuple[int, int]
"""Height and width in pixels, in the order of an array's axes."""
