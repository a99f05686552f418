"""What a model file contains and may be: `cvatbuild inspect`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from builder.backends.backend import FORMATS
from builder.backends.registry import backends_of
from builder.diagnostics.errors import ManifestError
from builder.families.match import Match
from builder.families.operators import foreign_operators
from builder.families.ranking import Ranking, recognize
from builder.families.unknown import unknown_hint
from builder.families.unread import listed, unread_by_draft
from builder.families.unsupported import unsupported_layout
from builder.families.yaml_writer import printable
from builder.manifest.labels import Labels
from builder.manifest.variants import VARIANTS
from builder.model.file import Model, locate, read
from builder.model.graph import Graph
from builder.model.label_metadata import from_metadata
from runtimes.signature import Tensor

_MOST_ENTRIES = 24
_MOST_TEXT = 90


@dataclass(frozen=True, slots=True)
class Inspection:
    """A model file that was read.

    Attributes:
        file: its path, as the user named it.
        model: its files and signature.
        ranking: what it may be.
    """

    file: Path
    model: Model
    ranking: Ranking

    @classmethod
    def of(cls, file: Path, *, run: bool) -> "Inspection":
        """Read a model file and recognize its family.

        Args:
            file: ONNX or OpenVINO IR.
            run: whether to run it once on a blank image.

        Raises:
            ModelError: it cannot be read.
        """
        model = read(locate(file.name, file.parent))
        return cls(file, model, recognize([model], run=run))

    @property
    def graph(self) -> Graph:
        """The model's operations."""
        return self.model.graph

    @property
    def sizes(self) -> dict[str, int]:
        """Name of each file of the model -> its size in bytes."""
        return {path.name: path.stat().st_size for path in self.model.files.values()}

    @property
    def variants(self) -> dict[str, str]:
        """Variant -> the runtime that would run the model, or the reason why none can."""
        foreign = foreign_operators(self.graph)
        if foreign is not None:
            return dict.fromkeys(VARIANTS, printable(foreign.what))
        found: dict[str, str] = {}
        for variant in VARIANTS:
            fit = [it.title for it in backends_of(variant) if self.model.format in it.formats]
            none = f"none: no runtime of this variant loads an {FORMATS[self.model.format]}"
            found[variant] = fit[0] if fit else none
        return found

    @property
    def label_problems(self) -> tuple[str, ...]:
        """What is wrong with the labels in the metadata, such as duplicates."""
        try:
            labels = from_metadata(self.graph.metadata, self.file)
        except ManifestError:
            return ()
        return tuple(it.what for it in Labels.of(labels).problems())

    @property
    def _unread(self) -> tuple[Tensor, ...]:
        """The outputs that the best match does not read."""
        best = self.ranking.best
        return (
            ()
            if best is None
            else unread_by_draft(best, self.ranking.evidence[self.ranking.first].signature)
        )

    def as_json(self) -> str:
        """Return everything as one JSON object."""
        best = self.ranking.best
        layout = unsupported_layout(self.ranking.evidence[0])
        found = {
            "file": str(self.file),
            "format": printable(self.graph.description),
            "opset": self.graph.opset,
            "files": self.sizes,
            "inputs": [_tensor(tensor) for tensor in self.model.signature.inputs],
            "outputs": [_tensor(tensor) for tensor in self.model.signature.outputs],
            "misdeclared": [_tensor(wrong) for wrong, _ in self.model.misdeclared],
            "metadata": _shortened(self.graph.metadata),
            "metadata_entries": len(self.graph.metadata),
            "label_problems": [printable(it) for it in self.label_problems],
            "family": best.name if best else None,
            "sureness": self.ranking.sureness,
            "other_tasks": list(self.ranking.other_tasks),
            "unsupported_layout": None if best or layout is None else layout.name,
            "reasons": [printable(reason) for reason in best.reasons] if best else [],
            "classes": best.classes.count if best and best.classes else None,
            "candidates": [_candidate(match) for match in self.ranking.matches],
            "ran": self.ranking.ran,
            "unused_outputs": [_tensor(tensor) for tensor in self._unread],
            "variants": self.variants,
        }
        return orjson.dumps(found).decode()

    def as_text(self) -> str:
        """Return everything for a terminal of 80 columns or more."""
        (_, total), *others = self.sizes.items()
        total += sum(size for _, size in others)
        sections: dict[str, list[str]] = {
            "format": [
                f"{printable(self.graph.description)}; {_bytes(total)}",
                *(f"and {name}, {_bytes(size)}" for name, size in others),
            ],
            "inputs": [printable(str(tensor)) for tensor in self.model.signature.inputs],
            "outputs": [
                *(printable(str(tensor)) for tensor in self.model.signature.outputs),
                *(f"declared as {printable(str(wrong))}" for wrong, _ in self.model.misdeclared),
            ],
            "metadata": list(self._metadata()),
            "family": list(self._family()),
            "variants": [f"{name}: {what}" for name, what in self.variants.items()],
        }
        foreign = foreign_operators(self.graph)
        if foreign is not None:
            sections["hint"] = [printable(foreign.hint)]
        elif self.ranking.best is None and unsupported_layout(self.ranking.evidence[0]) is None:
            sections["hint"] = [unknown_hint(self.model)]
        lines = [f"{self.file}"]
        for title, entries in sections.items():
            for index, entry in enumerate(entries):
                lines.append(f"  {'' if index else title:9} {entry}")
        return "\n".join(lines)

    def _metadata(self) -> Iterator[str]:
        """Yield a line for each of the first entries of the metadata."""
        for key, value in _shortened(self.graph.metadata).items():
            yield f"{key}: {value}"
        left = len(self.graph.metadata) - _MOST_ENTRIES
        if left > 0:
            yield f"and {left} more entries"
        for problem in self.label_problems:
            yield f"- {printable(problem)}"

    def _family(self) -> Iterator[str]:
        """Yield the best match and its rivals, with their reasons."""
        best = self.ranking.best
        if best is None:
            layout = unsupported_layout(self.ranking.evidence[0])
            yield "unknown" if layout is None else f"not supported: {layout.name}"
            return
        yield f"{best.name} ({self.ranking.sureness})"
        for match in (best, *self.ranking.rivals):
            if match is not best:
                yield f"or {match.name}"
            for reason in match.reasons:
                yield f"- {printable(reason)}"
            if match is best and self.ranking.other_tasks:
                yield f"- may be: {'; '.join(self.ranking.other_tasks)}"
            if match.classes is not None and match.classes.count is not None:
                yield f"- {match.classes.count} classes to label"
        if self._unread:
            yield f"- {printable(listed(self._unread))}"


def _tensor(tensor: Tensor) -> dict[str, Any]:
    """Return an input or output for JSON."""
    return {"name": printable(tensor.name), "shape": list(tensor.shape), "dtype": tensor.dtype}


def _candidate(match: Match) -> dict[str, Any]:
    """Return a match for JSON."""
    return {
        "family": match.name,
        "type": match.type,
        "evidence": match.strength.name.lower(),
        "reasons": [printable(reason) for reason in match.reasons],
        "decoder": match.postprocess[0].name,
        "classes": match.classes.count if match.classes else None,
    }


def _shortened(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return the first entries of the metadata, printable and shortened."""
    return {
        printable(key, 40): printable(value, _MOST_TEXT)
        for key, value in list(metadata.items())[:_MOST_ENTRIES]
    }


def _bytes(size: int) -> str:
    """Return a size with its unit."""
    if size < 1024:
        return f"{size} bytes"
    left = size / 1024
    for unit in ("KiB", "MiB"):
        if left < 1024:
            return f"{left:.1f} {unit}"
        left /= 1024
    return f"{left:.1f} GiB"
