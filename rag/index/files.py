"""What the index remembers of the files its documents came from, so that it need not read them.

A record says how a file looked when it was read (size, time, SHA-256), by which version of the
loaders, and what was found in it. Records are a shortcut: without one a file is read again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import astuple, dataclass

COLUMNS = "path, source, size, modified, sha256, loaders, found"


@dataclass(frozen=True, slots=True)
class Found:
    """One thing found in a file: a document, by its id, or a part left out, by the `reason`.

    `place` is the file's source, with the line for a row of a JSON-lines file; `text` is the
    document's content id, which tells equal texts.
    """

    place: str
    id: str = ""
    text: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file as it was read.

    `path` is absolute, `source` as the user gave it. `modified` is in nanoseconds; -1 when the
    file was so young that its time does not tell, and only the hash counts.
    """

    path: str
    source: str
    size: int
    modified: int
    sha256: str
    loaders: str
    found: tuple[Found, ...] = ()

    @property
    def ids(self) -> frozenset[str]:
        """The documents in the file."""
        return frozenset(found.id for found in self.found if not found.reason)


def read(connection: sqlite3.Connection, path: str = "") -> Iterator[FileRecord]:
    """Yield every record, or one path's, that can be read; a damaged one is as good as none."""
    query = f"SELECT {COLUMNS} FROM files"
    for row in connection.execute(*((f"{query} WHERE path = ?", (path,)) if path else (query,))):
        path, source, size, modified, sha256, loaders, found = row
        try:
            things = tuple(Found(*one) for one in json.loads(found))
            yield FileRecord(path, source, size, modified, sha256, loaders, things)
        except (TypeError, ValueError):
            continue


def write(connection: sqlite3.Connection, record: FileRecord) -> None:
    """Add a record, or replace the one with its path."""
    found = json.dumps([astuple(one) for one in record.found])
    connection.execute(
        f"INSERT OR REPLACE INTO files ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            *(record.path, record.source, record.size, record.modified),
            *(record.sha256, record.loaders, found),
        ),
    )


def forget(connection: sqlite3.Connection, path: str) -> None:
    """Remove a record."""
    connection.execute("DELETE FROM files WHERE path = ?", (path,))
