"""Part of an index: the documents whose metadata match, searched as if there were no others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rag.types import Document, Passage

if TYPE_CHECKING:
    from rag.index import Index


class Selection:
    """Some documents of an open index; both searches are as exact as over all of it.

    How rare a word is stays a matter of the whole index.
    """

    def __init__(self, index: Index, ids: Sequence[str]) -> None:
        self.index = index
        self.ids = tuple(ids)

    def dense(self, query: NDArray[np.float32], k: int) -> list[tuple[Passage, float]]:
        """See `Index.dense`."""
        return self.index.dense(query, k, self.ids)

    def lexical(self, question: str, k: int) -> list[tuple[Passage, float]]:
        """See `Index.lexical`."""
        return self.index.lexical(question, k, self.ids)

    def documents(self) -> tuple[Document, ...]:
        """Return the documents, in the order of the index."""
        return tuple(self.index.document(id) for id in self.ids)

    def passages(self, document: str | None = None) -> tuple[Passage, ...]:
        """Return all passages, or one document's, in order. KeyError: it is not among these."""
        if document is None:
            return tuple(p for id in self.ids for p in self.index.passages(id))
        if document not in self.ids:
            raise KeyError(document)
        return self.index.passages(document)
