"""The source panel: a document's paragraphs as HTML, with the cited words marked in place.

Offsets are `Document.text` offsets throughout. A long document is shown around what is cited, so
that a book costs the browser no more than an article.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import pairwise
from pathlib import PurePath
from urllib.parse import quote

from rag.page.highlights import Highlight
from rag.page.pages import cited_pages, is_pdf
from rag.page.render import escape, snippet
from rag.types import Document, Span

WHOLE_CHARS = 60_000
"""A document up to this long is shown whole."""
AROUND = 6
"""Paragraphs shown on either side of a mark in a longer one."""
MORE = 30
"""Paragraphs that a click on a gap adds."""
PARAGRAPH_CHARS = 4_000
"""A longer paragraph is shown in pieces."""

_BLANK = re.compile(r"\n[ \t]*\n\s*")


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


def highlighted(text: str, span: Span, marks: Sequence[Highlight], begun: set[str]) -> str:
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


def _mark(piece: str, marks: Sequence[Highlight], begun: set[str]) -> str:
    fresh = [m.anchor for m in marks if m.anchor not in begun]
    begun.update(fresh)
    names = " ".join(m.anchor for m in marks)
    targets = "".join(f'<span id="{anchor}" class="rag-target"></span>' for anchor in fresh)
    return f'{targets}<mark data-cites="{names}" tabindex="-1">{piece}</mark>'


def near(
    spans: Sequence[Span],
    marks: Sequence[Highlight],
    length: int,
    extra: Collection[int] = (),
) -> list[int]:
    """Return the numbers of the paragraphs to show: all of a short document, else near marks.

    `extra` paragraphs are shown too.
    """
    if length <= WHOLE_CHARS:
        return list(range(len(spans)))
    first = AROUND if marks else MORE
    found: set[int] = set(range(min(first, len(spans)))) | {n for n in extra if n < len(spans)}
    for number, span in enumerate(spans):
        if any(m.start < span.end and m.end > span.start for m in marks):
            found |= set(range(max(0, number - AROUND), min(len(spans), number + AROUND + 1)))
    return sorted(found)


def article(
    document: Document,
    marks: Sequence[Highlight],
    number: int = 0,
    extra: Collection[int] = (),
) -> str:
    """Return one document with its marks; `number` tells several in one panel apart."""
    spans = paragraphs(document.text)
    begun: set[str] = set()
    parts = []
    last = -1
    for i in near(spans, marks, len(document.text), extra):
        parts.append(_gap(number, last, i))
        parts.append(_page_number(document, spans[last].end if last >= 0 else 0, spans[i].end))
        words = highlighted(document.text, spans[i], marks, begun)
        tag = "h3" if _is_heading(document, spans[i]) else "p"
        parts.append(f'<{tag} id="rag-paragraph-{number}-{i + 1}" dir="auto">{words}</{tag}>')
        last = i
    if last < len(spans) - 1:
        parts.append(_gap(number, last, len(spans)))
    return (
        f'<article class="rag-document">{_header(document)}{_pictures(document, marks)}'
        f'<div class="rag-words">{"".join(parts)}</div></article>'
    )


def _header(document: Document) -> str:
    file = PurePath(document.source).name
    heading = escape(snippet(document.title or file or document.id, 200))
    facts = [
        escape(snippet(document.metadata[key], 120))
        for key in ("author", "date", "credit")
        if document.metadata.get(key)
    ]
    if file and document.title:
        facts.append(escape(snippet(file, 80)))
    about = f"<p>{' · '.join(facts)}</p>" if facts else ""
    return f'<header><h2 dir="auto">{heading}</h2>{about}</header>'


def _gap(number: int, last: int, upto: int) -> str:
    """Return what stands for paragraphs not shown, after `last` and before `upto`: buttons."""
    count = upto - last - 1
    if count <= 0:
        return ""
    many = f"{count:,} paragraph{'s' if count > 1 else ''} not shown"
    starts = sorted({last + 1, max(last + 1, upto - MORE)})
    words = ("Show what follows", "Show what comes before") if len(starts) == 2 else ("Show",)
    buttons = "".join(
        f'<button type="button" class="rag-more" data-act="more" data-document="{number}" '
        f'data-from="{start}">{word}</button>'
        for start, word in zip(starts, words, strict=True)
    )
    return f'<div class="rag-gap"><span>{many}</span>{buttons}</div>'


def _is_heading(document: Document, span: Span) -> bool:
    return any(
        mark.kind == "heading" and mark.start <= span.start and span.end <= mark.end
        for mark in document.marks
    )


def _page_number(document: Document, after: int, end: int) -> str:
    """Return the number of a page that begins between two paragraphs' ends; "" when none does."""
    begun = [m for m in document.marks if m.kind == "page" and after <= m.start < end]
    if not begun or not begun[-1].label:
        return ""
    return f'<p class="rag-page-number">Page {escape(begun[-1].label)}</p>'


