"""One update of an index: a transaction that a kill at any moment leaves undone or done.

Order matters: rows and vectors first, then the FAISS file under a name of its own, then the
commit that names it, then the sweep of what no commit names. Nothing here searches.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from rag.errors import IndexDamaged, ModelError, SourceEmpty, SourceError
from rag.index import cache, database, rows
from rag.types import Document, IndexReport, Passage

if TYPE_CHECKING:
    from rag.embedder import Embedder

LOCK = "index.lock"
BATCH = 64  # passages handed to the embedder at a time

Split = Callable[[Document], Sequence[Passage]]
Progress = Callable[[int, int], None]


def update(
    folder: Path,
    documents: Iterable[Document],
    *,
    split: Split,
    embedder: Embedder,
    recipe: str,
    progress: Progress | None,
) -> IndexReport:
    """Make the folder's index hold exactly these documents; see `Index.update`."""
    given = iter(documents)
    first = next(given, None)
    if first is None:
        raise SourceEmpty("there is no document to index", hint="name files or folders with text")
    with database.explained(folder), _locked(folder):
        with _transaction(folder) as connection:
            writer = Writer(connection, folder, embedder, recipe)
            with database.explained(folder, database.GARBLED):
                writer.prepare()
            writer.take(chain([first], given), split)
            writer.embed(progress)
            name = writer.seal()
        cache.sweep(folder, keep=name)
        return writer.report()


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other writers out; readers need no lock."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / LOCK, timeout=0):
            yield
    except Timeout as error:
        raise database.busy(folder) from error


@contextlib.contextmanager
def _transaction(folder: Path) -> Iterator[sqlite3.Connection]:
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


class Writer:
    """The steps of an update, inside one transaction."""

    def __init__(
        self, connection: sqlite3.Connection, folder: Path, embedder: Embedder, recipe: str
    ) -> None:
        self.connection = connection
        self.folder = folder
        self.embedder = embedder
        self.recipe = recipe
        self.added = self.updated = self.unchanged = self.removed = 0
        self.passages = self.embedded = 0

    def prepare(self) -> None:
        """Create the tables, or check the ones there: an update never blesses damage."""
        version = database.format_of(self.connection, self.folder)
        if version == database.SCHEMA:
            check(self.connection, self.folder)
            return
        if version is not None:
            database.clear(self.connection)
        database.create(self.connection)

    def take(self, documents: Iterable[Document], split: Split) -> None:
        """Store new and changed documents, keep the others, drop those not given."""
        stored = {
            id: (key, mark)
            for key, id, mark in self.connection.execute(
                "SELECT key, id, fingerprint FROM documents"
            )
        }
        seen: dict[str, str] = {}
        for document in documents:
            if document.id not in seen:
                self._take(document, len(seen), stored.get(document.id), split)
            elif seen[document.id] != document.text:
                raise SourceError(
                    f"two documents have the id {document.id!r}", hint="give each its own id"
                )
            seen[document.id] = document.text
        for id, (key, _) in stored.items():
            if id not in seen:
                self._drop(key)
                self.removed += 1

    def _take(
        self, document: Document, position: int, stored: tuple[int, str] | None, split: Split
    ) -> None:
        try:
            mark = rows.fingerprint(document, self.recipe, self.embedder.identity)
            if stored and stored[1] == mark:
                self.connection.execute(
                    "UPDATE documents SET position = ?, source = ? WHERE key = ?",
                    (position, document.source, stored[0]),
                )
                self.unchanged += 1
                return
            if stored:
                self._drop(stored[0])
            key = rows.insert_document(self.connection, document, position, mark)
            rows.insert_passages(self.connection, key, split(document))
        except UnicodeEncodeError as error:
            raise database.unstorable(document.id, error) from error
        self.updated += stored is not None
        self.added += stored is None

    def _drop(self, key: int) -> None:
        self.connection.execute("DELETE FROM passages WHERE document = ?", (key,))
        self.connection.execute("DELETE FROM documents WHERE key = ?", (key,))

    def embed(self, progress: Progress | None) -> None:
        """Give every passage that has none its vector, a batch at a time."""
        pending = self.connection.execute(
            "SELECT key, kind, context, text FROM passages "
            "WHERE key NOT IN (SELECT passage FROM vectors) ORDER BY key"
        ).fetchall()
        if progress:
            progress(0, len(pending))
        for start in range(0, len(pending), BATCH):
            batch = pending[start : start + BATCH]
            matrix = self._vectors([embedded_text(*row[1:]) for row in batch])  # (batch, d)
            self.connection.executemany(
                "INSERT INTO vectors (passage, vector) VALUES (?, ?)",
                [(row[0], vector.tobytes()) for row, vector in zip(batch, matrix, strict=True)],
            )
            self.embedded += len(batch)
            if progress:
                progress(self.embedded, len(pending))

    def _vectors(self, texts: list[str]) -> NDArray[np.float32]:
        matrix = np.asarray(self.embedder.passages(texts), dtype=np.float32)
        identity = self.embedder.identity
        if matrix.shape != (len(texts), identity.dimension) or not np.isfinite(matrix).all():
            raise ModelError(
                f"embedder {identity.name} gave {matrix.shape} numbers for {len(texts)} texts, "
                f"or some that are not finite; expected {identity.dimension} for each",
                hint="run `rag doctor`",
            )
        return cache.unit(matrix).astype("<f4", copy=False)

    def seal(self) -> str:
        """Write the FAISS file and the row that names it; return the file's name."""
        self.connection.execute("SAVEPOINT postings")  # makes FTS5 write out what it holds back
        self.connection.execute("RELEASE postings")
        order = rows.read_order(self.connection)
        identity = self.embedder.identity
        self.passages = len(order.keys)
        if not self.passages:
            raise SourceEmpty("the documents hold no text", hint="name files or folders with text")
        matrix = rows.read_vectors(self.connection, order, identity.dimension)
        data = cache.Vectors.build(matrix).dump()
        checksum = cache.sha256(data)
        name = cache.name_of(checksum)
        if cache.read(self.folder, name, checksum, matrix.shape) is None:
            cache.write(self.folder, name, data)
        database.write_commit(
            self.connection,
            database.Commit(
                embedder=identity.name,
                revision=identity.revision,
                dimension=identity.dimension,
                normalised=identity.normalised,
                recipe=self.recipe,
                passages=self.passages,
                content=order.content,
                vectors=rows.vectors_digest(matrix),
                postings=rows.postings_digest(self.connection),
                cache=name,
                cache_sha256=checksum,
            ),
        )
        return name

    def report(self) -> IndexReport:
        """Return what was done."""
        return IndexReport(
            added=self.added,
            updated=self.updated,
            unchanged=self.unchanged,
            removed=self.removed,
            passages=self.passages,
            embedded=self.embedded,
        )


def embedded_text(kind: str, context: str, text: str) -> str:
    """Return what the embedder is given for a passage: what stands above it, and its words."""
    return f"{context}\n{text}" if context and kind != "title" else text


def check(connection: sqlite3.Connection, folder: Path) -> None:
    """Check everything a database holds against its digests.

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
