"""The seam between files and documents: what a loader of one format family must do."""

from __future__ import annotations

import hashlib
from typing import Protocol

from rag.types import Document


class Loader(Protocol):
    """Turn the bytes of one format family into documents.

    A new format is one module with one small class, and one line in `rag.documents.FORMATS`.
    """

    def accepts(self, data: bytes, name: str) -> bool:
        """Judge by the content first and the file's `name` second; `data` is its first bytes."""
        ...

    def load(self, data: bytes, source: str) -> list[Document]:
        """Return the documents in `data`, which is the whole file.

        Raises `SourceError` (or a class under it) when it cannot be read, `SourceEmpty` when
        there are no words in it.
        """
        ...


def content_id(text: str) -> str:
    """Return the id of a text: the first 16 hexadecimal digits of the SHA-256 of its UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
