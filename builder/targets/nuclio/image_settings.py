"""The keys of a variant that describe its image."""

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

from builder.backends.pins import PYTHON
from builder.diagnostics.errors import Refused
from builder.diagnostics.rule import Rule
from builder.manifest.model_source import PipPackage, Sha256
from builder.manifest.patterns import pattern
from builder.manifest.validation import Strict
from builder.manifest.variants import VariantSettings

PASSWORD_IN_URL = Rule(
    "password-in-url",
    "URL contains a password",
    "Everyone who can read the repository or the image can read the password.",
)

_AptPackage = Annotated[
    str,
    pattern(
        r"^[a-z0-9][a-z0-9+.-]+(=[A-Za-z0-9.+:~-]+)?$",
        "the name of a Debian package, maybe with `=version`",
    ),
]
_ImageName = Annotated[
    str,
    pattern(
        r"^[a-z0-9][a-z0-9._/:-]*(@sha256:[0-9a-f]{64})?$",
        "the name of a container image: `python:3.11-slim`",
    ),
    Field(max_length=255),
]


_AUTHORITY = re.compile(r"([A-Za-z0-9+.-]*://)?([^/]*)")
"""The scheme and the authority of a URL, at its beginning."""


def _no_password(url: object) -> object:
    """Refuse URLs with a password, which everyone who has the image could read.

    It runs before other checks, whose errors would print the password.
    """
    found = _AUTHORITY.match(url) if isinstance(url, str) else None
    if isinstance(url, str) and found and "@" in found[2]:
        host = found[2].rsplit("@", 1)[1]
        raise Refused(
            "a password in a URL stays in the image's history and in function.yaml, which is "
            "committed",
            PASSWORD_IN_URL,
            found=f"{found[1] or ''}***@{host}{url[found.end() :]}",
            allowed="a URL without user name and password",
            hint="use an index that trusts the build machine, or configure Docker's own `proxies` "
            "in `~/.docker/config.json`",
        )
    return url


_Index = Annotated[
    str,
    BeforeValidator(_no_password),
    pattern(
        r"^https?://[A-Za-z0-9._~:/@%\[\]-]+$",
        "an http or https URL without query: `https://pypi.example.com/simple`",
        lambda text: f"https://{text}",
    ),
    Field(max_length=512),
]
_Proxy = Annotated[
    str,
    BeforeValidator(_no_password),
    pattern(
        r"^https?://[A-Za-z0-9._~:%\[\]-]+(/[A-Za-z0-9._~:/@%-]*)?$",
        "the http or https URL of a proxy: `http://proxy.example.com:3128`",
        lambda text: f"http://{text}",
    ),
    Field(max_length=512),
]
_NoProxy = Annotated[
    str,
    pattern(
        r"^[A-Za-z0-9.*:/-]+(,[A-Za-z0-9.*:/-]+)*$",
        "host names separated by commas: `localhost,.example.com`",
    ),
]


class HashedPackage(Strict):
    """A Python package with the digests of its files."""

    package: PipPackage
    """Package with its exact version: `name==1.2.3`."""
    sha256: Annotated[tuple[Sha256, ...], Field(min_length=1)]
    """SHA-256 of each file that may be installed, as `sha256sum FILE` prints it. Its
    dependencies are not installed with it: list them, too."""


class Sources(Strict):
    """Where the image build gets packages from. Nothing of it is in the finished image."""

    index: _Index | None = None
    """URL of the package index that replaces PyPI: `https://pypi.example.com/simple`."""
    extra_indexes: tuple[_Index, ...] = ()
    """URLs of further package indexes. pip prefers none of them to `index`."""
    ca_file: Annotated[str, Field(min_length=1)] | None = None
    """Path of a PEM file with the certificates that pip trusts, relative to the manifest. It
    replaces pip's own list, so it must have all that are needed."""
    proxy: _Proxy | None = None
    """URL of the proxy for http and https: `http://proxy.example.com:3128`."""
    no_proxy: _NoProxy | None = None
    """Hosts that are reached without the proxy, separated by commas."""


class ImageSettings(VariantSettings):
    """How the image of a variant is built."""

    base_image: _ImageName = f"python:{PYTHON}-slim"
    """Base image. It must have Python 3.11 as both `python` and `python3`, and pip. With a digest,
    `python:3.11-slim@sha256:...`, each build starts from the same image."""
    user: Annotated[int, Field(ge=0, le=2**31 - 1)] = 1000
    """Number of the user and of the group that run the function, at most 2147483647 (the limit of
    Docker and Kubernetes); 0 is root."""
    apt: tuple[_AptPackage, ...] = ()
    """Additional Debian packages to install."""
    pip: tuple[PipPackage | HashedPackage, ...] = ()
    """Additional Python packages to install: `name==1.2.3`, or `{package, sha256}` with the digests
    of their files. Packages without digests are installed with their dependencies."""
    sources: Sources = Sources()
    """Package index, certificates and proxy of the image build, for networks without access to
    PyPI."""
