"""Vectors for the passages that have none: kept from an update that was cut short, or made now."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rag.errors import ModelError
from rag.index import cache
from rag.index.staging import Staging

if TYPE_CHECKING:
    from rag.embedder import Embedder

Progress = Callable[[int, int], None]
BATCH = 64  # passages handed to the embedder at a time


def embed(
    connection: sqlite3.Connection,
    staging: Staging,
    embedder: Embedder | None,
    progress: Progress | None,
) -> int:
    """Give every passage that has none its vector, a batch at a time; return how many were made.

    Raises:
        ModelError: the embedder's vectors have the wrong shape or are not finite.
    """
    pending = [
        key
        for (key,) in connection.execute(
            "SELECT key FROM passages WHERE key NOT IN (SELECT passage FROM vectors) ORDER BY key"
        )
    ]
    if not pending:
        return 0
    assert embedder is not None  # without one documents are only dropped
    if progress:
        progress(0, len(pending))
    made = 0
    for start in range(0, len(pending), BATCH):
        keys = pending[start : start + BATCH]
        made += _embed(connection, keys, embedder, staging)
        if progress:
            progress(start + len(keys), len(pending))
    return made


def _embed(
    connection: sqlite3.Connection, keys: list[int], embedder: Embedder, staging: Staging
) -> int:
    """Store the vectors of a few passages; return how many had to be made."""
    texts = [_text(connection, key) for key in keys]
    marks = [staging.key(text) for text in texts]
    vectors = staging.vectors(marks)
    new = {mark: text for mark, text in zip(marks, texts, strict=True) if mark not in vectors}
    if new:
        matrix = _vectors(embedder, list(new.values()))  # (new, d)
        made = [(mark, row.tobytes()) for mark, row in zip(new, matrix, strict=True)]
        staging.add(made)
        vectors.update(made)
    connection.executemany(
        "INSERT INTO vectors (passage, vector) VALUES (?, ?)",
        [(key, vectors[mark]) for key, mark in zip(keys, marks, strict=True)],
    )
    return len(new)


def _text(connection: sqlite3.Connection, key: int) -> str:
    row = connection.execute(
        "SELECT kind, context, text FROM passages WHERE key = ?", (key,)
    ).fetchone()
    return embedded_text(*row)


def embedded_text(kind: str, context: str, text: str) -> str:
    """Return what the embedder is given for a passage: what stands above it, and its words."""
    return f"{context}\n{text}" if context and kind != "title" else text


def _vectors(embedder: Embedder, texts: list[str]) -> NDArray[np.float32]:
    """Return unit rows for texts: (n, d)."""
    matrix = np.asarray(embedder.passages(texts), dtype=np.float32)
    identity = embedder.identity
    if matrix.shape != (len(texts), identity.dimension) or not np.isfinite(matrix).all():
        raise ModelError(
            f"embedder {identity.name} gave {matrix.shape} numbers for {len(texts)} texts, "
            f"or some that are not finite; expected {identity.dimension} for each",
            hint="run `rag doctor`",
        )
    return cache.unit(matrix).astype("<f4", copy=False)
