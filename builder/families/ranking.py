"""Recognizing models: every family's matches, the likeliest first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from builder.families.blank_run import with_blank_run
from builder.families.evidence import Evidence
from builder.families.match import Match
from builder.families.other_tasks import named_task, other_tasks, takes_audio
from builder.families.registry import families
from builder.families.sureness import Strength, Sureness, sureness_of
from builder.model.file import Model

_EXPECTED = {"reid": ("embedding", "embeddings")}
"""Function type -> words in the names of outputs that belong to its models."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """What a model, or an encoder and its decoder, may be.

    Attributes:
        matches: the strongest first.
        files: the manifest's key for each model file -> the file's index among those given. The
            file that takes the image comes first.
        evidence: of each file.
        ran: whether the model was run on a blank image.
    """

    matches: tuple[Match, ...]
    files: Mapping[str, int]
    evidence: tuple[Evidence, ...]
    ran: bool = False

    @property
    def best(self) -> Match | None:
        """The strongest match."""
        return self.matches[0] if self.matches else None

    @property
    def first(self) -> int:
        """The index of the file that takes the image."""
        return next(iter(self.files.values()), 0)

    @property
    def rivals(self) -> tuple[Match, ...]:
        """The other matches that are as strong as the best."""
        return tuple(it for it in self.matches[1:] if it.strength == self.matches[0].strength)

    @property
    def sureness(self) -> Sureness:
        """How reliable the best match is."""
        if self.best is None:
            return "unknown"
        return sureness_of(self.best.strength, rivals=bool(self.rivals))

    @property
    def other_tasks(self) -> tuple[str, ...]:
        """Tasks of unknown models that the best match may be; empty if it is sure."""
        best = self.best
        return best.other_tasks if best and best.strength <= Strength.EVIDENCE else ()


def recognize(models: Sequence[Model], *, run: bool, labels: int | None = None) -> Ranking:
    """Rank the families that a model, or an encoder and its decoder, may belong to.

    Args:
        models: one model, or two in any order.
        run: whether to run a single model on a blank and on a varied image; the real outputs are
            stronger evidence than the declared ones.
        labels: the number of labels that the user gives for the model.
    """
    evidence = tuple(Evidence.of(model, labels) for model in models)
    if len(evidence) == 2:
        return _rank_pair(evidence)
    if len(evidence) != 1:
        return Ranking((), {}, evidence)
    if run:
        evidence = (with_blank_run(models[0], evidence[0], varied=True),)
    matches = [
        match
        for family in families()
        if family.recognize
        for match in family.recognize(evidence[0])
        # Detectors and ReID models take an image and nothing else.
        if evidence[0].image is not None or match.type in ("tracker", "interactor")
    ]
    ran = bool(evidence[0].blank_outputs)
    matches = [_weighed(match, evidence[0]) for match in matches]
    return Ranking(_strongest_first(matches), {"model": 0}, evidence, ran)


def _weighed(match: Match, evidence: Evidence) -> Match:
    """Return a match with the tasks that its outputs may have instead.

    A match that no operation supports is unsure if an output is named after another task.
    """
    if takes_audio(evidence) and match.strength < Strength.METADATA:
        why = "but an input is named after another task: audio"
        reasons = (*match.reasons, why)
        return replace(match, strength=Strength.SHAPE, reasons=reasons, other_tasks=("audio",))
    if match.strength > Strength.EVIDENCE:
        return match
    others = (*match.other_tasks, *other_tasks(evidence))
    named = named_task(evidence, *_EXPECTED.get(match.type, ()), *match.name.lower().split())
    if named is None:
        return replace(match, other_tasks=others)
    why = f"but an output is named after another task: {named}"
    return replace(
        match,
        strength=Strength.SHAPE,
        reasons=(*match.reasons, why),
        other_tasks=(named, *(it for it in others if named not in it)),
    )


def _rank_pair(evidence: tuple[Evidence, ...]) -> Ranking:
    """Rank the families of two models, in the order in which one of them takes the image."""
    for encoder, decoder in ((0, 1), (1, 0)):
        matches = [
            match
            for family in families()
            if family.recognize_pair
            for match in family.recognize_pair(evidence[encoder], evidence[decoder])
        ]
        if matches:
            keys = ("encoder", "decoder") if matches[0].second is None else ("model", "then")
            files = dict(zip(keys, (encoder, decoder), strict=True))
            return Ranking(_strongest_first(matches), files, evidence)
    return Ranking((), {}, evidence)


def _strongest_first(matches: Sequence[Match]) -> tuple[Match, ...]:
    """Sort matches by strength; those of equal strength keep the order of their families."""
    return tuple(sorted(matches, key=lambda match: -match.strength))
