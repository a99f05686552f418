"""Strict validation of data from YAML and JSON."""

import json
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

_Model = TypeVar("_Model", bound=BaseModel)


class Strict(BaseModel):
    """The base of the tool's models: no unknown keys, no conversions, immutable."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        allow_inf_nan=False,
        defer_build=True,
    )


def validate_strictly(model: type[_Model], data: Any) -> _Model:
    """Read `data` strictly.

    Raises:
        ValidationError: with all mistakes, as pydantic reports them.
    """
    # pydantic's strict mode is less strict for JSON, which suits data from YAML: a list may become
    # a tuple and text an enum member, but "5" is not a number, and 1 is not true.
    return model.model_validate_json(json.dumps(data), strict=True)
