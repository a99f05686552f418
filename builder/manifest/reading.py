"""Reading a manifest from its file, with the location of every value."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from builder.diagnostics.collector import Diagnostics
from builder.diagnostics.errors import ManifestError
from builder.diagnostics.path import Path_
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule
from builder.diagnostics.text import closest, did_you_mean, has_controls
from builder.manifest.located_yaml import LocatedYaml
from builder.manifest.pydantic_errors import INVALID_VALUE, MISSING_KEY
from builder.manifest.recovery import read_recovering
from builder.manifest.schema import MANIFESTS, DetectorManifest, Manifest, SecondModel
from builder.manifest.steps import long_form, order_error
from runtimes.step import Step

NOT_A_MANIFEST = Rule(
    "not-a-manifest",
    "Not a manifest",
    "The file contains no keys and values.",
)
FILE_NAME = Rule(
    "file-name",
    "File name contains control characters",
    "The generated files name the manifest that they were generated from.",
)
STEP_ENTRY = Rule(
    "step-entry",
    "Entry is not exactly one step",
    "Each entry of `preprocess` and `postprocess` is exactly one step.",
)
STEP_ORDER = Rule(
    "step-order",
    "Invalid order of steps",
    "Instances are decoded first, then refined, then drawn.",
)

_Manifest = TypeVar("_Manifest", bound=Manifest, covariant=True)

Section = Literal["preprocess", "postprocess"]
SECTIONS: tuple[Section, ...] = ("preprocess", "postprocess")

_STEP_DEPTH = 2
"""The number of keys from a list to a step: its index and its name."""


@dataclass(frozen=True, slots=True)
class ManifestFile(Generic[_Manifest]):
    """A manifest with the file that it was read from.

    Attributes:
        manifest: the content of the file.
        yaml: the file, with the location of every value.
    """

    manifest: _Manifest
    yaml: LocatedYaml

    @property
    def path(self) -> Path:
        """The path of the file."""
        return self.yaml.file

    def problem(
        self,
        path: Path_,
        what: str,
        found: str = "",
        allowed: str = "",
        hint: str = "",
        rule: Rule | None = None,
    ) -> Problem:
        """Return a problem with the value at `path`."""
        return self.yaml.problem(path, what, found, allowed, hint, rule)

    def stages(self) -> list[Path_]:
        """Return the paths of the parts that list steps: the top, and each entry of `then`."""
        return [(), *(("then", number) for number in range(len(self._seconds)))]

    def stage(self, stage: Path_) -> Manifest | SecondModel:
        """Return the part of the manifest at one of its stages."""
        return self._seconds[int(stage[1])] if stage else self.manifest

    @property
    def _seconds(self) -> tuple[SecondModel, ...]:
        """The second models; empty unless the function is a detector."""
        return self.manifest.then if isinstance(self.manifest, DetectorManifest) else ()

    def steps(self, section: Section, stage: Path_ = ()) -> dict[Path_, Step]:
        """Return the steps of a stage's section in order, by their paths in the manifest."""
        found: dict[Path_, Step] = {}
        for number, entry in enumerate(getattr(self.stage(stage), section)):
            found |= {
                (*stage, section, number, name): step for name, step in entry if step is not None
            }
        return found

    def resolve(self, path: str) -> Path:
        """Return a path from the manifest, which is relative to the manifest's folder."""
        return self.path.parent / path


