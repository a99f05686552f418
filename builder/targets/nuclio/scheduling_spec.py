"""Tolerations and affinity in function.yaml: Kubernetes' core/v1."""

from typing import Literal

from builder.manifest.validation import Strict
from builder.targets.nuclio.scheduling import (
    NodeAffinity,
    NodeOperator,
    NodeRequirement,
    Toleration,
)

_HOSTNAME = "kubernetes.io/hostname"
"""The label of nodes by which pods are spread."""

_FUNCTION_LABEL = "nuclio.io/function-name"
"""The label with a function's name that Nuclio gives its pods (pkg/common/consts.go)."""


class TolerationSpec(Strict):
    """A taint that pods tolerate."""

    key: str | None = None
    operator: Literal["Exists", "Equal"]
    value: str | None = None
    effect: str | None = None
    tolerationSeconds: int | None = None


class MatchExpression(Strict):
    """A condition on a label of a node."""

    key: str
    operator: NodeOperator
    values: tuple[str, ...] | None = None


class NodeSelectorTerm(Strict):
    """Conditions that a node meets all at once."""

    matchExpressions: tuple[MatchExpression, ...]


class NodeSelector(Strict):
    """Terms of which a node meets one."""

    nodeSelectorTerms: tuple[NodeSelectorTerm, ...]


class PreferredTerm(Strict):
    """A term that a node should meet."""

    weight: int
    preference: NodeSelectorTerm


class NodeAffinitySpec(Strict):
    """Conditions on nodes."""

    requiredDuringSchedulingIgnoredDuringExecution: NodeSelector | None = None
    preferredDuringSchedulingIgnoredDuringExecution: tuple[PreferredTerm, ...] | None = None


class LabelSelector(Strict):
    """Labels of pods."""

    matchLabels: dict[str, str]


class PodAffinityTerm(Strict):
    """Pods, and the label of nodes that tells them apart."""

    labelSelector: LabelSelector
    topologyKey: str


class WeightedPodAffinityTerm(Strict):
    """Pods near which a pod should not run."""

    weight: int
    podAffinityTerm: PodAffinityTerm


class PodAntiAffinity(Strict):
    """Pods near which a pod does not run."""

    preferredDuringSchedulingIgnoredDuringExecution: tuple[WeightedPodAffinityTerm, ...]


class Affinity(Strict):
    """On which nodes pods run."""

    nodeAffinity: NodeAffinitySpec | None = None
    podAntiAffinity: PodAntiAffinity | None = None


def toleration_spec(given: Toleration) -> TolerationSpec:
    """Return a toleration as core/v1 has it."""
    return TolerationSpec(
        key=given.key,
        operator=given.operator,
        value=given.value,
        effect=given.effect,
        tolerationSeconds=given.seconds,
    )


def affinity(nodes: NodeAffinity, spread: bool, name: str) -> Affinity | None:
    """Return the conditions on nodes and the spreading of pods; None without either.

    Args:
        nodes: the manifest's conditions.
        spread: whether pods run on different nodes where possible.
        name: the function's name.
    """
    required, preferred = nodes.required, nodes.preferred
    wanted = NodeAffinitySpec(
        requiredDuringSchedulingIgnoredDuringExecution=NodeSelector(
            nodeSelectorTerms=(_term(required),)
        )
        if required
        else None,
        preferredDuringSchedulingIgnoredDuringExecution=tuple(
            PreferredTerm(weight=100, preference=_term((it,))) for it in preferred
        )
        or None,
    )
    apart = PodAntiAffinity(
        preferredDuringSchedulingIgnoredDuringExecution=(
            WeightedPodAffinityTerm(
                weight=100,
                podAffinityTerm=PodAffinityTerm(
                    labelSelector=LabelSelector(matchLabels={_FUNCTION_LABEL: name}),
                    topologyKey=_HOSTNAME,
                ),
            ),
        )
    )
    given = Affinity(
        nodeAffinity=wanted if wanted != NodeAffinitySpec() else None,
        podAntiAffinity=apart if spread else None,
    )
    return given if given != Affinity() else None


def _term(conditions: tuple[NodeRequirement, ...]) -> NodeSelectorTerm:
    """Return conditions that hold together."""
    return NodeSelectorTerm(
        matchExpressions=tuple(
            MatchExpression(key=it.key, operator=it.operator, values=it.values or None)
            for it in conditions
        )
    )
