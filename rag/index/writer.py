"""The steps of an update: documents put, kept and dropped, and the commit that says so.

Everything happens inside a transaction that is another's; nothing here searches.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rag.errors import SourceEmpty, SourceError
from rag.index import cache, database, files, rows
from rag.index.staging import Staging
from rag.types import Document, EmbedderIdentity, IndexReport, Passage

if TYPE_CHECKING:
    pass

MANY = 100  # documents of a file up to which they are kept for the next run, not only their parts

Split = Callable[[Document], Sequence[Passage]]
State = Literal["added", "updated", "unchanged"]


@dataclass(frozen=True, slots=True)
class Stored:
    """A document's row as it was when the update began."""

    key: int
    mark: str
    position: int
    source: str


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


def _sha256(document: Document) -> bytes:
    """Return the digest of a document's text; SourceError where it cannot be stored."""
    try:
        text = document.text.encode()
        fields = [document.id, document.title, document.source]
        "".join([*fields, *document.metadata, *document.metadata.values()]).encode()
    except UnicodeEncodeError as error:
        raise database.unstorable(document.id, error) from error
    return hashlib.sha256(text).digest()
