"""The index: documents, passages, vectors and BM25 postings of one commit, to be searched.

SQLite is the truth and FAISS a cache of it (`index/README.md` specifies both). An open `Index`
sees one commit until it is closed, or nobody holds it any more, whatever a writer does meanwhile,
and may be used from any thread. It knows nothing of models: vectors come in, passages go out.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatch
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rag.errors import EmbedderMismatch, IndexMissing, SourceEmpty, StoreError
from rag.index import cache, database, lexical, rows, staging, transaction, update
from rag.index.checks import check
from rag.index.selection import Selection
from rag.types import Document, EmbedderIdentity, IndexReport, Passage

if TYPE_CHECKING:
    from rag.embedder import Embedder

__all__ = ["Index", "IndexReport", "own"]

TIES = 32  # matches beyond k that are fetched at first, to see whether a tie crosses the edge


class Index:
    """The passages of some documents, found by meaning (`dense`) or by words (`lexical`)."""

    def __init__(
        self,
        folder: Path,
        connection: sqlite3.Connection,
        commit: database.Commit,
        order: rows.Order,
        vectors: cache.Vectors,
    ) -> None:
        self.folder = folder
        self._connection = connection
        self._commit = commit
        self._order = order
        self._vectors = vectors
        self._metadata: Mapping[str, Mapping[str, str]] | None = None
        self._lock = threading.Lock()  # a connection serves one thread at a time
        weakref.finalize(self, connection.close)  # an index nobody uses any more is closed

    @classmethod
    def open(cls, folder: Path, identity: EmbedderIdentity | None = None) -> Index:
        """Open a folder's index as of its last commit.

        Passages, vectors and postings are checked against the commit's digests. A FAISS file
        that is missing or damaged is built again from the database's vectors.

        Raises:
            IndexMissing: there is none, or its first build never finished.
            IndexDamaged: it does not pass its own checks.
            EmbedderMismatch: `identity` is given and is not the one it was built with.
        """
        folder = Path(folder)
        with database.explained(folder, database.GARBLED), contextlib.ExitStack() as stack:
            connection = database.open_for_reading(folder)
            stack.callback(connection.close)
            commit = database.read_commit(connection, folder)
            if identity is not None and identity != commit.identity:
                raise update.mismatch(folder, commit.identity, identity)
            with _rows_checked(folder):
                order = rows.read_order(connection)
            postings = rows.postings_digest(connection)
            if (order.content, postings) != (commit.content, commit.postings):
                raise database.damaged(folder, "it does not hold what was written")
            vectors = _load_vectors(folder, connection, commit, order)
            stack.pop_all()
            return cls(folder, connection, commit, order, vectors)

    @classmethod
    def exists(cls, folder: Path) -> bool:
        """Tell whether an update was ever finished there; a damaged or old index does exist."""
        folder = Path(folder)
        try:
            with contextlib.closing(database.open_for_reading(folder)) as connection:
                return database.format_of(connection, folder) is not None
        except IndexMissing:
            return False
        except (sqlite3.Error, database.GARBLED, StoreError):
            return True

    @classmethod
    def newest(cls, folder: Path) -> database.Commit:
        """Return what the last commit says of itself, without opening all of it.

        Raises:
            IndexMissing, IndexDamaged: see `open`.
        """
        folder = Path(folder)
        with (
            database.explained(folder, database.GARBLED),
            contextlib.closing(database.open_for_reading(folder)) as connection,
        ):
            return database.read_commit(connection, folder)

    @classmethod
    def update(
        cls,
        folder: Path,
        documents: Iterable[Document],
        *,
        split: Callable[[Document], Sequence[Passage]],
        embedder: Embedder,
        progress: Callable[[int, int], None] | None = None,
        recipe: str = "",
    ) -> IndexReport:
        """Make a folder's index hold exactly these documents, in this order.

        Documents whose id, text, title, metadata and marks are as before are not embedded again,
        unless the embedder or `recipe` (any text that says how `split` cuts) changed. All is one
        transaction: killed at any moment, the index is as it was. Readers are not disturbed, and
        see the new state when they open the index again. A document given twice counts once.
        `progress` is called with the passages embedded so far and those to embed in all.

        Raises:
            SourceEmpty: no document, or none with text; nothing was changed.
            SourceError: two documents with one id, or text that is not Unicode.
            IndexBusy: another process is writing.
            IndexDamaged: what is there does not pass its checks, and was left as it is.
            ModelError: the embedder's vectors have the wrong shape or are not finite.
        """
        given = iter(documents)
        first = next(given, None)
        if first is None:
            raise SourceEmpty("there is no document to index", hint="name files with text")
        with update.writing(
            Path(folder),
            split=split,
            embedder=embedder,
            recipe=recipe,
            exactly=True,
            empty=False,
            progress=progress,
        ) as change:
            for document in chain([first], given):
                change.put(document)
        return change.report()

    @classmethod
    def create(cls, folder: Path, embedder: Embedder, recipe: str = "") -> None:
        """Make an index that holds nothing yet; leave one that is there as it is."""
        if not cls.exists(folder):
            with update.writing(Path(folder), embedder=embedder, recipe=recipe):
                pass

    @classmethod
    def remove(cls, folder: Path, ids: Sequence[str]) -> int:
        """Take documents out of a folder's index; return how many. It may be left empty.

        Raises:
            KeyError: there is no document with one of these ids; nothing was changed.
            IndexMissing, IndexBusy, IndexDamaged: see `open` and `update`.
        """
        if not Path(folder).is_dir():
            raise database.missing(Path(folder), "")
        named = dict.fromkeys(ids)
        with update.writing(Path(folder)) as change:
            for id in named:
                change.drop(id)
            for record in list(change.records.values()):
                if not record.ids.isdisjoint(named):
                    change.forget(record.path)  # so that its file is read again when it is named
        return len(named)

    @property
    def commit(self) -> database.Commit:
        """What the database says of the commit this is."""
        return self._commit

    @property
    def identity(self) -> EmbedderIdentity:
        """The embedder whose vectors these are."""
        return self._commit.identity

    def dense(
        self, query: NDArray[np.float32], k: int, among: Sequence[str] | None = None
    ) -> list[tuple[Passage, float]]:
        """Return the k passages nearest to a vector (d,), with their cosine, best first.

        Ties are in passage order. k may be more than there are passages. `among` are the ids of
        the documents that are searched; None: all of them.

        Raises:
            EmbedderMismatch: the vector has another length than the index's.
        """
        vector = np.asarray(query, dtype=np.float32)
        if vector.shape != (self.identity.dimension,):
            raise EmbedderMismatch(
                f"the question's vector has shape {vector.shape}, the index's "
                f"({self.identity.dimension},)",
                hint=database.how_to_build(self.folder),
            )
        places = None if among is None else self._positions(among)
        found = self._vectors.search(cache.unit(vector[None, :])[0], k, places)
        passages = self._passages([position for position, _ in found])
        return list(zip(passages, (score for _, score in found), strict=True))

    def lexical(
        self, question: str, k: int, among: Sequence[str] | None = None
    ) -> list[tuple[Passage, float]]:
        """Return the k passages with the greatest BM25 score (> 0), best first.

        Any text is a safe question. A passage matches when it or its context holds one of the
        question's words; ties are in passage order; no word known means no passages. The score is
        SQLite FTS5's (k1 = 1.2, b = 0.75, https://www.sqlite.org/fts5.html#the_bm25_function),
        with its sign turned. `among` are the ids of the documents that are searched; None: all.
        """
        terms = lexical.search_terms(question)
        if not terms or k <= 0:
            return []
        positions = self._order.positions
        matches = self._matches(lexical.any_of(terms), k, among)
        best = sorted(
            ((score, positions[key]) for key, score in matches),
            key=lambda pair: (-pair[0], pair[1]),
        )[:k]
        passages = self._passages([position for _, position in best])
        return list(zip(passages, (score for score, _ in best), strict=True))

    def _matches(
        self, expression: str, k: int, among: Sequence[str] | None
    ) -> list[tuple[int, float]]:
        """Return the keys of the k best matches with their scores, and of all that tie with them.

        SQLite sorts, and orders ties as it likes: where one crosses the edge, take every match.
        """
        weights = f"{lexical.TITLE_WEIGHT}, {lexical.TEXT_WEIGHT}"
        values: list[Any] = [expression]
        narrowed = ""
        if among is not None:
            narrowed = (
                "AND rowid IN (SELECT key FROM passages "
                "WHERE document IN (SELECT value FROM json_each(?))) "
            )
            values.append(json.dumps([self._order.documents[id] for id in among]))
        statement = (
            f"SELECT rowid, -bm25(terms, {weights}) AS score FROM terms WHERE terms MATCH ? "
            f"{narrowed}ORDER BY score DESC LIMIT ?"
        )
        found = self._query(statement, (*values, k + TIES))
        if len(found) == k + TIES and found[-1][1] == found[k - 1][1]:
            found = self._query(statement, (*values, -1))
        return found

    def matching(self, where: Mapping[str, str]) -> Selection:
        """Return the documents whose metadata has all these values, to be searched alone."""
        return Selection(
            self,
            [
                id
                for id, metadata in self._known_metadata().items()
                if all(metadata.get(key) == value for key, value in where.items())
            ],
        )

    def ids(self) -> tuple[str, ...]:
        """Return the ids of all documents, in the order they were given."""
        return tuple(self._order.documents)

    def count(self, document: str) -> int:
        """Return how many passages a document has. KeyError when there is none of this id."""
        start, end = self._order.bounds[document]
        return end - start

    def document(self, id: str) -> Document:
        """Return a document.

        Raises:
            KeyError: no document has this id.
        """
        key = self._order.documents[id]
        return self._documents("WHERE key = ?", (key,))[0]

    def documents(self) -> tuple[Document, ...]:
        """Return all documents, in the order they were given."""
        found = {document.id: document for document in self._documents("", ())}
        return tuple(found[id] for id in self._order.documents)

    def passages(self, document: str | None = None) -> tuple[Passage, ...]:
        """Return all passages, or one document's, in document order.

        Raises:
            KeyError: no document has this id.
        """
        start, end = (0, len(self)) if document is None else self._order.bounds[document]
        return tuple(self._passages(range(start, end)))

    def document_frequency(self, terms: Sequence[str]) -> dict[str, int]:
        """Return for each term how many passages hold it, in their text or context.

        Terms are folded and stemmed as the passages are; a term of several words counts as a
        phrase; a term without a letter or digit is in no passage.
        """
        count = "SELECT count(*) FROM terms WHERE terms MATCH ?"
        return {term: self._query(count, (lexical.phrase(term),))[0][0] for term in terms}

    def vocabulary(self, first: str) -> dict[str, int]:
        """Return the stems that begin so, and how many passages hold each, in byte order.

        Stems are what the database makes of words: without case, accents and endings.
        """
        statement = "SELECT term, doc FROM temp.vocabulary WHERE term >= ? AND term < ?"
        return dict(self._query(statement, (first, f"{first}\U0010ffff")))

    def verify(self) -> None:
        """Check every row against its digests; reading does this only for the rows it reads.

        Raises:
            IndexDamaged: something differs.
        """
        with database.explained(self.folder, database.GARBLED), self._lock:
            check(self._connection, self.folder)

    def close(self) -> None:
        """Let go of the files; closing twice is fine."""
        with self._lock:
            self._connection.close()

    def __len__(self) -> int:
        """Return the number of passages."""
        return len(self._order.keys)

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _query(self, statement: str, values: Sequence[Any]) -> list[Any]:
        with database.explained(self.folder, database.GARBLED), self._lock:
            return self._connection.execute(statement, values).fetchall()

    def _documents(self, where: str, values: Sequence[Any]) -> list[Document]:
        found = self._query(f"SELECT {rows.DOCUMENT} FROM documents {where}", values)
        with _rows_checked(self.folder):
            return [rows.read_document(row, self._commit.recipe, self.identity) for row in found]

    def _known_metadata(self) -> Mapping[str, Mapping[str, str]]:
        """Return each document's metadata by its id, in order; every row is read, once."""
        if self._metadata is None:
            found: dict[str, Mapping[str, str]] = {}
            for id, key in self._order.documents.items():
                (document,) = self._documents("WHERE key = ?", (key,))
                found[id] = document.metadata
            self._metadata = found
        return self._metadata

    def _positions(self, ids: Sequence[str]) -> NDArray[np.int64]:
        spans = [np.arange(*self._order.bounds[id], dtype=np.int64) for id in ids]
        return np.concatenate(spans) if spans else np.zeros(0, dtype=np.int64)

    def _passages(self, positions: Sequence[int]) -> list[Passage]:
        statement = (
            f"SELECT {rows.PASSAGE} FROM passages p JOIN documents d ON d.key = p.document "
            "WHERE p.key = ?"
        )
        keys, checksums = self._order.keys, self._order.checksums
        with database.explained(self.folder, database.GARBLED), self._lock:
            found = [self._connection.execute(statement, (keys[i],)).fetchone() for i in positions]
        with _rows_checked(self.folder):
            return [
                rows.read_passage(row, checksums[i])
                for i, row in zip(positions, found, strict=True)
            ]


