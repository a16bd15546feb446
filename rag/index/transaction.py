"""One update as one transaction: the lock that keeps other writers out, and all or nothing."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from rag.errors import IndexDamaged
from rag.index import database

LOCK = "index.lock"


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other writers out; readers need no lock.

    Raises:
        IndexBusy: another process, or another thread, is writing.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / LOCK, timeout=0):
            yield
    except Timeout as error:
        raise database.busy(folder) from error


@contextlib.contextmanager
def transaction(folder: Path) -> Iterator[sqlite3.Connection]:
    """Commit what the block did, or nothing; a first build that fails leaves no file."""
    with database.explained(folder, database.GARBLED):
        opened = database.open_for_writing(folder)
    with contextlib.closing(opened) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error, database.GARBLED, IndexDamaged):
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                if database.format_of(connection, folder) is None:
                    connection.close()
                    (folder / database.FILE).unlink(missing_ok=True)
            raise
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
