"""Write a threshold into a manifest, without a change of anything else."""

import os
from pathlib import Path

import yaml

from builder.diagnostics.errors import CommandLineError, OutputError
from builder.diagnostics.problem import Problem
from builder.manifest.located_yaml import LocatedYaml
from builder.targets.lock import Lock

KEY = "threshold"


def require_manifest_of(manifest: Path, function: Path) -> None:
    """Check that a function was built from a manifest of this name, which can be edited.

    Raises:
        CommandLineError: it was built from another manifest, or the manifest cannot be edited.
        ManifestError: the manifest is not YAML.
    """
    lock = Lock.read(function)
    names = list(lock.manifest) if lock else []
    if manifest.name not in names:
        raise CommandLineError(
            Problem(
                f"is not the manifest that {function} was built from",
                file=manifest,
                found=manifest.name,
                allowed=", ".join(names),
            )
        )
    edited(LocatedYaml.read(manifest), _text_of(manifest), 0.5)


def write_threshold(manifest: Path, threshold: float) -> None:
    """Replace the value of `threshold`, or add the key after `type`.

    Raises:
        CommandLineError, ManifestError: see require_manifest_of.
        OutputError: the file cannot be written.
    """
    text = edited(LocatedYaml.read(manifest), _text_of(manifest), threshold)
    new = manifest.with_name(f".{manifest.name}.new")
    try:
        with new.open("w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        os.chmod(new, manifest.stat().st_mode & 0o7777)
        # A symbolic link stays one.
        os.replace(new, manifest.resolve())
    except OSError as error:
        raise OutputError(
            Problem(f"cannot be written: {error.strerror or error}", file=manifest)
        ) from error


def edited(source: LocatedYaml, text: str, threshold: float) -> str:
    """Return the text of a manifest with another threshold.

    Args:
        source: the manifest.
        text: its text.
        threshold: the new value.

    Raises:
        CommandLineError: the key cannot be changed without a change of something else.
    """
    root = yaml.compose(text, yaml.SafeLoader)
    pairs = dict(_pairs(root))
    value, after = pairs.get(KEY), pairs.get("type")
    shown = f"{threshold:g}"
    if value is not None:
        start, end = value.start_mark.index, value.end_mark.index
        changed = f"{text[:start]}{shown}{text[end:]}"
    elif after is not None:
        place = text.find("\n", after.end_mark.index) + 1
        head = text if place else f"{text}\n"
        place = place or len(head)
        changed = f"{head[:place]}{KEY}: {shown}\n{head[place:]}"
    else:
        changed = text
    try:
        data = yaml.safe_load(changed)
    except yaml.YAMLError:
        data = None
    if data != {**source.data, KEY: float(shown)}:
        raise CommandLineError(
            Problem(
                "the threshold cannot be written without a change of something else",
                file=source.file,
                hint=f"write `{KEY}: {shown}` by hand",
            )
        )
    return changed


def _pairs(root: yaml.Node | None) -> list[tuple[str, yaml.Node]]:
    """Return the keys and values of a mapping in block style; nothing for other nodes."""
    if not isinstance(root, yaml.MappingNode) or root.flow_style:
        return []
    return [(str(key.value), value) for key, value in root.value]


def _text_of(manifest: Path) -> str:
    """Return the text of a manifest that LocatedYaml has read, with its line ends.

    Raises:
        CommandLineError: it is not UTF-8.
    """
    try:
        return manifest.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise CommandLineError(
            Problem("is not UTF-8 text, so it cannot be edited", file=manifest)
        ) from error
