"""Small deterministic parts to build an index from: an embedder of hashed words, a splitter."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.index import Index
from rag.types import Document, EmbedderIdentity, IndexReport, Passage, Span

DIMENSION = 16


class HashEmbedder:
    """Each word adds ±1 to one of 16 places; the sum is scaled to length 1."""

    def __init__(self, revision: str = "1", seconds: float = 0.0) -> None:
        self.identity = EmbedderIdentity("hashed-words", revision, DIMENSION)
        self.seconds = seconds
        self.seen: list[str] = []

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.seen.extend(texts)
        time.sleep(self.seconds)
        return np.array([self.query(text) for text in texts], dtype=np.float32).reshape(
            len(texts), DIMENSION
        )

    def query(self, text: str) -> NDArray[np.float32]:
        row = np.zeros(DIMENSION)
        for word in re.findall(r"\w+", text.lower()):
            mark = hashlib.sha256(f"{self.identity.revision}{word}".encode()).digest()
            row[mark[0] % DIMENSION] += 1 if mark[1] % 2 else -1
        length = np.linalg.norm(row)
        return (row / length if length else row).astype(np.float32)


def by_line(document: Document) -> list[Passage]:
    """One passage a line that is not blank, one sentence in each."""
    return [
        Passage(
            id=f"{document.id}:{match.start()}",
            document=document.id,
            start=match.start(),
            end=match.end(),
            text=match.group(),
            sentences=(Span(match.start(), match.end()),),
            kind="credit" if match.group().startswith("Image:") else "body",
            title=document.title,
        )
        for match in re.finditer(r"[^\n]*[^\s][^\n]*", document.text)
    ]


def corpus(*texts: str, title: str = "") -> list[Document]:
    """Documents d0, d1, ... of these texts."""
    return [Document(f"d{i}", text, title, source=f"{i}.txt") for i, text in enumerate(texts)]


def build(
    folder: Path, documents: Sequence[Document], embedder: HashEmbedder | None = None
) -> IndexReport:
    """Bring a folder's index to these documents."""
    return Index.update(folder, documents, split=by_line, embedder=embedder or HashEmbedder())


def expected(documents: Sequence[Document]) -> list[Passage]:
    """The passages an index of these documents holds, in order."""
    return [passage for document in documents for passage in by_line(document)]


def matrix(passages: Sequence[Passage], embedder: HashEmbedder | None = None) -> list[list[float]]:
    """The vectors an index of these passages holds, as exact numbers."""
    embedder = embedder or HashEmbedder()
    texts = [f"{p.title}\n{p.text}" if p.title else p.text for p in passages]
    return [[float(x) for x in embedder.query(text)] for text in texts]
