"""The source panel: a document's paragraphs as HTML, with the cited words marked in place.

Offsets are `Document.text` offsets throughout. A long document is shown around what is cited, so
that a book costs the browser no more than an article.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from rag.page.render import escape, snippet
from rag.places import Places, spoken
from rag.types import Document, Span

WHOLE_CHARS = 60_000
"""A document up to this long is shown whole."""
AROUND = 6
"""Paragraphs shown on either side of a mark in a longer one."""
PARAGRAPH_CHARS = 4_000
"""A longer paragraph is shown in pieces."""

_BLANK = re.compile(r"\n[ \t]*\n\s*")


@dataclass(frozen=True, slots=True)
class Mark:
    """Characters to highlight. `anchor` is the element id to jump to; `label` its number."""

    start: int
    end: int
    anchor: str
    label: str = ""


def paragraphs(text: str) -> list[Span]:
    """Return the paragraphs (runs between blank lines), without the whitespace around them."""
    spans: list[Span] = []
    start = len(text) - len(text.lstrip())
    for match in [*_BLANK.finditer(text), None]:
        end = match.start() if match else len(text.rstrip())
        for piece in range(start, end, PARAGRAPH_CHARS):
            spans.append(Span(piece, min(piece + PARAGRAPH_CHARS, end)))
        start = match.end() if match else len(text)
    return spans


def highlighted(text: str, span: Span, marks: Sequence[Mark], begun: set[str]) -> str:
    """Return one paragraph's words, escaped, with the marked stretches inside `<mark>`.

    Overlapping marks are cut at each other's edges, so markup never nests. `begun` collects the
    anchors already written: the first piece of a mark carries its id.
    """
    inside = [m for m in marks if m.start < span.end and m.end > span.start]
    edges = {span.start, span.end}
    for mark in inside:
        edges |= {max(mark.start, span.start), min(mark.end, span.end)}
    cuts = sorted(edges)
    parts = []
    for start, end in pairwise(cuts):
        over = [m for m in inside if m.start <= start and m.end >= end]
        piece = escape(text[start:end])
        parts.append(_mark(piece, over, begun) if over else piece)
    return "".join(parts)


def _mark(piece: str, marks: Sequence[Mark], begun: set[str]) -> str:
    fresh = [m.anchor for m in marks if m.anchor not in begun]
    begun.update(fresh)
    names = " ".join(m.anchor for m in marks)
    targets = "".join(f'<span id="{anchor}" class="rag-target"></span>' for anchor in fresh)
    return f'{targets}<mark data-cites="{names}" tabindex="-1">{piece}</mark>'


def shown(spans: Sequence[Span], marks: Sequence[Mark], length: int) -> list[int]:
    """Return the numbers of the paragraphs to show: all of a short document, else near marks."""
    if length <= WHOLE_CHARS:
        return list(range(len(spans)))
    near: set[int] = set(range(min(AROUND, len(spans))))
    for number, span in enumerate(spans):
        if any(m.start < span.end and m.end > span.start for m in marks):
            near |= set(range(max(0, number - AROUND), min(len(spans), number + AROUND + 1)))
    return sorted(near)


def article(document: Document, marks: Sequence[Mark], number: int = 0) -> str:
    """Return one document with its marks; `number` tells several in one panel apart."""
    spans = paragraphs(document.text)
    begun: set[str] = set()
    parts = []
    last = -1
    for i in shown(spans, marks, len(document.text)):
        parts.append(_gap(i - last - 1))
        words = highlighted(document.text, spans[i], marks, begun)
        parts.append(f'<p id="rag-paragraph-{number}-{i + 1}" dir="auto">{words}</p>')
        last = i
    parts.append(_gap(len(spans) - last - 1))
    heading = escape(snippet(document.title or document.source or document.id, 200))
    about = " · ".join(
        escape(snippet(document.metadata[key], 120))
        for key in ("author", "date", "credit")
        if document.metadata.get(key)
    )
    return (
        f'<article class="rag-document"><header><h2 dir="auto">{heading}</h2>'
        f"{f'<p>{about}</p>' if about else ''}{_standing(document, marks)}</header>"
        f"{''.join(parts)}</article>"
    )


def _standing(document: Document, marks: Sequence[Mark]) -> str:
    """Return where each mark stands, by page, headings and table, a line each."""
    places = Places(document.marks)
    said = [(mark, spoken(places.of(mark.start, mark.end), document.title)) for mark in marks]
    return "".join(
        f'<p class="rag-place" dir="auto">{f"[{escape(mark.label)}] " if mark.label else ""}'
        f"{escape(snippet(words, 200))}</p>"
        for mark, words in said
        if words
    )


def _gap(count: int) -> str:
    if count <= 0:
        return ""
    return f'<p class="rag-gap">{count} paragraph{"s" if count > 1 else ""} not shown</p>'


def panel(documents: Sequence[tuple[Document, Sequence[Mark]]], turn: int, focus: str = "") -> str:
    """Return the panel for one turn; `focus` is the anchor the page then jumps to."""
    chips = "".join(
        f'<button type="button" class="rag-marker" data-jump="{mark.anchor}" '
        f'aria-label="Go to citation {escape(mark.label)}">[{escape(mark.label)}]</button>'
        for _, marks in documents
        for mark in marks
        if mark.label
    )
    quotes = f'<span class="rag-jumps">{chips}</span>' if chips else ""
    articles = "".join(article(doc, marks, n) for n, (doc, marks) in enumerate(documents))
    return (
        f'<div class="rag-panel" data-turn="{turn}" data-focus="{focus}">'
        f'<div class="rag-panel-bar"><span>Source</span>{quotes}'
        '<button type="button" class="rag-back" data-back="1">Back to the answer</button></div>'
        f'<div class="rag-page">{articles}</div></div>'
    )


EMPTY = (
    '<div class="rag-panel rag-panel-empty"><p>The source appears here, with the words an answer '
    "rests on highlighted.</p></div>"
)
