"""Attributes that are read from outputs with one row per instance."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from runtimes.arrays import Array
from runtimes.errors import BadModel, Fault
from runtimes.instances import Instances
from runtimes.signature import Signature, absent, listed
from runtimes.step import Attribute, InputType


def _rows(outputs: Mapping[str, Array], name: str, instances: Instances, single: bool) -> Array:
    """Return the rows of an output for the instances, (N, values); see `_table`.

    Raises:
        BadModel: there is no such output, or it does not have a row for each instance.
    """
    if instances.rows is None:
        raise BadModel(
            "the decoder does not assign a row of the outputs to each instance",
            where="output",
            hint="read the attribute from a second model, under `then`",
        )
    if name not in outputs:
        raise BadModel(
            f"the model has no output '{name}'", where="output", found=", ".join(outputs)
        )
    table = _table(outputs[name], single)
    if len(instances.rows) and len(table) <= instances.rows.max():
        raise BadModel(f"the output '{name}' has only {len(table)} rows", where="output")
    return table[instances.rows]


def _table(values: Array, single: bool) -> Array:
    """Return an output as a table, (rows, values).

    Models export the same table as [rows, values], [1, rows, values], [rows, values, 1, 1] or, with
    one value per row, as [rows] or [1, rows].

    Args:
        values: the output.
        single: whether a row has one value, which distinguishes [1, rows] from [1, values].
    """
    while values.ndim > 1 and values.shape[-1] == 1:
        values = values[..., 0]
    if values.ndim > 2 and values.shape[0] == 1:
        values = values[0]
    if single and (values.ndim == 1 or values.shape[0] == 1):
        return values.reshape(-1, 1)
    if values.ndim == 1:
        return values[None]  # one row without an axis of rows
    return values.reshape(len(values), -1) if values.size else values.reshape(len(values), 0)


def bound_output(name: str | None, signature: Signature) -> str:
    """Return the name of the output to read.

    Raises:
        BadModel: there is no such output, or no name is given and the model has several.
    """
    names = [tensor.name for tensor in signature.outputs]
    if name is not None and name not in names:
        raise absent(name, signature.outputs, "output", "output")
    if name is None and len(names) != 1:
        raise BadModel(
            "the model has several outputs, and none is named",
            where="output",
            allowed=listed(signature.outputs),
            hint="name it: `output: NAME`",
            fault=Fault.OUTPUT_AMBIGUOUS,
        )
    return name or names[0]


@dataclass(frozen=True, slots=True)
class ChoiceAttribute(Attribute):
    """Set an attribute to one of several values: the one with the highest score in the output.

    Example:
        - choice_attribute: {attribute: gender, output: prob, values: [female, male]}
    """

    attribute: str
    """Name of the attribute in CVAT."""
    values: tuple[str, ...]
    """Values of the attribute, in the order of the output's scores."""
    output: str | None = None
    """Name of the output. Default: the only output."""

    def __post_init__(self) -> None:
        if len(self.values) < 2:
            raise ValueError("a choice needs two or more values")

    def declare(self) -> tuple[InputType, tuple[str, ...]]:
        """See Attribute.declare."""
        return "select", self.values

    def bind(self, signature: Signature) -> "ChoiceAttribute":
        """See Attribute.bind."""
        return replace(self, output=bound_output(self.output, signature))

    def __call__(self, instances: Instances, outputs: Mapping[str, Array]) -> Instances:
        """See Attribute."""
        rows = _rows(outputs, self.output or "", instances, single=False)
        if len(rows) and rows.shape[1] != len(self.values):
            raise BadModel(
                f"the output '{self.output}' has {rows.shape[1]} scores per row, "
                f"the attribute '{self.attribute}' {len(self.values)} values",
                where="values",
            )
        best = rows.argmax(axis=1) if len(rows) else np.zeros(0, np.int64)
        return instances.with_attribute(self.attribute, np.array(self.values)[best])


@dataclass(frozen=True, slots=True)
class NumberAttribute(Attribute):
    """Set an attribute to an integer: the output's value, scaled, rounded and clipped.

    Example:
        - number_attribute: {attribute: age, output: age_conv3, scale: 100}
    """

    attribute: str
    """Name of the attribute in CVAT."""
    output: str | None = None
    """Name of the output. Default: the only output."""
    scale: float = 1.0
    """Factor of the output's value."""
    offset: float = 0.0
    """Number to add to the scaled value."""
    least: int = 0
    """Minimum of the attribute; CVAT does not allow negative numbers."""
    most: int = 100
    """Maximum of the attribute."""

    def __post_init__(self) -> None:
        if not 0 <= self.least < self.most:
            raise ValueError(
                f"least ({self.least}) and most ({self.most}) are not 0 <= least < most"
            )

    def declare(self) -> tuple[InputType, tuple[str, ...]]:
        """See Attribute.declare."""
        return "number", (str(self.least), str(self.most), "1")

    def bind(self, signature: Signature) -> "NumberAttribute":
        """See Attribute.bind."""
        return replace(self, output=bound_output(self.output, signature))

    def unclipped(self, instances: Instances, outputs: Mapping[str, Array]) -> Array:
        """See Attribute."""
        rows = _rows(outputs, self.output or "", instances, single=True)
        first = rows[:, 0] if len(rows) else np.zeros(0)
        return np.asarray(first.astype(np.float64) * self.scale + self.offset)

    def __call__(self, instances: Instances, outputs: Mapping[str, Array]) -> Instances:
        """See Attribute."""
        numbers = np.nan_to_num(self.unclipped(instances, outputs))
        whole = numbers.round().clip(self.least, self.most).astype(int)
        return instances.with_attribute(self.attribute, whole.astype(str))