def own(path: Path, folder: Path) -> bool:
    """Tell whether a file is the index's own: it may lie among the documents."""
    names = (f"{database.FILE}*", f"{staging.FILE}*", f"*{cache.PREFIX}*", transaction.LOCK)
    return path.absolute().parent == folder.absolute() and any(
        fnmatch(path.name, name) for name in names
    )


@contextlib.contextmanager
def _rows_checked(folder: Path) -> Iterator[None]:
    """Turn what a damaged row does to its reader into `IndexDamaged`."""
    try:
        yield
    except (TypeError, ValueError, OverflowError, LookupError) as error:
        raise database.damaged(folder, str(error)) from error


def _load_vectors(
    folder: Path, connection: sqlite3.Connection, commit: database.Commit, order: rows.Order
) -> cache.Vectors:
    """Return the vectors from the FAISS file, else from the database, mending the file."""
    shape = (len(order.keys), commit.dimension)
    vectors = cache.read(folder, commit.cache, commit.cache_sha256, shape)
    if vectors is not None:
        return vectors
    with _rows_checked(folder):
        matrix = rows.read_vectors(connection, order, commit.dimension)
    if rows.vectors_digest(matrix) != commit.vectors:
        raise database.damaged(folder, "its vectors are not what was written")
    vectors = cache.Vectors.build(matrix)
    data = vectors.dump()
    if cache.sha256(data) == commit.cache_sha256:  # not so under another FAISS: keep it in memory
        with contextlib.suppress(OSError):
            cache.write(folder, commit.cache, data)
    return vectors