def _pictures(document: Document, marks: Sequence[Highlight]) -> str:
    """Return pictures of the pages that are cited (or the first), where the source is a PDF."""
    if not is_pdf(document):
        return ""
    figures = []
    for page in cited_pages(document, marks):
        label = escape(page.label)
        place = f"document={quote(document.id, safe='')}&amp;page={page.number}"
        spans = "".join(f"&amp;quote={start}-{end}" for start, end in page.quotes)
        cited = " ".join(page.anchors)
        figures.append(
            f'<figure class="rag-picture" data-cites="{cited}">'
            f'<img loading="lazy" src="/page/picture?{place}{spans}" '
            'alt="This page of the document">'
            f"<figcaption>Page {label}</figcaption></figure>"
        )
    return f'<div class="rag-pictures">{"".join(figures)}</div>'


def panel(
    documents: Sequence[tuple[Document, Sequence[Highlight]]],
    turn: int,
    focus: str = "",
    extra: Collection[tuple[int, int]] = (),
    shown: int = 0,
) -> str:
    """Return the panel for one turn; `focus` is the anchor the page then jumps to.

    `extra` are (document, paragraph) numbers shown beyond those near a mark. `shown` counts how
    often a panel was shown, so that the same one again is news to the browser.
    """
    labelled = [mark for _, marks in documents for mark in marks if mark.label]
    articles = "".join(
        article(doc, marks, n, [paragraph for d, paragraph in extra if d == n])
        for n, (doc, marks) in enumerate(documents)
    )
    views = ""
    if any(is_pdf(document) for document, _ in documents):
        views = (
            '<span class="rag-views" role="group" aria-label="Show as">'
            '<button type="button" data-show="text" aria-pressed="true">Text</button>'
            '<button type="button" data-show="page" aria-pressed="false">Page</button></span>'
        )
    back = (
        '<button type="button" class="rag-back" data-back="1">Back to the answer</button>'
        if turn >= 0
        else ""
    )
    return (
        f'<div class="rag-panel" data-turn="{turn}" data-focus="{focus}" data-shown="{shown}">'
        f'<div class="rag-panel-bar">{_steps(labelled)}{views}{back}</div>'
        f'<div class="rag-page" tabindex="0" role="region" aria-label="Source">{articles}</div>'
        "</div>"
    )


def _steps(marks: Sequence[Highlight]) -> str:
    """Return the way from quote to quote: one before, which one of how many, one after."""
    if not marks:
        return '<span class="rag-jumps"></span>'
    chips = "".join(
        f'<button type="button" class="rag-marker" data-jump="{mark.anchor}" '
        f'aria-label="Go to citation {escape(mark.label)}">[{escape(mark.label)}]</button>'
        for mark in marks
    )
    if len(marks) == 1:
        return f'<span class="rag-jumps">{chips}</span>'
    return (
        '<span class="rag-jumps"><button type="button" class="rag-step" data-step="-1" '
        f'aria-label="Previous quote">‹</button>{chips}<button type="button" class="rag-step" '
        'data-step="1" aria-label="Next quote">›</button></span>'
        f'<span class="rag-where" role="status" data-count="{len(marks)}"></span>'
    )


EMPTY = (
    '<div class="rag-panel rag-panel-empty"><p>The source appears here, with the words an answer '
    "rests on highlighted.</p></div>"
)
GONE = (
    '<div class="rag-panel rag-panel-empty"><p>This document is not in the library any more.</p>'
    "</div>"
)
