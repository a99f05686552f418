"""On which nodes of a Kubernetes cluster a function's pods run: keys of the manifest."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from builder.diagnostics.errors import Refused
from builder.diagnostics.rule import Rule
from builder.manifest.patterns import pattern
from builder.manifest.validation import Strict

TOLERATION = Rule(
    "toleration",
    "Invalid toleration",
    "Kubernetes refuses the function's pods.",
)

LabelKey = Annotated[
    str,
    pattern(
        r"^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$",
        "the key of a Kubernetes label: `nvidia.com/gpu.product`",
    ),
]
LabelValue = Annotated[
    str,
    pattern(
        r"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$",
        "the value of a Kubernetes label: `NVIDIA-L4`",
    ),
]

NodeOperator = Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]


class Toleration(Strict):
    """A taint of nodes that the function's pods tolerate."""

    key: LabelKey | None = None
    """Key of the taint. Default: every taint, which needs `operator: Exists`."""
    operator: Literal["Exists", "Equal"] = "Equal"
    """`Equal`: the taint has `value`. `Exists`: the taint has any value."""
    value: LabelValue | None = None
    """Value of the taint."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Effect of the taint. Default: every effect."""
    seconds: Annotated[int, Field(ge=0)] | None = None
    """Seconds that a running pod may stay after the taint was added; needs `effect: NoExecute`."""

    @model_validator(mode="after")
    def _check(self) -> "Toleration":
        """Refuse combinations that Kubernetes refuses."""
        if self.operator == "Exists" and self.value is not None:
            raise Refused(
                "`operator: Exists` accepts any value", TOLERATION, "value", hint="remove `value`"
            )
        if self.operator == "Equal" and self.key is None:
            raise Refused(
                "a toleration without `key` needs `operator: Exists`",
                TOLERATION,
                hint="add `key`, or write `operator: Exists`",
            )
        if self.seconds is not None and self.effect != "NoExecute":
            raise Refused(
                "`seconds` needs `effect: NoExecute`",
                TOLERATION,
                "seconds",
                hint="write `effect: NoExecute`, or remove `seconds`",
            )
        return self


class NodeRequirement(Strict):
    """A condition on the labels of a node."""

    key: LabelKey
    """Key of the label."""
    operator: NodeOperator = "In"
    """How the label is compared with `values`."""
    values: tuple[LabelValue, ...] = ()
    """Values; none for `Exists` and `DoesNotExist`, one number for `Gt` and `Lt`."""

    @model_validator(mode="after")
    def _check(self) -> "NodeRequirement":
        """Refuse numbers of values that Kubernetes refuses."""
        count = len(self.values)
        wanted = {"Exists": "no value", "DoesNotExist": "no value", "Gt": "one", "Lt": "one"}
        fits = {"no value": count == 0, "one": count == 1, "at least one": count > 0}
        need = wanted.get(self.operator, "at least one")
        if not fits[need]:
            raise ValueError(f"`operator: {self.operator}` needs {need}, not {count} values")
        return self


class NodeAffinity(Strict):
    """On which nodes the function's pods run."""

    required: tuple[NodeRequirement, ...] = ()
    """Conditions that a node must meet, all of them."""
    preferred: tuple[NodeRequirement, ...] = ()
    """Conditions that a node should meet."""
