"""Recovery: reading a manifest past its first mistakes, so that all of them are reported at once.

An invalid value is left out, or replaced by a neutral one; the rest of the manifest can then be
checked as if it were valid. Each replaced location is reported to the collector of diagnostics,
which drops the follow-up problems.
"""

import copy
from collections.abc import Set
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from builder.diagnostics.collector import Diagnostics
from builder.diagnostics.path import Path_, is_within
from builder.manifest.located_yaml import LocatedYaml
from builder.manifest.pydantic_errors import problems_of
from builder.manifest.validation import validate_strictly

_Model = TypeVar("_Model", bound=BaseModel)

_NEUTRAL: dict[str, Any] = {
    "name": "unnamed",
    "model": "model.onnx",
    "encoder": "model.onnx",
    "decoder": "model.onnx",
    "labels": ["unnamed"],
    "preprocess": [],
    "postprocess": [{}],
}
"""Top-level key -> the value that replaces an invalid one; other keys are left out."""

_SECTIONS = ("preprocess", "postprocess")

_ROUNDS = 8
"""The most rounds of validation. Each one gets past the mistakes of the round before."""


def read_recovering(
    model: type[_Model], data: Any, source: LocatedYaml, diagnostics: Diagnostics
) -> _Model | None:
    """Validate `data`, and recover from its mistakes.

    Args:
        model: the class to read.
        data: the data of `source`, with steps in their long form.
        source: the file.
        diagnostics: receives the problems and the recovered locations.

    Returns:
        The model with neutral values in place of invalid ones; None if recovery failed.
    """
    data = copy.deepcopy(data)
    for _ in range(_ROUNDS):
        try:
            return validate_strictly(model, data)
        except ValidationError as error:
            found = problems_of(error, model, data, source)
        # pydantic runs some checks only after all others pass, so a later round may find more. It
        # also finds the consequences of earlier recoveries, which the collector drops.
        diagnostics.add(found.values(), whole=True)
        changed: list[Path_] = []
        for path in found:
            if any(is_within(path, it) for it in changed):
                continue
            replaced = _neutralize(data, path, set(model.model_fields))
            if replaced is None:
                return None
            changed.append(replaced)
        for path in changed:
            diagnostics.recover(path)
    return None


def _neutralize(data: Any, path: Path_, keys: Set[str]) -> Path_ | None:
    """Remove or replace the invalid value at `path` of `data`, whose top-level keys are `keys`.

    Returns:
        The location that was changed; None if the manifest cannot be recovered.
    """
    if not path:
        return None
    if len(path) == 1 and path[0] in keys and path[0] in _NEUTRAL:
        data[path[0]] = copy.deepcopy(_NEUTRAL[str(path[0])])
        return path
    *above, last = path
    if above and above[0] == "then" and last in _SECTIONS:
        # Keep the second model: its other keys are checked all the same.
        second = data["then"][path[1]]
        second[last] = copy.deepcopy(_NEUTRAL[str(last)])
        return path
    parent = data
    for key in above:
        parent = parent[key]
    if isinstance(last, int):
        if above[-1] == "labels" and len(path) == 2:
            # Keep the number of labels: it is compared with the model's class count.
            parent[last] = f"unnamed {last}"
            return path
        if above[-1] in _SECTIONS:
            # Keep the other steps at their indexes.
            parent[last] = {}
            return path
    elif last in parent:
        del parent[last]
        return path
    # A missing key makes its parent invalid, and an invalid entry its list.
    return _neutralize(data, tuple(above), keys)
