"""Vectors of an update that is not finished, so that the next one need not make them again.

A file beside the index, found by what was embedded and by which embedder, and removed when an
update commits. It is written about once a second, each time as one transaction, and readers of the
index never look at it: killed at any moment, the index is as it was and these vectors are kept.
A vector that does not pass its checksum, and a file that cannot be read, count as not there.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import astuple
from pathlib import Path

from rag.types import EmbedderIdentity

FILE = "staging.sqlite"
SECONDS = 1.0  # between two writes: what a kill loses at most
_TABLE = """
CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB, checksum BLOB) WITHOUT ROWID
"""


class Staging:
    """The vectors kept from an earlier update and those of this one."""

    def __init__(self, folder: Path, identity: EmbedderIdentity) -> None:
        self._path = folder / FILE
        self._salt = json.dumps(astuple(identity)).encode()
        self._size = 4 * identity.dimension
        self._connection: sqlite3.Connection | None = None
        self._waiting: list[tuple[bytes, bytes, bytes]] = []
        self._written = time.monotonic()

    def key(self, text: str) -> bytes:
        """Return what a text's vector is found by."""
        return hashlib.sha256(self._salt + b"\n" + text.encode()).digest()

    def find(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """Return the vectors there are of these, as the bytes of float32."""
        found: dict[bytes, bytes] = {}
        if self._connection is None and not self._path.is_file():
            return found
        statement = "SELECT vector, checksum FROM vectors WHERE key = ?"
        try:
            connection = self._opened()
            for key in keys:
                row = connection.execute(statement, (key,)).fetchone()
                if row and len(row[0]) == self._size and row[1] == _checksum(key, row[0]):
                    found[key] = row[0]
        except (sqlite3.Error, TypeError, UnicodeDecodeError):
            self.close()
            clear(self._path.parent)
        return found

    def add(self, vectors: Iterable[tuple[bytes, bytes]]) -> None:
        """Take vectors by their keys, and write them when the last writing is long enough ago."""
        self._waiting += [(key, vector, _checksum(key, vector)) for key, vector in vectors]
        if time.monotonic() - self._written >= SECONDS:
            self.write()

    def write(self) -> None:
        """Write what waits; a disk that is full only costs the shortcut."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            with contextlib.suppress(sqlite3.Error):
                connection = self._opened()
                with connection:
                    statement = "INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)"
                    connection.executemany(statement, waiting)
        self._written = time.monotonic()

    def close(self) -> None:
        """Let go of the file, which stays."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = sqlite3.connect(self._path)
            self._connection.execute(_TABLE)
        return self._connection


def clear(folder: Path) -> None:
    """Remove the file from an index's folder: what it held is in the index now, or is of no use."""
    for name in (FILE, f"{FILE}-journal"):
        with contextlib.suppress(OSError):
            (folder / name).unlink()


def _checksum(key: bytes, vector: bytes) -> bytes:
    return hashlib.sha256(key + vector).digest()
