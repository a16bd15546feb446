"""The FAISS side: exact inner-product search, and the file that saves building it.

The file is a cache of the vectors in the database and belongs to exactly one commit, which names
it and holds its SHA-256. FAISS has no checksum of its own and can crash or answer wrongly on a
damaged file, so the bytes are verified before FAISS sees them. This module knows rows and
vectors, nothing of documents.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

PREFIX, SUFFIX = "vectors-", ".faiss"
TOLERANCE = 1e-5  # more than float32 sums of one inner product can differ by, for unit vectors
MARGIN = 16  # rows beyond k that are fetched at first, to see whether a tie crosses the edge


class Vectors:
    """All vectors of an index, searchable; safe to use from several threads."""

    def __init__(self, index: Any) -> None:
        self._index = index

    @classmethod
    def build(cls, matrix: NDArray[np.float32]) -> Vectors:
        """Index unit rows: (n, d)."""
        index = faiss.IndexFlatIP(matrix.shape[1])
        index.add(np.ascontiguousarray(matrix, dtype=np.float32))
        return cls(index)

    @classmethod
    def load(cls, data: bytes) -> Vectors:
        """Read the bytes of a file; only ever call this with bytes whose checksum was right."""
        return cls(faiss.deserialize_index(np.frombuffer(data, dtype=np.uint8)))

    def dump(self) -> bytes:
        """Return the bytes of a file: the same vectors give the same bytes."""
        return bytes(faiss.serialize_index(self._index).data)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and dimensions: (n, d)."""
        return int(self._index.ntotal), int(self._index.d)

    def search(
        self, query: NDArray[np.float32], k: int, among: NDArray[np.int64] | None = None
    ) -> list[tuple[int, float]]:
        """Return the k rows with the greatest inner product, best first, ties by row number.

        `among` are the rows that count; None: all do.

        FAISS proposes, in float32 and with ties in any order; the proposals (widened until no tie
        crosses the edge) are scored again in float64, so that the result is the same on every
        machine and for equal vectors exactly equal.
        """
        rows = self.shape[0] if among is None else len(among)
        some: dict[str, Any] = {} if among is None else {"params": _only(among)}
        k = min(k, rows)
        if k <= 0:
            return []
        width = min(rows, k + MARGIN)
        while True:
            scores, found = self._index.search(query[None, :], width, **some)
            if width == rows or scores[0, -1] < scores[0, k - 1] - TOLERANCE:
                break
            width = min(rows, 4 * width)
        candidates = np.sort(found[0])
        vectors = self._index.reconstruct_batch(candidates).astype(np.float64)  # (width, d)
        exact = (vectors * query.astype(np.float64)).sum(axis=1)
        best = np.argsort(-exact, kind="stable")[:k]
        return [(int(candidates[i]), float(np.clip(exact[i], -1.0, 1.0))) for i in best]


def _only(rows: NDArray[np.int64]) -> Any:
    """Return what makes FAISS look at these rows alone."""
    selector = faiss.IDSelectorBatch(rows)
    return faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale rows to length 1: (n, d) -> (n, d); a row of zeros stays as it is."""
    wide = np.asarray(rows, dtype=np.float64)
    lengths = np.sqrt((wide * wide).sum(axis=1, keepdims=True))
    return np.asarray(wide / np.where(lengths == 0, 1, lengths), dtype=np.float32)


def sha256(data: bytes) -> str:
    """Return the checksum of a file's bytes: 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def name_of(checksum: str) -> str:
    """Name the file after its content, so that no commit overwrites another's."""
    return f"{PREFIX}{checksum[:16]}{SUFFIX}"


def read(folder: Path, name: str, checksum: str, shape: tuple[int, int]) -> Vectors | None:
    """Return the file's vectors, or None when it is missing, damaged or another's."""
    try:
        data = (folder / Path(name).name).read_bytes()
    except (OSError, ValueError):
        return None
    if sha256(data) != checksum:
        return None
    try:
        vectors = Vectors.load(data)
    except RuntimeError:  # written by a FAISS this one cannot read
        return None
    return vectors if vectors.shape == shape else None


def write(folder: Path, name: str, data: bytes) -> None:
    """Put a file in place whole or not at all: temporary file, fsync, replace, fsync the folder."""
    temporary = folder / f".{name}.{os.getpid()}.tmp"
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(folder / name)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Make a replaced name survive a power cut, where folders can be synced at all."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def sweep(folder: Path, keep: str) -> None:
    """Remove every cache file but one, and what killed writers left."""
    for pattern in (f"{PREFIX}*{SUFFIX}", f".{PREFIX}*.tmp"):
        for path in folder.glob(pattern):
            if path.name != keep:
                with contextlib.suppress(OSError):
                    path.unlink()
