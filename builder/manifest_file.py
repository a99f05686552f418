"""A manifest read from its file, with the place of everything that it says."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from builder.document import Document, Path_
from builder.errors import ManifestError, Problem, did_you_mean
from builder.manifest import MANIFESTS, DetectorManifest, Manifest, SecondModel
from builder.steps import in_order, long_form
from builder.validation import validate
from runtimes.step import Step

_Manifest = TypeVar("_Manifest", bound=Manifest, covariant=True)

Section = Literal["preprocess", "postprocess"]
SECTIONS: tuple[Section, ...] = ("preprocess", "postprocess")


def _long_forms(data: dict[str, Any], kind: str) -> dict[str, Any]:
    """A stage of a manifest with every step in its long form."""
    listings = {"preprocess": "preprocess", "postprocess": kind}
    return {
        key: [long_form(listings[key], entry) for entry in value]
        if key in listings and isinstance(value, list)
        else value
        for key, value in data.items()
    }


@dataclass(frozen=True, slots=True)
class ManifestFile(Generic[_Manifest]):
    """A manifest with the file that it came from, for messages that name a line.

    Attributes:
        manifest: what the file says.
        document: the file's text as data, with places.
    """

    manifest: _Manifest
    document: Document

    @classmethod
    def read(cls, file: Path) -> "ManifestFile[Any]":
        """Read and validate a manifest.

        Raises:
            ManifestError: with everything that is wrong with its form.
        """
        document = Document.read(file)
        if not isinstance(document.data, dict):
            raise ManifestError(
                Problem(
                    "is not a manifest",
                    file=file,
                    found="nothing" if document.data is None else type(document.data).__name__,
                    allowed="keys and values: name, type, model, labels, preprocess, postprocess",
                )
            )
        kind = document.data.get("type")
        if not isinstance(kind, str) or kind not in MANIFESTS:
            raise ManifestError(_bad_kind(kind, document))
        data = _long_forms(document.data, kind)
        if isinstance(data.get("then"), list):
            data["then"] = [
                _long_forms(second, kind) if isinstance(second, dict) else second
                for second in data["then"]
            ]
        read: ManifestFile[Any] = ManifestFile(validate(MANIFESTS[kind], data, document), document)
        problems = [
            problem
            for stage in read.stages()
            for section in SECTIONS
            for problem in read._entry_problems(section, stage)
        ]
        for stage in read.stages() if not problems else ():
            disorder = in_order(kind, read.steps("postprocess", stage).values(), bool(stage))
            if disorder:
                here = (*stage, "postprocess")
                problems.append(document.problem(here, disorder, code="step-order"))
        if problems:
            raise ManifestError(*problems)
        return read

    def stages(self) -> list[Path_]:
        """The places in the manifest that list steps: the top, and each of `then`."""
        return [(), *(("then", number) for number in range(len(self._seconds)))]

    def stage(self, stage: Path_) -> Manifest | SecondModel:
        """What the manifest says at one of its stages."""
        return self._seconds[int(stage[1])] if stage else self.manifest

    @property
    def _seconds(self) -> tuple[SecondModel, ...]:
        """The second models, which only detectors have."""
        return self.manifest.then if isinstance(self.manifest, DetectorManifest) else ()

    def steps(self, section: Section, stage: Path_ = ()) -> dict[Path_, Step]:
        """The steps of a stage's section in order, each with its path in the manifest."""
        found: dict[Path_, Step] = {}
        for number, entry in enumerate(getattr(self.stage(stage), section)):
            found |= {
                (*stage, section, number, name): step for name, step in entry if step is not None
            }
        return found

    def _entry_problems(self, section: Section, stage: Path_) -> list[Problem]:
        """Entries that do not name exactly one step."""
        problems = []
        for number, entry in enumerate(getattr(self.stage(stage), section)):
            names = [name for name, step in entry if step is not None]
            if len(names) != 1:
                problems.append(
                    self.document.problem(
                        (*stage, section, number),
                        f"names {len(names)} steps; each entry of the list is one",
                        ", ".join(names) or "nothing",
                        "a step's name, `name: value`, or `name: {field: value}`",
                        "begin each step with its own `- `" if len(names) > 1 else "",
                        "step-entry",
                    )
                )
        return problems

    def resolve(self, path: str) -> Path:
        """A path that the manifest gives, relative to its own folder."""
        return self.document.file.parent / path


def _bad_kind(kind: object, document: Document) -> Problem:
    """What is wrong with a manifest's `type`, on which the meaning of all else depends."""
    allowed = " or ".join(f"'{name}'" for name in MANIFESTS)
    if kind is None:
        return document.problem(("type",), "is missing", allowed=allowed, code="missing-key")
    found = document.found(("type",))
    hint = did_you_mean(found, MANIFESTS)
    return document.problem(("type",), "has the wrong value", found, allowed, hint, "wrong-value")
