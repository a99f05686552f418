"""build.lock: the digests of a function's inputs and of its generated files."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from builder.plan.difference import Difference
from builder.plan.reduction import Reduction
from builder.targets import plain_yaml

LOCK = "build.lock"
"""The name of the lock file at the top of a function's directory."""

_NOTE = "# SHA-256 of what this function was built from and of every generated file.\n"


@dataclass(frozen=True, slots=True)
class Lock:
    """The content of a build.lock. All digests are SHA-256 in hexadecimal.

    Attributes:
        cvatbuild: version of the tool that wrote the function.
        manifest: name of the manifest -> its digest.
        files: path of each generated file, relative to the function's directory -> its digest.
        sources: path of each model file that a transform changed -> digest of the file that the
            manifest names. Model files that were copied unchanged are in `files` alone.
        changes: path of each model file that a transform computed -> digest of what determines its
            content: the file that the manifest names, and the change.
        precision: variant whose models have reduced precision -> `key`, which stands for all that
            determines the difference from float32, and the difference.
        calibration: path of each image that calibrated a model, or on which a difference was
            measured -> its digest.
    """

    cvatbuild: str
    manifest: dict[str, str]
    files: dict[str, str]
    sources: dict[str, str] = field(default_factory=dict)
    changes: dict[str, str] = field(default_factory=dict)
    precision: dict[str, dict[str, Any]] = field(default_factory=dict)
    calibration: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> "Lock | None":
        """Return the lock of a function's directory, or None if it is absent or not readable."""
        try:
            return cls.load(folder)
        except ValueError:
            return None

    @classmethod
    def load(cls, folder: Path) -> "Lock":
        """Return the lock of a function's directory.

        Raises:
            ValueError: it is absent, or not a lock; its text is the reason.
        """
        data = plain_yaml.read(folder / LOCK)
        files = _digests(plain_yaml.value_at(data, "files"), "files")
        names = ("manifest", "sources", "changes", "calibration")
        others = {name: _digests(data.get(name, {}), name) for name in names}
        precision = data.get("precision", {})
        if not isinstance(precision, dict) or not all(
            isinstance(it, dict) for it in precision.values()
        ):
            raise ValueError("`precision` has no keys and values")
        return cls(
            str(data.get("cvatbuild", "")),
            files=files,
            precision={str(name): dict(it) for name, it in precision.items()},
            **others,
        )

    @property
    def computed(self) -> dict[str, str]:
        """Digest of what determines a computed file's content -> digest of the file."""
        return {key: self.files[path] for path, key in self.changes.items() if path in self.files}

    @property
    def differences(self) -> dict[str, Difference]:
        """Key of each difference from float32 -> the difference. Invalid ones are left out."""
        found = {}
        for given in self.precision.values():
            with suppress(KeyError, TypeError, ValueError, AttributeError):
                values = {str(kind): float(size) for kind, size in given["difference"].items()}
                found[str(given["key"])] = Difference(
                    int(given["images"]), int(given["objects"]), values
                )
        return found

    def text(self) -> str:
        """Return the file's text, without empty sections after `files`."""
        data: dict[str, object] = {
            "cvatbuild": self.cvatbuild,
            "manifest": self.manifest,
            "files": self.files,
        }
        for name in ("sources", "changes", "precision", "calibration"):
            if getattr(self, name):
                data[name] = getattr(self, name)
        return _NOTE + yaml.safe_dump(data, sort_keys=False, width=4096)


def recorded(
    reductions: Iterable[Reduction],
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Return the sections `precision` and `calibration` for measured reductions."""
    precision: dict[str, dict[str, Any]] = {}
    calibration: dict[str, str] = {}
    for reduction in reductions:
        difference = reduction.difference
        assert difference is not None
        precision[reduction.variant] = {
            "precision": reduction.precision,
            "key": reduction.key,
            "images": difference.images,
            "objects": difference.objects,
            "difference": dict(difference.values),
        }
        calibration |= reduction.calibration
    return precision, dict(sorted(calibration.items()))


def _digests(data: object, name: str) -> dict[str, str]:
    """Return a mapping from path to digest with keys and values as text.

    Raises:
        ValueError: the section `name` is no mapping.
    """
    if not isinstance(data, dict):
        raise ValueError(f"`{name}` has no keys and values")
    return {str(path): str(digest) for path, digest in data.items()}
