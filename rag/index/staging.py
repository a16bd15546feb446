"""The work of an update that is not finished, so that the next one need not do it again.

A file beside the index: what was found in files, how documents were cut, and vectors. Each is found
by what it was made from, so it is right or not found. It is written about once a second, each time
as one transaction, and readers of the index never look at it: killed at any moment, the index is as
it was and this work is kept. An update that commits removes it. What does not pass its checksum,
and a file that cannot be read, count as not there.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple
from functools import partial
from pathlib import Path
from typing import Any

from rag.index import database, files, rows
from rag.types import Document, EmbedderIdentity, Passage

FILE = "staging.sqlite"
SECONDS = 1.0  # between two writes: what a kill loses at most
TABLES = ("TABLE documents", "TABLE passages", "TABLE files", "INDEX passages_order")
VECTORS = "CREATE TABLE vectors (key BLOB PRIMARY KEY, vector BLOB, checksum BLOB) WITHOUT ROWID"
LOOKUPS = (
    "CREATE INDEX documents_by_id ON documents (id)",
    "CREATE INDEX documents_by_fingerprint ON documents (fingerprint)",
)
INSERT = "INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)"
UNREADABLE = (sqlite3.Error, TypeError, ValueError, LookupError, OverflowError)

Step = Callable[[sqlite3.Connection], object]


class Staging:
    """What is kept from an earlier update, and what this one has done so far."""

    def __init__(self, folder: Path, identity: EmbedderIdentity, recipe: str) -> None:
        self._path = folder / FILE
        self._identity = identity
        self._recipe = recipe
        self._connection: sqlite3.Connection | None = None
        self._waiting: list[Step] = []
        self._written = time.monotonic()

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Write what waits when the block fails, if it lasted long enough to matter."""
        try:
            yield
        except BaseException:
            if self._connection is not None or self._is_time():
                self._write()
            raise
        finally:
            if self._connection is not None:
                self._connection.close()  # what was not committed is gone

    # --- files and documents

    def file(self, path: str) -> tuple[files.FileRecord, dict[str, Document]] | None:
        """Return what was found in a file, with its documents by id; None unless all is here."""
        record: files.FileRecord | None = self._tried(partial(_record, path=path))
        if record is None:
            return None
        found: dict[str, Document] = {}
        for id in record.ids:
            document: Document | None = self._tried(partial(self._document, id=id))
            if document is None:
                return None
            found[id] = document
        return record, found

    def passages(self, mark: str) -> list[Passage] | None:
        """Return how the document of a fingerprint was cut; None where that is not known."""
        found: list[Passage] | None = self._tried(partial(_passages, mark=mark))
        return found

    def put(self, document: Document, mark: str, passages: Sequence[Passage]) -> None:
        """Take a document and how it was cut."""
        self._take(partial(_put, document=document, mark=mark, passages=passages))

    def remember(self, record: files.FileRecord) -> None:
        """Take what was found in a file, after its documents."""
        self._take(partial(files.write, record=record))

    def _document(self, connection: sqlite3.Connection, id: str) -> Document:
        query = f"SELECT {rows.DOCUMENT} FROM documents WHERE id = ? ORDER BY key DESC"
        return rows.read_document(
            connection.execute(query, (id,)).fetchone(), self._recipe, self._identity
        )

    # --- vectors

    def key(self, text: str) -> bytes:
        """Return what a text's vector is found by."""
        salt = json.dumps(astuple(self._identity)).encode()
        return hashlib.sha256(salt + b"\n" + text.encode()).digest()

    def vectors(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """Return the vectors there are of these, as the bytes of float32."""
        statement = "SELECT vector, checksum FROM vectors WHERE key = ?"
        found: dict[bytes, bytes] = {}
        for key in keys:
            row = self._tried(partial(_row, query=statement, value=key))
            if row and row[1] == _checksum(key, row[0]):
                found[key] = row[0]
        return found

    def add(self, vectors: Sequence[tuple[bytes, bytes]]) -> None:
        """Take vectors by their keys."""
        values = [(key, vector, _checksum(key, vector)) for key, vector in vectors]
        self._take(lambda connection: connection.executemany(INSERT, values))

    # --- the file

    def _take(self, step: Step) -> None:
        self._waiting.append(step)
        if self._is_time():
            self._write()

    def _is_time(self) -> bool:
        return time.monotonic() - self._written >= SECONDS

    def _write(self) -> None:
        """Write what waits; a disk that is full only costs the shortcut.

        What Ctrl-C cuts short goes on waiting, and is written by `kept`.
        """
        with contextlib.suppress(sqlite3.Error):
            connection = self._opened()
            connection.execute("BEGIN")
            try:
                for step in self._waiting:
                    step(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # Ctrl-C may come when all is committed
                    connection.execute("ROLLBACK")
                raise
        self._waiting = []
        self._written = time.monotonic()

    def _tried(self, look: Callable[[sqlite3.Connection], Any]) -> Any:
        """Return what a look into the file gives; None where there is no file or it is damaged."""
        if self._connection is None and not self._path.is_file():
            return None
        try:
            return look(self._opened())
        except UNREADABLE:
            return None

    def _opened(self) -> sqlite3.Connection:
        """Open the file; one that is no database is replaced."""
        if self._connection is None:
            try:
                self._connection = _connected(self._path)
            except sqlite3.DatabaseError:
                clear(self._path.parent)
                self._connection = _connected(self._path)
        return self._connection


def clear(folder: Path) -> None:
    """Remove the file from an index's folder: what it held is in the index now, or is of no use."""
    for name in (FILE, f"{FILE}-journal"):
        with contextlib.suppress(OSError):
            (folder / name).unlink()


def _connected(path: Path) -> sqlite3.Connection:
    """Open the file and make its tables; DatabaseError where it is another version's or none."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            connection.execute("BEGIN")
            for statement in (*database.statements(TABLES), VECTORS, *LOOKUPS):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {database.SCHEMA}")
            connection.execute("COMMIT")
        elif version != database.SCHEMA:
            raise sqlite3.DatabaseError("another version's")
    except BaseException:
        connection.close()
        raise
    return connection


def _row(connection: sqlite3.Connection, query: str, value: object) -> Any:
    return connection.execute(query, (value,)).fetchone()


def _record(connection: sqlite3.Connection, path: str) -> files.FileRecord | None:
    return next(files.read(connection, path), None)


def _put(
    connection: sqlite3.Connection, document: Document, mark: str, passages: Sequence[Passage]
) -> None:
    """Store a document; its position is how many passages it has, which is checked on reading."""
    key = rows.insert_document(connection, document, len(passages), mark)
    rows.insert_passages(connection, key, passages)


def _passages(connection: sqlite3.Connection, mark: str) -> list[Passage] | None:
    query = "SELECT key, position FROM documents WHERE fingerprint = ? ORDER BY key DESC"
    staged = connection.execute(query, (mark,)).fetchone()
    if staged is None:
        return None
    query = (
        f"SELECT p.checksum, {rows.PASSAGE} FROM passages p JOIN documents d ON d.key = p.document "
        "WHERE d.key = ? ORDER BY p.ordinal"
    )
    found = [rows.read_passage(row, sum_) for sum_, *row in connection.execute(query, staged[:1])]
    return found if len(found) == staged[1] else None


def _checksum(key: bytes, vector: bytes) -> bytes:
    return hashlib.sha256(key + vector).digest()
