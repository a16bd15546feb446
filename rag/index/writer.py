"""One update of an index: documents put, kept and dropped, then vectors, then the commit.

Order matters: rows and vectors first, then the FAISS file under a name of its own, then the
commit that names it, then the sweep of what no commit names. Nothing here searches.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rag.errors import EmbedderMismatch, SourceEmpty, SourceError
from rag.index import cache, database, files, rows, staging
from rag.index.checks import check
from rag.index.embedding import embed
from rag.index.staging import Staging
from rag.index.transaction import locked, transaction
from rag.types import Document, EmbedderIdentity, IndexReport, Passage

if TYPE_CHECKING:
    from rag.embedder import Embedder

MANY = 100  # documents of a file up to which they are kept for the next run, not only their parts

Split = Callable[[Document], Sequence[Passage]]
Progress = Callable[[int, int], None]
State = Literal["added", "updated", "unchanged"]


@dataclass(frozen=True, slots=True)
class Stored:
    """A document's row as it was when the update began."""

    key: int
    mark: str
    position: int
    source: str


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


@dataclass(slots=True)
class Writer:
    """The steps of an update, inside one transaction.

    `stored` are the documents that were there before, by id, and `records` the files, by path.
    """

    connection: sqlite3.Connection
    folder: Path
    before: database.Commit | None
    identity: EmbedderIdentity
    recipe: str
    split: Split | None
    staging: Staging
    exactly: bool
    stored: dict[str, Stored]
    records: dict[str, files.FileRecord]
    embedded: int = 0
    passages: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    _seen: dict[str, bytes] = field(default_factory=dict)  # id -> digest of the text
    _last: int = -1  # the last position that is taken

    def put(self, document: Document) -> State:
        """Store a document where it is new or changed; a document put twice counts once.

        Raises:
            SourceError: another document was put under its id, or it is not Unicode. Nothing was
                changed then.
        """
        text = _sha256(document)
        if document.id in self._seen:
            if self._seen[document.id] == text:
                return "unchanged"
            raise SourceError(
                f"two documents have the id {document.id!r}", hint="give each its own id"
            )
        assert self.split is not None
        stored = self.stored.get(document.id)
        mark = rows.fingerprint(document, self.recipe, self.identity)
        if stored and stored.mark == mark:
            self._place(stored, document.source)
            state: State = "unchanged"
        else:
            kept = self.staging.passages(mark)
            passages = self.split(document) if kept is None else kept
            if kept is None:
                self.staging.put(document, mark, passages)
            if stored:
                self._delete(stored.key)
            position = self._position(stored)
            key = rows.insert_document(self.connection, document, position, mark)
            rows.insert_passages(self.connection, key, passages)
            state = "updated" if stored else "added"
        self._seen[document.id] = text
        self.counts[state] += 1
        return state

    def keep(self, id: str) -> None:
        """Keep a stored document as it is; cut and embed it anew where that is done otherwise now.

        Raises:
            KeyError: no document with this id is stored.
        """
        stored = self.stored[id]
        if id in self._seen:
            return
        if not self._as_before():
            self.put(self.document(id))
            return
        self._place(stored, stored.source)
        self._seen[id] = b""
        self.counts["unchanged"] += 1

    def drop(self, id: str) -> None:
        """Remove a stored document.

        Raises:
            KeyError: no document with this id is stored.
        """
        self._delete(self.stored.pop(id).key)
        self.counts["removed"] += 1

    def document(self, id: str) -> Document:
        """Return a stored document. KeyError where there is none."""
        assert self.before is not None
        row = self.connection.execute(
            f"SELECT {rows.DOCUMENT} FROM documents WHERE key = ?", (self.stored[id].key,)
        ).fetchone()
        return rows.read_document(row, self.before.recipe, self.before.identity)

    def remember(self, record: files.FileRecord) -> None:
        """Record a file that was read."""
        self.records[record.path] = record
        files.write(self.connection, record)
        if len(record.found) <= MANY:
            self.staging.remember(record)

    def forget(self, path: str) -> None:
        """Remove a file's record."""
        self.records.pop(path, None)
        files.forget(self.connection, path)

    def finish(self) -> None:
        """Drop what is not to stay, and cut anew what was cut otherwise."""
        others = [id for id in self.stored if id not in self._seen]
        if self.exactly:
            for id in others:
                self.drop(id)
        elif not self._as_before():
            for id in others:
                self.keep(id)
        else:
            self.counts["unchanged"] += len(others)

    def _as_before(self) -> bool:
        """Tell whether documents are cut and embedded as those stored were."""
        before = self.before
        return before is None or (before.recipe, before.identity) == (
            self.recipe,
            self.identity,
        )

    def _position(self, stored: Stored | None) -> int:
        """Return where in the order a document stands."""
        if self.exactly:
            return len(self._seen)
        if stored:
            return stored.position
        self._last += 1
        return self._last

    def _place(self, stored: Stored, source: str) -> None:
        position = self._position(stored)
        if (position, source) != (stored.position, stored.source):
            self.connection.execute(
                "UPDATE documents SET position = ?, source = ? WHERE key = ?",
                (position, source, stored.key),
            )

    def _delete(self, key: int) -> None:
        self.connection.execute("DELETE FROM passages WHERE document = ?", (key,))
        self.connection.execute("DELETE FROM documents WHERE key = ?", (key,))

    def seal(self, *, empty: bool) -> str:
        """Write the FAISS file and the row that names it; return the file's name."""
        self.connection.execute("SAVEPOINT postings")  # makes FTS5 write out what it holds back
        self.connection.execute("RELEASE postings")
        identity = self.identity
        order = rows.read_order(self.connection)
        self.passages = len(order.keys)
        if not self.passages and not empty:
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
                number=self.before.number + 1 if self.before else 1,
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
        counts = self.counts
        return IndexReport(
            added=counts["added"],
            updated=counts["updated"],
            unchanged=counts["unchanged"],
            removed=counts["removed"],
            passages=self.passages,
            embedded=self.embedded,
        )


def mismatch(folder: Path, built: EmbedderIdentity, given: EmbedderIdentity) -> EmbedderMismatch:
    """Say that an index was built with another embedder."""

    def describe(identity: EmbedderIdentity) -> str:
        return f"{identity.name} ({identity.dimension} dimensions, {identity.revision[:12]})"

    return EmbedderMismatch(
        f"the index in {folder} was built with {describe(built)}, not {describe(given)}",
        hint=f"{database.how_to_build(folder)}, or set the embedder it was built with",
    )


def _sha256(document: Document) -> bytes:
    """Return the digest of a document's text; SourceError where it cannot be stored."""
    try:
        text = document.text.encode()
        fields = [document.id, document.title, document.source]
        "".join([*fields, *document.metadata, *document.metadata.values()]).encode()
    except UnicodeEncodeError as error:
        raise database.unstorable(document.id, error) from error
    return hashlib.sha256(text).digest()
