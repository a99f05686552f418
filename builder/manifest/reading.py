"""A manifest read from its file, with the place of everything that it says."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from builder.diagnostics.errors import ManifestError, Problem, closest, did_you_mean
from builder.diagnostics.text import has_controls
from builder.manifest.located_yaml import Document, Path_
from builder.manifest.recovery import apart, has_part_in, mend
from builder.manifest.schema import MANIFESTS, DetectorManifest, Manifest, SecondModel
from builder.manifest.steps import in_order, long_form
from runtimes.step import Step

_Manifest = TypeVar("_Manifest", bound=Manifest, covariant=True)

Section = Literal["preprocess", "postprocess"]
SECTIONS: tuple[Section, ...] = ("preprocess", "postprocess")

_STEP = 2
"""How many keys below a list a step lies: its number and its name. Below are its own fields."""


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
        reading = Reading.of(file)
        if reading.problems or reading.read is None:
            raise ManifestError(*reading.problems)
        return reading.read

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

    def resolve(self, path: str) -> Path:
        """A path that the manifest gives, relative to its own folder."""
        return self.document.file.parent / path


@dataclass(frozen=True, slots=True)
class Reading:
    """What could be read of a manifest, whatever mistakes it has.

    Attributes:
        read: the manifest, mended where it was wrong; None where that is not possible.
        problems: everything that is wrong with its form.
        doubtful: the places that were mended; see builder.manifest.recovery.
    """

    read: ManifestFile[Any] | None
    problems: tuple[Problem, ...]
    doubtful: frozenset[Path_] = frozenset()

    @classmethod
    def of(cls, file: Path) -> "Reading":
        """Read a manifest.

        Raises:
            ManifestError: the file is no YAML, or no line of text can hold its name.
        """
        if has_controls(file.name):
            what = "has a name that the files which are generated from it cannot repeat"
            allowed = "letters that can be seen"
            raise ManifestError(
                Problem(what, file, allowed=allowed, hint="rename it", code="file-name")
            )
        document = Document.read(file)
        if not isinstance(document.data, dict):
            return cls(None, (_no_manifest(document),))
        kind = document.data.get("type")
        unknown: tuple[Problem, ...] = ()
        if not isinstance(kind, str) or kind not in MANIFESTS:
            unknown = (_bad_kind(kind, document),)
            meant = closest(str(kind), MANIFESTS)
            if meant is None:
                return cls(None, unknown)
            kind = meant
        data = _long_forms({**document.data, "type": kind}, kind)
        if isinstance(data.get("then"), list):
            data["then"] = [
                _long_forms(second, kind) if isinstance(second, dict) else second
                for second in data["then"]
            ]
        mended = mend(MANIFESTS[kind], data, document)
        if mended.value is None:
            return cls(None, (*unknown, *mended.problems))
        read = ManifestFile(mended.value, document)
        problems, doubtful = [*unknown, *mended.problems], set(mended.doubtful)
        for stage in read.stages():
            for section in SECTIONS:
                here: Path_ = (*stage, section)
                entries = _entry_problems(read, section, stage)
                problems += apart(entries.values(), doubtful)
                doubtful |= set(entries)
                order = in_order(kind, read.steps(section, stage).values(), bool(stage))
                if section == "postprocess" and order and not has_part_in(doubtful, here, _STEP):
                    problems.append(document.problem(here, order, code="step-order"))
                    doubtful.add(here)
        return cls(read, tuple(problems), frozenset(doubtful))

    def is_whole(self, section: Path_) -> bool:
        """Whether a list of steps has all that the file gives it, in an order that works."""
        return not has_part_in(self.doubtful, section, _STEP)


def _entry_problems(
    read: ManifestFile[Any], section: Section, stage: Path_
) -> dict[Path_, Problem]:
    """Entries of a list that do not name exactly one step."""
    problems = {}
    for number, entry in enumerate(getattr(read.stage(stage), section)):
        names = [name for name, step in entry if step is not None]
        if len(names) != 1:
            path = (*stage, section, number)
            problems[path] = read.document.problem(
                path,
                f"names {len(names)} steps; each entry of the list is one",
                ", ".join(names) or "nothing",
                "a step's name, `name: value`, or `name: {field: value}`",
                "begin each step with its own `- `" if len(names) > 1 else "",
                "step-entry",
            )
    return problems


def _no_manifest(document: Document) -> Problem:
    """What is wrong with a file that holds no keys."""
    return Problem(
        "is not a manifest",
        file=document.file,
        found="nothing" if document.data is None else type(document.data).__name__,
        allowed="keys and values: name, type, model, labels, preprocess, postprocess",
        hint="`cvatbuild init MODEL -o FILE` writes one",
        code="no-manifest",
    )


def _bad_kind(kind: object, document: Document) -> Problem:
    """What is wrong with a manifest's `type`, on which the meaning of all else depends."""
    allowed = " or ".join(f"'{name}'" for name in MANIFESTS)
    if kind is None:
        return document.problem(("type",), "is missing", allowed=allowed, code="missing-key")
    found = document.found(("type",))
    hint = did_you_mean(found, MANIFESTS)
    return document.problem(("type",), "has the wrong value", found, allowed, hint, "wrong-value")