def read_manifest(file: Path, diagnostics: Diagnostics) -> ManifestFile[Any] | None:
    """Read a manifest, and recover from its mistakes.

    Args:
        file: the manifest.
        diagnostics: receives the problems and the recovered locations.

    Returns:
        The manifest with neutral values in place of invalid ones; None if recovery failed.

    Raises:
        ManifestError: the file is not YAML, or its name contains control characters.
    """
    if has_controls(file.name):
        what = "the file name contains control characters"
        raise ManifestError(
            Problem(
                what, file, allowed="printable characters", hint="rename the file", rule=FILE_NAME
            )
        )
    source = LocatedYaml.read(file)
    if not isinstance(source.data, dict):
        diagnostics.add([_not_a_manifest(source)])
        return None
    given = source.data.get("type")
    type_ = given if isinstance(given, str) and given in MANIFESTS else None
    if type_ is None:
        diagnostics.add([_unknown_type(given, source)])
        type_ = closest(str(given), MANIFESTS)
        if type_ is None:
            return None
    data = _long_forms({**source.data, "type": type_}, type_)
    if isinstance(data.get("then"), list):
        data["then"] = [
            _long_forms(second, type_) if isinstance(second, dict) else second
            for second in data["then"]
        ]
    manifest = read_recovering(MANIFESTS[type_], data, source, diagnostics)
    if manifest is None:
        return None
    read = ManifestFile(manifest, source)
    for stage in read.stages():
        for section in SECTIONS:
            _check_steps(read, section, stage, diagnostics)
    return read


def _long_forms(data: dict[str, Any], type_: str) -> dict[str, Any]:
    """Return a stage of a manifest with every step in its long form."""
    listings = {"preprocess": "preprocess", "postprocess": type_}
    return {
        key: [long_form(listings[key], entry) for entry in value]
        if key in listings and isinstance(value, list)
        else value
        for key, value in data.items()
    }


def _check_steps(
    manifest_file: ManifestFile[Any], section: Section, stage: Path_, diagnostics: Diagnostics
) -> None:
    """Check that each entry of a list is one step, and that the steps are in order."""
    path: Path_ = (*stage, section)
    entries = _invalid_entries(manifest_file, section, stage)
    diagnostics.add(entries.values(), whole=True)
    for entry in entries:
        diagnostics.recover(entry)
    if diagnostics.is_affected(path, _STEP_DEPTH):
        diagnostics.mark_incomplete(path)
    elif section == "postprocess":
        steps = manifest_file.steps(section, stage).values()
        error = order_error(manifest_file.manifest.type, steps, is_second=bool(stage))
        if error:
            diagnostics.add([manifest_file.problem(path, error, rule=STEP_ORDER)])
            diagnostics.recover(path)


def _invalid_entries(
    manifest_file: ManifestFile[Any], section: Section, stage: Path_
) -> dict[Path_, Problem]:
    """Return the problems of the entries that are not exactly one step, by their paths."""
    problems = {}
    for number, entry in enumerate(getattr(manifest_file.stage(stage), section)):
        names = [name for name, step in entry if step is not None]
        if len(names) != 1:
            path = (*stage, section, number)
            problems[path] = manifest_file.problem(
                path,
                f"the entry has {len(names)} steps; exactly one is allowed",
                ", ".join(names) or "nothing",
                "a step's name, `name: value`, or `name: {field: value}`",
                "begin each step with `- `" if len(names) > 1 else "",
                STEP_ENTRY,
            )
    return problems


def _not_a_manifest(source: LocatedYaml) -> Problem:
    """Return the problem of a file that contains no keys."""
    return Problem(
        "is not a manifest",
        file=source.file,
        found="nothing"
        if source.data is None
        else "a list"
        if isinstance(source.data, list)
        else "a single value",
        allowed="keys and values: name, type, model, labels, preprocess, postprocess",
        hint="`cvatbuild init MODEL -o FILE` writes a manifest",
        rule=NOT_A_MANIFEST,
    )


def _unknown_type(given: object, source: LocatedYaml) -> Problem:
    """Return the problem of a missing or invalid `type`."""
    allowed = " or ".join(f"'{name}'" for name in MANIFESTS)
    if given is None:
        return source.problem(("type",), "is missing", allowed=allowed, rule=MISSING_KEY)
    found = source.found(("type",))
    hint = did_you_mean(found, MANIFESTS)
    return source.problem(("type",), "invalid value", found, allowed, hint, INVALID_VALUE)
