"""The pages of a paged document, and which of them the highlights of a panel are on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rag.page.highlights import Highlight
from rag.types import Document, Mark


@dataclass(frozen=True, slots=True)
class CitedPage:
    """A page with what is cited on it: `number` counts from 0; `quotes` are offsets in the text."""

    number: int
    label: str
    quotes: tuple[tuple[int, int], ...]
    anchors: tuple[str, ...]


def is_pdf(document: Document) -> bool:
    """Whether there is a picture of each page: a PDF whose pages the loader has told."""
    return document.source.lower().endswith(".pdf") and any(
        mark.kind == "page" for mark in document.marks
    )


def page_marks(document: Document) -> list[Mark]:
    """Return the marks of the pages, in order."""
    return [mark for mark in document.marks if mark.kind == "page"]


def cited_pages(document: Document, highlights: Sequence[Highlight]) -> list[CitedPage]:
    """Return the pages that hold a highlight, in order; the first page when none does."""
    found = []
    for number, mark in enumerate(page_marks(document)):
        on = [h for h in highlights if h.start < mark.end and h.end > mark.start]
        if on:
            spans = tuple((h.start, h.end) for h in on)
            found.append(CitedPage(number, mark.label, spans, tuple(h.anchor for h in on)))
    if not found:
        first = page_marks(document)[0]
        found.append(CitedPage(0, first.label, (), ()))
    return found
