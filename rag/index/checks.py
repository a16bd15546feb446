"""Everything a database holds, compared with its digests: before an update, and on request."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from rag.errors import IndexDamaged
from rag.index import database, rows


def check(connection: sqlite3.Connection, folder: Path) -> database.Commit:
    """Check everything a database holds against its digests; return what it says of itself.

    Raises:
        IndexMissing, IndexDamaged: see `database.read_commit`; or something differs.
    """
    commit = database.read_commit(connection, folder)
    try:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        order = rows.read_order(connection)
        matrix = rows.read_vectors(connection, order, commit.dimension)
        for row in connection.execute(f"SELECT {rows.DOCUMENT} FROM documents"):
            rows.read_document(row, commit.recipe, commit.identity)
        for key, *row in connection.execute(
            f"SELECT p.key, {rows.PASSAGE} FROM passages p JOIN documents d ON d.key = p.document"
        ):
            rows.read_passage(row, order.checksums[order.positions[key]])
    except (TypeError, ValueError, OverflowError, LookupError) as error:
        raise database.damaged(folder, str(error)) from error
    found = (verdict, order.content, rows.vectors_digest(matrix), rows.postings_digest(connection))
    if found != ("ok", commit.content, commit.vectors, commit.postings):
        raise IndexDamaged(
            f"the index in {folder} is damaged: it does not hold what was written",
            hint=database.how_to_rebuild(folder),
        )
    return commit
