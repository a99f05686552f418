"""Names for the types that every stage passes on."""

from typing import Any, TypeAlias

from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
"""A numpy array whose shape and dtype the docstring beside it states."""

Size: TypeAlias = tuple[int, int]
"""Height and width in pixels, in the order of an array's axes."""
