"""Attributes from further outputs of a model, one row an instance."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from runtimes.arrays import Array
from runtimes.errors import BadModel, Fault
from runtimes.instances import Instances
from runtimes.signature import Signature, absent, listed
from runtimes.step import Attribute, InputType


def _rows(outputs: Mapping[str, Array], name: str, instances: Instances, single: bool) -> Array:
    """The rows of an output that belong to the instances: (N, values); see `_table`.

    Raises:
        BadModel: there is no such output, or it has no row for each instance.
    """
    if instances.rows is None:
        raise BadModel(
            "the decoder of this model does not tell which row of the outputs an instance is from",
            where="output",
            hint="take the attribute from a second model, under `then`",
        )
    if name not in outputs:
        raise BadModel(
            f"the model gave no output '{name}'", where="output", found=", ".join(outputs)
        )
    table = _table(outputs[name], single)
    if len(instances.rows) and len(table) <= instances.rows.max():
        raise BadModel(f"the output '{name}' has only {len(table)} rows", where="output")
    return table[instances.rows]


def _table(values: Array, single: bool) -> Array:
    """An output as rows of values, (rows, values).

    Models write the same table as [rows, values], [1, rows, values], [rows, values, 1, 1] or, with
    one value a row, as [rows] and [1, rows].

    Args:
        values: the output.
        single: whether one value a row is meant, which tells [1, rows] from [1, values].
    """
    while values.ndim > 1 and values.shape[-1] == 1:
        values = values[..., 0]
    if values.ndim > 2 and values.shape[0] == 1:
        values = values[0]
    if single and (values.ndim == 1 or values.shape[0] == 1):
        return values.reshape(-1, 1)
    if values.ndim == 1:
        return values[None]  # one row, whose own axis was left out
    return values.reshape(len(values), -1) if values.size else values.reshape(len(values), 0)


def _bound(name: str | None, signature: Signature) -> str:
    """The name of the output to read.

    Raises:
        BadModel: there is no such output, or none was named and there are several.
    """
    names = [tensor.name for tensor in signature.outputs]
    if name is not None and name not in names:
        raise absent(name, signature.outputs, "output", "output")
    if name is None and len(names) != 1:
        raise BadModel(
            "the output is not named, and the model has several",
            where="output",
            allowed=listed(signature.outputs),
            hint="name it: `output: NAME`",
            fault=Fault.OUTPUT_AMBIGUOUS,
        )
    return name or names[0]


@dataclass(frozen=True, slots=True)
class ChoiceAttribute(Attribute):
    """One of several words: the one whose value in the output is the highest.

    Example:
        - choice_attribute: {attribute: gender, output: prob, values: [female, male]}
    """

    attribute: str
    """The attribute's name in CVAT."""
    values: tuple[str, ...]
    """The words, in the order of the output's values."""
    output: str | None = None
    """The output's name. Default: the only one."""

    def __post_init__(self) -> None:
        if len(self.values) < 2:
            raise ValueError("a choice needs two words or more")

    def declare(self) -> tuple[InputType, tuple[str, ...]]:
        """See Attribute.declare."""
        return "select", self.values

    def bind(self, signature: Signature) -> "ChoiceAttribute":
        """See Attribute.bind."""
        return replace(self, output=_bound(self.output, signature))

    def __call__(self, instances: Instances, outputs: Mapping[str, Array]) -> Instances:
        """See Attribute."""
        rows = _rows(outputs, self.output or "", instances, single=False)
        if len(rows) and rows.shape[1] != len(self.values):
            raise BadModel(
                f"the output '{self.output}' has {rows.shape[1]} values, "
                f"the attribute '{self.attribute}' {len(self.values)} words",
                where="values",
            )
        best = rows.argmax(axis=1) if len(rows) else np.zeros(0, np.int64)
        return instances.with_attribute(self.attribute, np.array(self.values)[best])


@dataclass(frozen=True, slots=True)
class NumberAttribute(Attribute):
    """A whole number: the output's value, scaled, rounded and kept within bounds.

    Example:
        - number_attribute: {attribute: age, output: age_conv3, scale: 100}
    """

    attribute: str
    """The attribute's name in CVAT."""
    output: str | None = None
    """The output's name. Default: the only one."""
    scale: float = 1.0
    """What the value is multiplied by."""
    offset: float = 0.0
    """What is added after that."""
    least: int = 0
    """The smallest number; CVAT takes none below 0."""
    most: int = 100
    """The largest number."""

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
        return replace(self, output=_bound(self.output, signature))

    def __call__(self, instances: Instances, outputs: Mapping[str, Array]) -> Instances:
        """See Attribute."""
        rows = _rows(outputs, self.output or "", instances, single=True)
        first = rows[:, 0] if len(rows) else np.zeros(0)
        numbers = np.nan_to_num(first.astype(np.float64) * self.scale + self.offset)
        whole = numbers.round().clip(self.least, self.most).astype(int)
        return instances.with_attribute(self.attribute, whole.astype(str))
