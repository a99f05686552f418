"""Volumes of a function's container in the manifest."""

import posixpath
from collections import Counter
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, model_validator

from builder.diagnostics.errors import Refused
from builder.diagnostics.rule import Rule
from builder.manifest.patterns import pattern
from builder.manifest.validation import Strict

VOLUME_SOURCE = Rule(
    "volume-source",
    "Volume needs exactly one source",
    "Kubernetes refuses the function's pods.",
)
VOLUME_MOUNT = Rule(
    "volume-mount",
    "Volume hides other files",
    "The function does not start, or reads other files than those that were tested.",
)

CODE = "/opt/nuclio"
"""The folder of the function's code and model files in the image."""

_SYSTEM = ("/bin", "/dev", "/etc", "/lib", "/proc", "/sbin", "/sys", "/usr")
"""Folders of the image that Python and Nuclio's processor need."""

_TEMPORARY = "/tmp"  # noqa: S108

ObjectName = Annotated[
    str,
    pattern(
        r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
        "the name of a Kubernetes object: lower-case letters, digits, hyphens and points",
    ),
    Field(max_length=253),
]
_VolumeName = Annotated[
    str,
    pattern(r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", "lower-case letters, digits and hyphens"),
]
_Path = Annotated[
    str,
    pattern(r"^/[^\s:'\"\\]*$", "an absolute path without spaces, colons and quotes"),
]
_SubPath = Annotated[
    str,
    pattern(r"^[^/\s:'\"\\][^\s:'\"\\]*$", "a path relative to the volume, without spaces"),
]


class Volume(Strict):
    """A volume, with exactly one of `host_path`, `claim`, `config_map` and `secret`."""

    name: _VolumeName
    """Name of the volume. Entries with the same name and source mount one volume at several
    places."""
    mount: _Path
    """Path in the container: a folder outside of /opt/nuclio; or, with `sub_path`, one model
    file that the variant loads, such as /opt/nuclio/model.onnx."""
    sub_path: _SubPath | None = None
    """Path of a single file or folder in the volume to mount. Default: the whole volume."""
    read_only: bool = True
    """Whether the container cannot write to the volume. A volume at /tmp needs `false`."""
    host_path: _Path | None = None
    """Folder or file of the node."""
    claim: ObjectName | None = None
    """Name of a persistent volume claim."""
    config_map: ObjectName | None = None
    """Name of a config map."""
    secret: ObjectName | None = None
    """Name of a secret."""

    @model_validator(mode="after")
    def _check_source(self) -> "Volume":
        """Refuse a volume without a source or with several."""
        keys = ("host_path", "claim", "config_map", "secret")
        given = [key for key in keys if getattr(self, key) is not None]
        if len(given) != 1:
            raise Refused(
                f"the volume has {len(given)} sources" if given else "the volume has no source",
                VOLUME_SOURCE,
                allowed=f"one of {', '.join(keys)}",
                hint=f"remove {' or '.join(f'`{key}`' for key in given)}"
                if given
                else "add `claim: NAME` or another source",
            )
        return self

    @model_validator(mode="after")
    def _check_mount(self) -> "Volume":
        """Refuse paths at which the volume would hide files that the function needs."""
        if self.sub_path is not None and ".." in self.sub_path.split("/"):
            raise Refused("`..` leaves the volume", VOLUME_MOUNT, "sub_path")
        mount = posixpath.normpath(self.mount)
        # Kubernetes mounts config maps and secrets read-only in any case.
        fixed = self.config_map is not None or self.secret is not None
        if mount == _TEMPORARY and (self.read_only or fixed):
            raise Refused(
                f"the function needs a writable {_TEMPORARY}, and the volume is read-only",
                VOLUME_MOUNT,
                "mount",
                hint="write another `mount`"
                if fixed
                else "write `read_only: false`, or another `mount`",
            )
        hidden = _hidden(mount, self.sub_path is not None)
        if hidden:
            raise Refused(
                f"the volume would hide {hidden}",
                VOLUME_MOUNT,
                "mount",
                allowed="a folder of its own; or a model file in /opt/nuclio, with `sub_path`",
                hint="write `mount: /weights`, or mount a single model file with `sub_path`",
            )
        return self


def replaced_files(volumes: Sequence[Volume]) -> dict[int, str]:
    """Return index of a volume -> name of the file in the function's folder that it replaces."""
    mounts = {i: posixpath.normpath(it.mount) for i, it in enumerate(volumes)}
    inside = f"{CODE}/"
    return {i: it.removeprefix(inside) for i, it in mounts.items() if it.startswith(inside)}


def _hidden(mount: str, single: bool) -> str:
    """Return which files of the image a volume hides; empty if none that a function needs.

    Args:
        mount: the normalized path in the container.
        single: whether a single file of the volume is mounted.
    """
    if mount == "/" or CODE.startswith(f"{mount}/") or mount == CODE:
        return "the function's code"
    for folder in _SYSTEM:
        if mount == folder or mount.startswith(f"{folder}/"):
            return f"files of the image in {folder}"
    if mount.startswith(f"{CODE}/"):
        inside = mount.removeprefix(f"{CODE}/")
        is_model = single and "/" not in inside and posixpath.splitext(inside)[1] not in ("", ".py")
        return "" if is_model else "the function's code"
    return ""


def check_volumes(volumes: Sequence[Volume]) -> None:
    """Refuse two volumes at one place, and two sources under one name.

    Raises:
        Refused: two volumes contradict each other.
    """
    for mount, count in Counter(posixpath.normpath(it.mount) for it in volumes).items():
        if count > 1:
            raise Refused(
                f"{count} volumes are mounted at {mount}",
                VOLUME_MOUNT,
                "volumes",
                hint="give each volume a path of its own",
            )
    sources = {(it.name, it.host_path, it.claim, it.config_map, it.secret) for it in volumes}
    for name, count in Counter(source[0] for source in sources).items():
        if count > 1:
            raise Refused(
                f"{count} volumes have the name {name}",
                VOLUME_SOURCE,
                "volumes",
                hint="give each volume a name of its own",
            )
