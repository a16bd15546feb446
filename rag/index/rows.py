"""Documents and passages as rows: how they are written, read back, and checked on the way.

Every row carries a SHA-256 of what it holds, compared whenever the row is read, so a damaged page
of the file is an error and never a wrong quotation. Nothing here knows of searching.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from rag.types import Document, EmbedderIdentity, Kind, Mark, Passage, Place, Span

KINDS = frozenset(get_args(Kind))
DOCUMENT = "id, text, title, source, metadata, marks, fingerprint"
PASSAGE = 'p.id, d.id, p.start, p."end", p.text, p.sentences, p.kind, p.title, p.place, p.context'


class RowDamaged(ValueError):
    """A row does not match its own checksum; the index turns this into `IndexDamaged`."""


@dataclass(frozen=True, slots=True)
class Order:
    """Which row is which: the documents in order, and the passages in order.

    `keys` and `checksums` are the passages' by position (the row number in the matrix of
    vectors), `positions` the way back from a key, and `bounds` gives for a document id its
    passages' positions, `start` to `end`.
    """

    documents: dict[str, int]
    keys: array[int]
    checksums: list[bytes]
    positions: dict[int, int]
    bounds: dict[str, tuple[int, int]]
    content: str


def digest(*values: object) -> bytes:
    """SHA-256 of values, as their canonical JSON."""
    text = json.dumps(values, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).digest()


def fingerprint(document: Document, recipe: str, identity: EmbedderIdentity) -> str:
    """Return what changes when a document must be embedded anew: 64 hex digits.

    Covers its id, text, title, metadata and marks, how it is cut into passages (`recipe`) and what
    embeds it; not where it came from.
    """
    return digest(
        document.id,
        document.text,
        document.title,
        dict(document.metadata),
        _marks(document),
        recipe,
        astuple(identity),
    ).hex()


def _marks(document: Document) -> list[list[object]]:
    return [[m.kind, m.start, m.end, m.label, m.level] for m in document.marks]


def checksum(passage: Passage) -> bytes:
    """SHA-256 of a passage's fields."""
    spans = [[span.start, span.end] for span in passage.sentences]
    return digest(
        passage.id,
        passage.document,
        passage.start,
        passage.end,
        passage.text,
        spans,
        passage.kind,
        passage.title,
        astuple(passage.place),
    )


def insert_document(
    connection: sqlite3.Connection, document: Document, position: int, mark: str
) -> int:
    """Add a document's row; return its key."""
    metadata = json.dumps(dict(document.metadata), ensure_ascii=False)
    marks = json.dumps(_marks(document), ensure_ascii=False)
    given = (document.id, position, document.text, document.title, document.source)
    cursor = connection.execute(
        "INSERT INTO documents (id, position, text, title, source, metadata, marks, fingerprint) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (*given, metadata, marks, mark),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def insert_passages(
    connection: sqlite3.Connection, document: int, passages: Iterable[Passage]
) -> None:
    """Add a document's passages, in order."""
    connection.executemany(
        'INSERT INTO passages (document, ordinal, id, start, "end", kind, title, text, sentences, '
        "place, context, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                document,
                ordinal,
                passage.id,
                passage.start,
                passage.end,
                passage.kind,
                passage.title,
                passage.text,
                json.dumps([[span.start, span.end] for span in passage.sentences]),
                json.dumps(astuple(passage.place), ensure_ascii=False),
                passage.context,
                checksum(passage),
            )
            for ordinal, passage in enumerate(passages)
        ),
    )


def read_document(row: Sequence[Any], recipe: str, identity: EmbedderIdentity) -> Document:
    """Return the document of a `DOCUMENT` row.

    Raises:
        RowDamaged: the row is not what was written.
    """
    id, text, title, source, metadata, marks, mark = row
    try:
        found = tuple(Mark(*one) for one in json.loads(marks))
        document = Document(id, text, title, source, json.loads(metadata), found)
        intact = fingerprint(document, recipe, identity) == mark
    except (TypeError, ValueError) as error:
        raise RowDamaged(f"document {id!r} is not what was written") from error
    if not intact:
        raise RowDamaged(f"document {id!r} is not what was written")
    return document


