"""All families asked, and their answers weighed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from builder.families import finished, grids, maps, pairs, people, queries, whole, yolo
from builder.families.evidence import Facts, observed
from builder.families.match import Evidence, Family, Match
from builder.model.file import Model

Sureness = Literal["certain", "sure", "likely", "unsure", "unknown"]

_FAMILIES: tuple[Family, ...] = (
    *(yolo.raw_heads, yolo.finished_rows, grids.objectness, grids.nanodet_heads, grids.anchors),
    *(queries.logits_and_boxes, queries.deployed, queries.concatenated),
    *(finished.ssd, finished.mask_rcnn_openvino, finished.openvino_boxes),
    *(finished.efficient_nms, finished.torchvision, finished.mmdeploy),
    *(people.rtmpose, people.movenet),
    *(maps.semantic, maps.heatmap, maps.dbnet, maps.pixellink, maps.saliency),
    *(whole.classifier, whole.embedding, pairs.tracker, pairs.clicked),
)
"""Of one file. Where two answers are worth the same, the one that comes first here is likelier."""
_Pair: TypeAlias = Callable[[Facts, Facts], Iterator[Match]]
_PAIRS: tuple[_Pair, ...] = (pairs.sam, pairs.tracker_in_two)
"""Of two files, of which the first takes the image."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a model, or several that belong together, may be.

    Attributes:
        matches: the likeliest first.
        files: the manifest's key for each model file -> its place among those given.
        facts: what was known of each.
        ran: whether the model was run on a blank image to tell.
    """

    matches: tuple[Match, ...]
    files: Mapping[str, int]
    facts: tuple[Facts, ...]
    ran: bool = False

    @property
    def best(self) -> Match | None:
        """The likeliest family."""
        return self.matches[0] if self.matches else None

    @property
    def rivals(self) -> tuple[Match, ...]:
        """The families for which as much speaks as for the likeliest."""
        return tuple(
            match for match in self.matches[1:] if match.evidence == self.matches[0].evidence
        )

    @property
    def sureness(self) -> Sureness:
        """How sure the likeliest is."""
        if self.best is None:
            return "unknown"
        if self.rivals:
            return "unsure"
        words: dict[Evidence, Sureness] = {
            Evidence.METADATA: "certain",
            Evidence.STRUCTURE: "sure",
            Evidence.SHAPE: "likely",
        }
        return words[self.best.evidence]


def recognise(models: Sequence[Model], *, run: bool) -> Verdict:
    """Say what a model is, or two models that belong together.

    Args:
        models: one, or an encoder and a decoder in any order.
        run: whether to run a single model once on a blank image: what its outputs really are
            says more than what they are declared to be.

    Raises:
        ModelError: a file cannot be read.
    """
    facts = tuple(Facts.of(model) for model in models)
    if len(models) == 2:
        return _of_two(facts)
    if len(models) != 1:
        return Verdict((), {}, facts)
    verdict = Verdict(_weighed(facts[0]), {"model": 0}, facts)
    # Declared shapes are not always the real ones, so a run has the last word.
    seen = observed(models[0], facts[0]) if run else facts[0]
    if not seen.values:
        return verdict
    return Verdict(_weighed(seen), {"model": 0}, (seen,), ran=True)


def _weighed(facts: Facts) -> tuple[Match, ...]:
    """All answers about one model, the likeliest first."""
    found = [
        match
        for family in _FAMILIES
        for match in family(facts)
        # What finds or embeds on its own takes an image and nothing else.
        if facts.image is not None or match.kind in ("tracker", "interactor")
    ]
    return tuple(sorted(found, key=lambda match: -match.evidence))


def _of_two(facts: tuple[Facts, ...]) -> Verdict:
    """The answers about two models, in the order in which they make sense."""
    for first, second in ((0, 1), (1, 0)):
        found = [match for pair in _PAIRS for match in pair(facts[first], facts[second])]
        if found:
            best = tuple(sorted(found, key=lambda match: -match.evidence))
            return Verdict(best, {"encoder": first, "decoder": second}, facts)
    return Verdict((), {}, facts)
