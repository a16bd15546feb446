"""One update of an index, from the lock to the sweep.

Order matters: rows and vectors first, then the FAISS file under a name of its own, then the
commit that names it, then the sweep of what no commit names.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import EmbedderMismatch
from rag.index import cache, database, files, staging
from rag.index.checks import check
from rag.index.embedding import Progress, embed
from rag.index.staging import Staging
from rag.index.transaction import locked, transaction
from rag.index.writer import Split, Stored, Writer
from rag.types import EmbedderIdentity

if TYPE_CHECKING:
    from rag.embedder import Embedder


@contextlib.contextmanager
def writing(
    folder: Path,
    *,
    split: Split | None = None,
    embedder: Embedder | None = None,
    recipe: str = "",
    exactly: bool = False,
    empty: bool = True,
    progress: Progress | None = None,
) -> Iterator[Writer]:
    """Give a writer to make changes with; embed and commit them when the block ends.

    `exactly`: the index then holds what the block put and kept, in that order; else the changes
    are made beside what is there. `empty`: it may hold nothing. Without an embedder documents can
    be dropped from an index, but none put.

    Raises:
        IndexBusy, IndexDamaged, ModelError: see `Index.update`.
        IndexMissing, EmbedderMismatch: what is there cannot be added to, without `exactly`.
        SourceEmpty: no text would be left, without `empty`.
    """
    with database.explained(folder), locked(folder):
        with transaction(folder) as connection:
            with database.explained(folder, database.GARBLED):
                identity = embedder.identity if embedder else None
                before = _prepared(connection, folder, identity, exactly=exactly)
                if identity is None:
                    assert before is not None
                    identity, recipe = before.identity, before.recipe
                stored = _stored(connection)
                records = {record.path: record for record in files.read(connection)}
            kept = Staging(folder, identity, recipe)
            writer = Writer(
                *(connection, folder, before, identity, recipe, split, kept, exactly),
                *(stored, records),
                _last=max((one.position for one in stored.values()), default=-1),
            )
            with kept.kept():
                yield writer
                writer.finish()
                writer.embedded = embed(connection, kept, embedder, progress)
                name = writer.seal(empty=empty)
        staging.clear(folder)
        cache.sweep(folder, keep=name)


def _prepared(
    connection: sqlite3.Connection,
    folder: Path,
    identity: EmbedderIdentity | None,
    *,
    exactly: bool,
) -> database.Commit | None:
    """Create the tables, or check the ones there, so that an update never blesses damage.

    Returns the commit that is there; None where the index begins now.
    """
    version = database.format_of(connection, folder)
    if version == database.SCHEMA:
        before = check(connection, folder)
        if not exactly and identity not in (None, before.identity):
            assert identity is not None
            raise mismatch(folder, before.identity, identity)
        return before
    if identity is None or (version is not None and not exactly):
        database.read_commit(connection, folder)  # raises: it is missing, or in another format
    if version is not None:
        database.clear(connection)
    database.create(connection)
    return None


def _stored(connection: sqlite3.Connection) -> dict[str, Stored]:
    query = "SELECT id, key, fingerprint, position, source FROM documents"
    return {id: Stored(*row) for id, *row in connection.execute(query)}


def described(identity: EmbedderIdentity) -> str:
    """Name an embedder for a person: its name, the length of its vectors and its revision."""
    return f"{identity.name} ({identity.dimension} dimensions, {identity.revision[:12]})"


def mismatch(folder: Path, built: EmbedderIdentity, given: EmbedderIdentity) -> EmbedderMismatch:
    """Say that an index was built with another embedder."""
    return EmbedderMismatch(
        f"the index in {folder} was built with {described(built)}, not {described(given)}",
        hint=f"{database.how_to_build(folder)} to embed it again, or set the embedder it was "
        "built with (RAG_MODELS__EMBEDDER)",
    )
