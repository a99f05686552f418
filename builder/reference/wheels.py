"""The table of wheels: `python -m builder.reference.wheels` asks PyPI and writes it.

Run it after a change of builder.backends.pins. Format: the JSON of PyPI's simple index (PEP 691).
Licenses are read from the wheels themselves, of which only the ends are downloaded.
"""

import io
import json
import re
import sys
import urllib.request
import zipfile
from collections.abc import Iterator
from email.parser import BytesParser
from email.policy import compat32
from pathlib import Path
from typing import Any

from builder.backends import pins
from builder.backends.wheels import TABLE

INDEX = "https://pypi.org/simple"
"""PyPI's index."""

_SIMPLE_JSON = "application/vnd.pypi.simple.v1+json"
_TIMEOUT = 60.0
_MACHINES = ("x86_64", "aarch64")

_CLASSIFIERS = {
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: BSD License": "BSD-3-Clause",
    "License :: OSI Approved :: MIT License": "MIT",
    "Apache License 2.0": "Apache-2.0",
}
"""License classifier or name -> SPDX identifier, for packages without a license expression."""


def requirements() -> list[str]:
    """Return every requirement of builder.backends.pins once, sorted."""
    groups = (
        *(pins.COMMON, pins.OPENVINO, pins.ONNXRUNTIME),
        *pins.CUDA.values(),
        *pins.CUDA_DECODE.values(),
        *pins.BY_TYPE.values(),
    )
    return sorted({it for group in groups for it in group})


def fits_images(wheel: str) -> bool:
    """Return whether a wheel, by its file name, installs on CPython 3.11 on 64-bit Linux."""
    python, abi, platform = wheel.removesuffix(".whl").split("-")[-3:]
    minor = int(pins.PYTHON.partition(".")[2])
    own = f"cp3{minor}"
    older = {f"cp3{it}" for it in range(2, minor + 1)}
    pythons = set(python.split("."))
    return (
        (bool(pythons & {own, "py3", f"py3{minor}"}) and abi in (own, "abi3", "none"))
        or (bool(pythons & older) and abi == "abi3")
    ) and any(
        it == "any" or (it.startswith(("manylinux", "linux_")) and it.endswith(_MACHINES))
        for it in platform.split(".")
    )


def entry(requirement: str, index: str = INDEX) -> dict[str, Any]:
    """Return the license and the wheels of a requirement such as `numpy==2.4.6`.

    Raises:
        LookupError: the index has no wheel of this version that images can install.
        OSError: the index does not answer.
    """
    name, _, version = requirement.partition("==")
    page = json.loads(_get(f"{index}/{name}/", _SIMPLE_JSON))
    wheels = {
        it["filename"]: it
        for it in page["files"]
        if it["filename"].endswith(".whl")
        and it["filename"].split("-")[1] == version
        and not it.get("yanked")
        and fits_images(it["filename"])
    }
    if not wheels:
        raise LookupError(f"no wheel of {requirement} for CPython {pins.PYTHON} on Linux")
    first = min(wheels)
    return {
        "license": _license(_metadata(wheels[first]["url"], wheels[first]["size"])),
        "wheels": {file: wheels[file]["hashes"]["sha256"] for file in sorted(wheels)},
    }


def _license(metadata: bytes) -> str:
    """Return the license of a package from its METADATA file, or an empty text."""
    fields = BytesParser(policy=compat32).parsebytes(metadata, headersonly=True)
    expression = fields.get("License-Expression")
    if expression:
        return str(expression)
    for classifier in fields.get_all("Classifier", []):
        if classifier in _CLASSIFIERS:
            return _CLASSIFIERS[classifier]
    # Some packages have the whole text of the license in this field.
    given = str(fields.get("License") or "")
    return _CLASSIFIERS.get(given, given) if len(given) < 64 and "\n" not in given else ""


class _Remote(io.RawIOBase):
    """A file at a URL, of which only the parts that are read are downloaded."""

    def __init__(self, url: str, size: int) -> None:
        """Take the file at `url`, which has `size` bytes."""
        self._url, self._size, self._at = url, size, 0

    def readable(self) -> bool:
        """See io.IOBase."""
        return True

    def seekable(self) -> bool:
        """See io.IOBase."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """See io.IOBase."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def readinto(self, buffer: Any) -> int:
        """See io.RawIOBase."""
        count = min(len(buffer), self._size - self._at)
        if count <= 0:
            return 0
        content = _get(self._url, "*/*", f"bytes={self._at}-{self._at + count - 1}")
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)


def _metadata(url: str, size: int) -> bytes:
    """Return the METADATA file of the wheel at a URL."""
    with zipfile.ZipFile(io.BufferedReader(_Remote(url, size), 1 << 16)) as wheel:
        (name,) = (it for it in wheel.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", it))
        return wheel.read(name)


def _get(url: str, accept: str, part: str = "") -> bytes:
    """Return the content at a URL of the index, or the range of bytes that `part` names."""
    headers = {"Accept": accept} | ({"Range": part} if part else {})
    request = urllib.request.Request(url, headers=headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as response:  # noqa: S310
        content: bytes = response.read()
    return content


def _entries(index: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each requirement with its entry, and print its name."""
    for requirement in requirements():
        sys.stderr.write(f"{requirement}\n")
        yield requirement, entry(requirement, index)


def main(arguments: list[str]) -> int:
    """Write the table. The only argument is the URL of another index."""
    index = arguments[0].rstrip("/") if arguments else INDEX
    try:
        table = dict(_entries(index))
    except (OSError, LookupError) as error:
        sys.stderr.write(f"{index}: {error}\n")
        return 1
    text = json.dumps(table, indent=1) + "\n"
    Path(str(TABLE)).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
