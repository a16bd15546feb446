"""Which documents a phrase names: by their titles, or by the names of their files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from rag import words
from rag.types import Document

SHARE = 0.5  # of a title's content words, for a phrase to be its short form
KINDS = words.stems(
    "article document file report study paper page text story note book chapter section website "
    "manual guide list table slides presentation spreadsheet email letter pdf"
)
"""What a phrase may call a document besides its name."""


def named(phrase: str, documents: Sequence[Document]) -> tuple[Document, ...]:
    """Return the documents that a phrase names, in their order; none for "the article" alone.

    All of its content words, but for what kind of document it is, are a title's or a file name's,
    and they are all of the file name's or half of the title's at least.
    """
    wanted = words.stems(phrase) - words.STOP_WORDS - KINDS
    return tuple(document for document in documents if wanted and _is_named(document, wanted))


def _is_named(document: Document, wanted: frozenset[str]) -> bool:
    title = set(words.content(document.title))
    name = PurePath(document.source).stem.replace("_", " ").replace("-", " ")
    file = set(words.content(name)) - KINDS
    if not wanted <= title | file:
        return False
    return (bool(file) and file <= wanted) or len(wanted & title) >= max(1, SHARE * len(title))
