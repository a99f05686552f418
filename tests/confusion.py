"""The confusion of each family with every other: test models x families."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from builder.families.ranking import Ranking, recognize
from builder.families.registry import families
from builder.families.sureness import Strength, Sureness, sureness_of
from builder.model.file import read
from tests.zoo import ENTRIES, TRACKERS, reid
from tests.zoo.strangers import STRANGERS


@dataclass(frozen=True, slots=True)
class Row:
    """A test model.

    Attributes:
        model: its name.
        decoder: the step that reads its outputs; None if no family covers it.
        ranking: what it is recognized as.
        levels: family -> how sure that family alone would be.
    """

    model: str
    decoder: str | None
    ranking: Ranking
    levels: Mapping[str, Sureness]

    @property
    def right(self) -> str | None:
        """The family of its decoder."""
        return next((it.name for it in families() if self.decoder in _names(it.steps)), None)


def rows(folder: Path) -> list[Row]:
    """Write the test models into a folder, and compare each with every family."""
    models = {
        **{name: (entry.make, entry.decoder) for name, entry in ENTRIES.items()},
        **{f"tracker: {name}": (make, name) for name, make in TRACKERS.items()},
        "reid": (reid, "embedding"),
        **{name: (make, None) for name, make in STRANGERS.items()},
    }
    found = []
    for number, (name, (make, decoder)) in enumerate(models.items()):
        ranking = recognize([read(make(folder / f"model{number}.onnx"))], run=True)
        found.append(Row(name, decoder, ranking, _levels(ranking)))
    return found


def _levels(ranking: Ranking) -> dict[str, Sureness]:
    """Return how sure each family with a match is."""
    strongest: dict[str, Strength] = {}
    for match in ranking.matches:
        step = match.postprocess[0].step
        (family,) = (it.name for it in families() if step in it.steps)
        strongest[family] = max(strongest.get(family, Strength.SHAPE), match.strength)
    return {name: sureness_of(it, rivals=False) for name, it in strongest.items()}


def _names(steps: tuple[type, ...]) -> list[str]:
    """Return the names of steps in a manifest."""
    return [step.name() for step in steps]  # type: ignore[attr-defined]
