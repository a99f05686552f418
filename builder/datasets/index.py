"""A temporary index of images and their objects, which keeps a dataset out of memory."""

import sqlite3
import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from builder.datasets.value import Place

_TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -8000;
PRAGMA temp_store = FILE;
CREATE TABLE image (name TEXT UNIQUE, root INTEGER, file TEXT, key TEXT, data BLOB);
CREATE TABLE object (key TEXT, data BLOB);
BEGIN;
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """An image of the index.

    Attributes:
        name: see LabeledImage.
        root, file: the image file, see ImageFiles.
        key: what its objects refer to.
        data: what the format stored with the image.
    """

    name: str
    root: int
    file: str
    key: str = ""
    data: bytes = b""


class Index:
    """Images in order, each with its objects, in a SQLite file.

    Args:
        folder: where the file is created.
    """

    def __init__(self, folder: Path) -> None:
        self._base = sqlite3.connect(
            folder / "index.sqlite", isolation_level=None, check_same_thread=False
        )
        weakref.finalize(self, self._base.close)
        self._base.executescript(_TABLES)
        self._count = 0

    def add(self, entry: Entry, place: Place) -> None:
        """Add an image.

        Args:
            entry: the image.
            place: where the dataset names it.

        Raises:
            DatasetError: there is an image of this name, or the name is not UTF-8.
        """
        row = (entry.name, entry.root, entry.file, entry.key, entry.data)
        try:
            self._base.execute("INSERT INTO image VALUES (?, ?, ?, ?, ?)", row)
        except UnicodeEncodeError as error:
            raise place.error(
                "is a file name that is not UTF-8", entry.name, hint="rename the file"
            ) from error
        except sqlite3.IntegrityError as error:
            raise place.error(
                "has the name of another image", entry.name, "a name once in the dataset"
            ) from error

    def add_object(self, key: str, data: bytes) -> None:
        """Add an object of the image with a key."""
        self._base.execute("INSERT INTO object VALUES (?, ?)", (key, data))

    def finish(self, place: Place, by_name: bool = False) -> None:
        """Fix the order of the images; call it after the last one is added.

        Args:
            place: the dataset, for messages.
            by_name: whether images are sorted by their names; otherwise they keep their order.

        Raises:
            DatasetError: two images are the same file, or have the same key.
        """
        self._base.execute(
            "CREATE TABLE position AS SELECT rowid AS image FROM image "
            "ORDER BY CASE WHEN ? THEN name END, rowid",
            (by_name,),
        )
        self._base.execute("CREATE INDEX by_key ON object (key)")
        self._base.execute("CREATE INDEX by_file ON image (file, root)")
        self._base.execute("CREATE INDEX image_by_key ON image (key)")
        twice = self._base.execute(
            "SELECT key FROM image WHERE key != '' GROUP BY key HAVING count(*) > 1 LIMIT 1"
        ).fetchone()
        if twice:
            raise place.error("two images have the same ID", twice[0])
        same = self._base.execute(
            "SELECT a.name, b.name, a.file FROM image a JOIN image b "
            "ON a.file = b.file AND a.root = b.root AND a.rowid < b.rowid LIMIT 1"
        ).fetchone()
        if same:
            raise place.error(
                "two images have the same file",
                f"{same[0]} and {same[1]}: {same[2]}",
                hint="keep the folders of the dataset below `--images DIR`",
            )
        (self._count,) = self._base.execute("SELECT count(*) FROM image").fetchone()

    def stray(self) -> str | None:
        """Return a key of an object that no image has, or None."""
        row = self._base.execute(
            "SELECT key FROM object WHERE key NOT IN (SELECT key FROM image) LIMIT 1"
        ).fetchone()
        return row[0] if row else None

    def has(self, key: str) -> bool:
        """Return whether an image has a key; only after `finish`."""
        row = self._base.execute("SELECT 1 FROM image WHERE key = ? LIMIT 1", (key,))
        return row.fetchone() is not None

    def __len__(self) -> int:
        """Return the number of images."""
        return self._count

    def __getitem__(self, position: int) -> tuple[Entry, list[bytes]]:
        """Return an image and its objects in the order in which they were added."""
        row = self._base.execute(
            "SELECT name, root, file, key, data FROM image WHERE rowid = "
            "(SELECT image FROM position WHERE rowid = ?)",
            (position + 1,),
        ).fetchone()
        entry = Entry(*row)
        objects: Iterable[tuple[bytes]] = self._base.execute(
            "SELECT data FROM object WHERE key = ? ORDER BY rowid", (entry.key,)
        )
        return entry, [data for (data,) in objects]

    def close(self) -> None:
        """Close the file."""
        self._base.close()