def read_passage(row: Sequence[Any], mark: bytes) -> Passage:
    """Return the passage of a `PASSAGE` row whose checksum is to be `mark`.

    Raises:
        RowDamaged: the row is not what was written.
    """
    id, document, start, end, text, sentences, kind, title, place, context = row
    try:
        spans = tuple(Span(*pair) for pair in json.loads(sentences))
        headings, page, table = json.loads(place)
        where = Place(tuple(headings), page, table)
        passage = Passage(id, document, start, end, text, spans, kind, title, where)
        intact = kind in KINDS and passage.context == context and checksum(passage) == mark
    except (TypeError, ValueError) as error:
        raise RowDamaged(f"passage {id!r} is not what was written") from error
    if not intact:
        raise RowDamaged(f"passage {id!r} is not what was written")
    return passage


def read_order(connection: sqlite3.Connection) -> Order:
    """Return the order of all rows, with the digest that binds it to a commit.

    Reads the two indexes that cover it, not the tables with their texts.
    """
    documents = connection.execute(
        "SELECT key, id, fingerprint FROM documents INDEXED BY documents_order ORDER BY position"
    ).fetchall()
    rank = {row[0]: place for place, row in enumerate(documents)}
    rows = connection.execute(
        "SELECT key, document, ordinal, checksum FROM passages INDEXED BY passages_order"
    ).fetchall()
    if any(row[1] not in rank for row in rows):
        raise RowDamaged("a passage belongs to no document")
    rows.sort(key=lambda row: (rank[row[1]], row[2], row[0]))
    total = hashlib.sha256()
    counts = [0] * len(documents)
    for _, document, _, mark in rows:
        counts[rank[document]] += 1
        total.update(mark)
    bounds, start = {}, 0
    for (_, id, mark), count in zip(documents, counts, strict=True):
        bounds[id] = (start, start + count)
        start += count
        total.update(f"{mark} {count} {id}\n".encode())
    keys = array("q", (row[0] for row in rows))
    return Order(
        documents={id: key for key, id, _ in documents},
        keys=keys,
        checksums=[row[3] for row in rows],
        positions={key: position for position, key in enumerate(keys)},
        bounds=bounds,
        content=total.hexdigest(),
    )


def read_vectors(
    connection: sqlite3.Connection, order: Order, dimension: int
) -> NDArray[np.float32]:
    """Return all vectors in passage order: (n, d).

    Raises:
        RowDamaged: one is missing, or has another length.
    """
    matrix = np.zeros((len(order.keys), dimension), dtype="<f4")
    count = 0
    for key, vector in connection.execute("SELECT passage, vector FROM vectors"):
        position = order.positions.get(key)
        if position is None or len(vector) != 4 * dimension:
            raise RowDamaged("the vectors do not fit the passages")
        matrix[position] = np.frombuffer(vector, dtype="<f4")
        count += 1
    if count != len(order.keys):
        raise RowDamaged("the vectors do not fit the passages")
    return matrix.astype(np.float32, copy=False)


def vectors_digest(matrix: NDArray[np.float32]) -> str:
    """SHA-256 of the vectors in order, as little-endian float32: 64 hex digits."""
    return hashlib.sha256(np.ascontiguousarray(matrix, dtype="<f4").data).hexdigest()


def postings_digest(connection: sqlite3.Connection) -> str:
    """SHA-256 of the tables behind the BM25 index: 64 hex digits.

    A writer must have flushed them first (`SAVEPOINT` does), since FTS5 keeps what a transaction
    adds in memory for a while.
    """
    total = hashlib.sha256()
    for query in (
        "SELECT id, block FROM terms_data ORDER BY id",
        "SELECT segid, term, pgno FROM terms_idx ORDER BY segid, term",
        "SELECT id, sz FROM terms_docsize ORDER BY id",
    ):
        for row in connection.execute(query):
            for value in row:
                data = value if isinstance(value, bytes) else str(value).encode()
                total.update(b"%d:" % len(data))
                total.update(data)
    return total.hexdigest()
