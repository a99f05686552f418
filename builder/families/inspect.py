"""What the tool sees in a model: `cvatbuild inspect`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from builder.backends.backend import FORMATS
from builder.backends.registry import backends_of
from builder.families.evidence import Evidence
from builder.families.match import Match
from builder.families.ranking import Ranking, recognize
from builder.families.yaml_writer import printable
from builder.manifest.variants import VARIANTS
from builder.model.file import Model, locate, read
from runtimes.signature import Tensor

_MOST_ENTRIES = 24
_MOST_TEXT = 90


@dataclass(frozen=True, slots=True)
class Inspection:
    """A model file, looked into.

    Attributes:
        file: as the person named it.
        model: its files and signature.
        evidence: what is known of it.
        ranking: what it may be.
    """

    file: Path
    model: Model
    evidence: Evidence
    ranking: Ranking

    @classmethod
    def of(cls, file: Path, *, run: bool) -> "Inspection":
        """Look into a model.

        Args:
            file: ONNX or OpenVINO IR.
            run: whether it may be run once on a blank image.

        Raises:
            ModelError: it is no model.
        """
        model = read(locate(file.name, file.parent))
        ranking = recognize([model], run=run)
        return cls(file, model, ranking.evidence[0], ranking)

    @property
    def sizes(self) -> dict[str, int]:
        """Each file that belongs to the model, with its bytes."""
        return {path.name: path.stat().st_size for path in self.model.files.values()}

    @property
    def variants(self) -> dict[str, str]:
        """Variant -> the runtime that would run the model, or the reason why none can."""
        strange = [name for name in self.evidence.graph.domains if name != "com.microsoft"]
        if strange:
            why = f"no runtime here has the operations of {', '.join(map(printable, strange))}"
            return dict.fromkeys(VARIANTS, why)
        found: dict[str, str] = {}
        for variant in VARIANTS:
            fit = [it.title for it in backends_of(variant) if self.model.format in it.formats]
            none = f"none: no runtime of this variant loads an {FORMATS[self.model.format]}"
            found[variant] = fit[0] if fit else none
        return found

    def as_json(self) -> str:
        """One object, all of it text, numbers and lists of them."""
        best = self.ranking.best
        found = {
            "file": str(self.file),
            "format": printable(self.evidence.graph.description),
            "opset": self.evidence.graph.opset,
            "files": self.sizes,
            "inputs": [_tensor(tensor) for tensor in self.model.signature.inputs],
            "outputs": [_tensor(tensor) for tensor in self.model.signature.outputs],
            "misdeclared": [_tensor(wrong) for wrong, _ in self.model.misdeclared],
            "metadata": _shortened(self.evidence.graph.metadata),
            "metadata_entries": len(self.evidence.graph.metadata),
            "family": best.name if best else None,
            "sureness": self.ranking.sureness,
            "reasons": [printable(reason) for reason in best.reasons] if best else [],
            "classes": best.classes.count if best and best.classes else None,
            "candidates": [_candidate(match) for match in self.ranking.matches],
            "ran": self.ranking.ran,
            "variants": self.variants,
        }
        return orjson.dumps(found).decode()

    def as_text(self) -> str:
        """For a terminal of 80 columns or more."""
        lines = [f"{self.file}"]
        _, *others = self.sizes.items()
        whole = sum(self.sizes.values())
        lines.append(f"  format    {printable(self.evidence.graph.description)}; {_bytes(whole)}")
        lines += [f"            and {name}, {_bytes(size)}" for name, size in others]
        for title, tensors in (
            ("inputs", self.model.signature.inputs),
            ("outputs", self.model.signature.outputs),
        ):
            for place, tensor in enumerate(tensors):
                lines.append(f"  {title if not place else '':9} {printable(str(tensor))}")
        for wrong, _ in self.model.misdeclared:
            lines.append(f"            declared as {printable(str(wrong))}")
        for place, (key, value) in enumerate(_shortened(self.evidence.graph.metadata).items()):
            lines.append(f"  {'metadata' if not place else '':9} {key}: {value}")
        left = len(self.evidence.graph.metadata) - _MOST_ENTRIES
        if left > 0:
            lines.append(f"            and {left} more entries")
        best = self.ranking.best
        family = best.name if best else "none that cvatbuild knows"
        lines.append(f"  family    {family} ({self.ranking.sureness})")
        for match in (best, *self.ranking.rivals) if best else ():
            if match is not best:
                lines.append(f"            or {match.name}")
            lines += [f"            - {printable(reason)}" for reason in match.reasons]
            if match.classes is not None and match.classes.count is not None:
                lines.append(f"            - {match.classes.count} classes to label")
        lines += [
            f"  {'variants' if not place else '':9} {name}: {what}"
            for place, (name, what) in enumerate(self.variants.items())
        ]
        return "\n".join(lines)


def _tensor(tensor: Tensor) -> dict[str, Any]:
    """An input or output."""
    return {"name": printable(tensor.name), "shape": list(tensor.shape), "dtype": tensor.dtype}


def _candidate(match: Match) -> dict[str, Any]:
    """One family that the model may be of."""
    return {
        "family": match.name,
        "type": match.type,
        "evidence": match.strength.name.lower(),
        "reasons": [printable(reason) for reason in match.reasons],
        "decoder": match.postprocess[0].name,
        "classes": match.classes.count if match.classes else None,
    }


def _shortened(metadata: Mapping[str, str]) -> dict[str, str]:
    """The first entries, each short enough to be read."""
    return {
        printable(key, 40): printable(value, _MOST_TEXT)
        for key, value in list(metadata.items())[:_MOST_ENTRIES]
    }


def _bytes(size: int) -> str:
    """A size for people."""
    if size < 1024:
        return f"{size} bytes"
    left = size / 1024
    for unit in ("KiB", "MiB"):
        if left < 1024:
            return f"{left:.1f} {unit}"
        left /= 1024
    return f"{left:.1f} GiB"
