"""Document to passages: paragraphs, joined when short and split at sentences when long.

`document.text[start:end] == text` for every passage, its sentences lie inside it, and every
character that is not white space is in exactly one passage. Knows nothing of files or vectors.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.layout import Piece, Role, layout
from rag.places import Places, structured
from rag.sentences import sentences
from rag.settings import PassageSettings
from rag.types import Document, Kind, Passage, Span

__all__ = ["sentences", "split"]

_KINDS: dict[Role, Kind] = {
    "title": "title",
    "lead": "lead",
    "caption": "credit",
    "credit": "credit",
    "byline": "credit",
    "front": "furniture",
    "furniture": "furniture",
    "heading": "body",
    "body": "body",
    "table": "body",
}
_SPACE = re.compile(r"\s+")
_LINE = re.compile(r"[^\r\n]+")


@dataclass(frozen=True, slots=True)
class _Draft:
    """A passage in the making: sentences in a row, the first few of which are headings."""

    kind: Kind
    spans: tuple[Span, ...]
    headings: int = 0

    @property
    def heading(self) -> bool:
        return self.headings == len(self.spans)

    @property
    def start(self) -> int:
        return self.spans[0].start

    @property
    def end(self) -> int:
        return self.spans[-1].end

    def __add__(self, other: _Draft) -> _Draft:
        headings = self.headings + (other.headings if self.heading else 0)
        return _Draft(self.kind, self.spans + other.spans, headings)


def split(document: Document, settings: PassageSettings = PassageSettings()) -> tuple[Passage, ...]:  # noqa: B008
    """Cut a document into passages, in order.

    A paragraph shorter than `min_chars` is joined to the next of its kind, as long as both fit in
    `max_chars`; a longer one than that is split at sentences into parts of about the same length.
    A heading stays with the paragraph under it. A caption stays with its credit. Each line of a
    table is a sentence. A blank document has no passages.
    """
    drafts = list(_paragraphs(document, settings.max_chars))
    parts = [part for draft in _joined(drafts, settings) for part in _parts(draft, settings)]
    places = Places(document.marks)
    return tuple(_passage(document, part, places) for part in parts)


def _paragraphs(document: Document, limit: int) -> Iterator[_Draft]:
    """Yield one draft a block, with a caption and its credit in one."""
    text = document.text
    held: tuple[Span, ...] = ()
    pieces = structured(text, layout(text, document.title), document.marks)
    for at, piece in enumerate(pieces):
        spans = held + tuple(_spans(text, piece, limit))
        held = ()
        follows = at + 1 < len(pieces) and pieces[at + 1].role == "credit"
        if piece.role == "caption" and follows:
            held = spans
        elif spans:
            headings = len(spans) if piece.role == "heading" else 0
            yield _Draft(_KINDS[piece.role], spans, headings)


def _spans(text: str, piece: Piece, limit: int) -> Iterator[Span]:
    """Yield the sentences of a block; one longer than `limit` is cut at white space."""
    if piece.role in ("body", "lead", "caption", "furniture"):
        found: Sequence[Span] = sentences(text, piece.start, piece.end)
    elif piece.role in ("title", "heading"):
        found = [Span(piece.start, piece.end)]
    else:
        found = list(_lines(text, piece))
    for span in found:
        yield from _cut(text, span, limit)


def _lines(text: str, piece: Piece) -> Iterator[Span]:
    """Yield the lines of a block, trimmed."""
    for match in _LINE.finditer(text, piece.start, piece.end):
        if words := match.group().strip():
            start = match.start() + len(match.group()) - len(match.group().lstrip())
            yield Span(start, start + len(words))


def _cut(text: str, span: Span, limit: int) -> Iterator[Span]:
    """Cut an over-long sentence at white space, an over-long word anywhere but inside a letter."""
    start = span.start
    while span.end - start > limit:
        spaces = list(_SPACE.finditer(text, start + 1, start + limit + 1))
        if spaces:
            yield Span(start, spaces[-1].start())
            start = _SPACE.match(text, spaces[-1].start()).end()  # type: ignore[union-attr]
            continue
        stop = start + limit
        while stop > start + limit // 2 and unicodedata.combining(text[stop]):
            stop -= 1
        yield Span(start, stop)
        start = stop
    yield Span(start, span.end)


def _joined(drafts: Sequence[_Draft], settings: PassageSettings) -> list[_Draft]:
    """Join short drafts to the next one of their kind, and a last short one to the one before."""
    found: list[_Draft] = []
    for draft in drafts:
        last = found[-1] if found else None
        if last is None or last.kind != draft.kind or draft.kind in ("title", "lead"):
            found.append(draft)
        elif last.heading and last.end - last.start <= settings.max_chars // 2:
            found[-1] = last + draft
        elif draft.heading or draft.end - last.start > settings.max_chars:
            found.append(draft)
        elif last.end - last.start < settings.min_chars:
            found[-1] = last + draft
        else:
            found.append(draft)
    return list(_without_tails(found, settings))


def _without_tails(drafts: Sequence[_Draft], settings: PassageSettings) -> Iterator[_Draft]:
    """Join a short draft that found no next one, or a heading with nothing under it, backwards."""
    held: _Draft | None = None
    for at, draft in enumerate(drafts):
        following = drafts[at + 1] if at + 1 < len(drafts) else None
        last_of_kind = following is None or following.kind != draft.kind
        short = not draft.headings and draft.end - draft.start < settings.min_chars
        if (
            held
            and held.kind == draft.kind == "body"
            and last_of_kind
            and (short or draft.heading)
            and draft.end - held.start <= settings.max_chars
        ):
            held = held + draft
            continue
        if held:
            yield held
        held = draft
    if held:
        yield held


def _parts(draft: _Draft, settings: PassageSettings) -> Iterator[_Draft]:
    """Split a draft longer than `max_chars` at sentences, into parts of about the same length."""
    limit = settings.max_chars
    gathered: list[Span] = []
    for span in draft.spans:
        if gathered:
            start, end = gathered[0].start, gathered[-1].end
            rest = draft.end - start
            target = rest / -(-rest // limit)  # an even share of what is left
            nearer = target - (end - start) < (span.end - start) - target
            if span.end - start > limit or (rest > limit and nearer):
                yield _Draft(draft.kind, tuple(gathered))
                gathered = []
        gathered.append(span)
    yield _Draft(draft.kind, tuple(gathered))


def _passage(document: Document, draft: _Draft, places: Places) -> Passage:
    """Give a finished draft its words and its id: a hash of the document's id and the offsets."""
    start, end = draft.start, draft.end
    name = f"{document.id}:{start}:{end}".encode("utf-8", "surrogatepass")
    return Passage(
        id=hashlib.sha256(name).hexdigest()[:16],
        document=document.id,
        start=start,
        end=end,
        text=document.text[start:end],
        sentences=draft.spans,
        kind=draft.kind,
        title=document.title,
        place=places.of(start, end),
    )
