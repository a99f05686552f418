"""The answers of a function that are kept between runs, in an SQLite file.

One file belongs to one variant of one function. It has two tables:

    meta      key, value: `identity` says which function gave the answers; see `identity_of`
    answers   key: SHA-256 of a sample's images and prompt; answer: JSON, compressed by zlib;
              requests and milliseconds: their number, and how long they took together

Answers are found by the content of the images, so that a corrected annotation reuses them and a
changed image does not. A change of any file of the function, or of its inference runtime, empties
the store. Samples without a usable answer are not stored. SQLite's journal keeps the file intact if
the process is killed.
"""

import hashlib
import json
import sqlite3
import weakref
import zlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import monotonic
from typing import Self

from builder.backends.registry import backends_of
from builder.diagnostics.errors import OutputError
from builder.diagnostics.problem import Problem
from builder.evaluation.measure import Sample
from builder.manifest.variants import VariantName
from builder.model.download import cache_folder
from builder.targets.lock import LOCK, Lock

_FORMAT = 2
"""Version of the tables and of the answers. A change of either must raise it."""

_SECONDS = 1.0
"""Answers are written together, this often: so many seconds of work are lost by a kill."""

_TABLES = """
create table if not exists meta (key text primary key, value text);
create table if not exists answers (
    key blob primary key, answer blob, requests integer, milliseconds real
) without rowid;
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """An answer in the store.

    Attributes:
        answer: JSON-like data.
        requests: how many requests were sent.
        milliseconds: how long the function worked on all of them.
    """

    answer: object
    requests: int
    milliseconds: float


def store_path(folder: Path | None, function: Path, variant: VariantName) -> Path:
    """Return the path of a variant's store.

    Args:
        folder: the value of --store; by default `evaluation` in the cache folder of cvatbuild.
        function: the function's directory. Functions of the same name in different directories get
            different files.
        variant: the variant.
    """
    place = hashlib.sha256(str(function.resolve()).encode("utf-8", "surrogateescape"))
    name = f"{function.resolve().name}-{variant}-{place.hexdigest()[:8]}.sqlite"
    return (folder or cache_folder() / "evaluation") / name


def identity_of(function: Path, variant: VariantName, *, device: str) -> str:
    """Return a digest of what the answers of a function depend on.

    These are the files that build.lock lists, as they are now, the lock itself, the inference
    runtimes of the variant and the device.

    Args:
        function: directory of a complete function.
        variant: the variant.
        device: the device that the function runs on.
    """
    digest = hashlib.sha256(f"{_FORMAT} {variant} {device}".encode())
    lock = Lock.read(function)
    for path in (LOCK, *sorted(lock.files if lock else ())):
        digest.update(path.encode("utf-8", "surrogateescape"))
        digest.update(_digest(function / path))
    for backend in backends_of(variant):
        digest.update(f"{backend.module} {_version(backend.package.partition('[')[0])}".encode())
    return digest.hexdigest()


def key_of(sample: Sample) -> bytes:
    """Return the key of a sample's answer.

    Raises:
        OSError: an image cannot be read.
    """
    digest = hashlib.sha256()
    for image in sample.images:
        digest.update(_digest(image.file))
    digest.update(json.dumps(sample.prompt, sort_keys=True).encode())
    return digest.digest()


class Store:
    """The answers of one variant of a function."""

    def __init__(
        self, path: Path, identity: str, *, clock: Callable[[], float] = monotonic
    ) -> None:
        """Open or create a store; answers of another function are deleted.

        Args:
            path: the file.
            identity: see identity_of.
            clock: time in seconds.

        Raises:
            OutputError: the file cannot be opened, or another program wrote it.
        """
        self.hits = 0
        self._path = path
        self._clock = clock
        self._waiting: dict[bytes, tuple[bytes, int, float]] = {}
        self._written = clock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Another run on the same store writes for a moment only.
            self._database = sqlite3.connect(path, timeout=60)
            weakref.finalize(self, self._database.close)
            self._database.executescript(_TABLES)
            with self._database:
                row = self._database.execute(
                    "select value from meta where key = 'identity'"
                ).fetchone()
                if row != (identity,):
                    self._database.execute("delete from answers")
                    self._database.execute(
                        "insert or replace into meta values ('identity', ?)", (identity,)
                    )
        except (OSError, sqlite3.Error) as error:
            raise self._error(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Write the waiting answers and close the file."""
        with closing(self._database):
            self.flush()

    def get(self, key: bytes) -> Stored | None:
        """Return a stored answer, or None.

        Raises:
            OutputError: the file is damaged.
        """
        try:
            row = (
                self._waiting.get(key)
                or self._database.execute(
                    "select answer, requests, milliseconds from answers where key = ?", (key,)
                ).fetchone()
            )
            if row is None:
                return None
            answer, requests, milliseconds = row
            self.hits += 1
            return Stored(json.loads(zlib.decompress(answer)), requests, milliseconds)
        except (sqlite3.Error, zlib.error, ValueError, TypeError) as error:
            raise self._error(error) from error

    def put(self, key: bytes, stored: Stored) -> None:
        """Store an answer; it is written within a second, or when the store is closed.

        Raises:
            OutputError: the file cannot be written.
        """
        answer = zlib.compress(json.dumps(stored.answer).encode(), 1)
        self._waiting[key] = answer, stored.requests, stored.milliseconds
        if self._clock() - self._written >= _SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write the waiting answers in one transaction.

        Raises:
            OutputError: the file cannot be written.
        """
        try:
            with self._database:
                self._database.executemany(
                    "insert or replace into answers values (?, ?, ?, ?)",
                    [(key, *row) for key, row in self._waiting.items()],
                )
        except sqlite3.Error as error:
            raise self._error(error) from error
        self._waiting.clear()
        self._written = self._clock()

    def _error(self, error: Exception) -> OutputError:
        """Return the error for an unusable file of stored answers."""
        return OutputError(
            Problem(
                f"the stored answers cannot be used: {error}",
                file=self._path,
                hint="delete the file, or pass another directory with --store DIR",
            )
        )


def _digest(file: Path) -> bytes:
    """Return the SHA-256 of a file.

    Raises:
        OSError: it cannot be read.
    """
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()


def _version(package: str) -> str:
    """Return the version of an installed package; empty if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
