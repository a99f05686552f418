"""The types of functions that CVAT calls."""

from typing import Literal, TypeAlias, get_args

FunctionType: TypeAlias = Literal["detector", "interactor", "tracker", "reid"]

FUNCTION_TYPES: tuple[FunctionType, ...] = get_args(FunctionType)
