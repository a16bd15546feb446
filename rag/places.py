"""Where characters of a document stand: under which headings, on which page, in which table.

Read off the document's marks. Knows nothing of how the marks were found, or of passages.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from rag.layout import Piece, heading_words
from rag.types import Mark, Passage, Place, Span

NEAR = 8  # characters: headings as near as this stand under each other with nothing between


class Places:
    """The marks of one document, asked by characters."""

    def __init__(self, marks: Sequence[Mark]) -> None:
        self._headings = [mark for mark in marks if mark.kind == "heading"]
        self._pages = [mark for mark in marks if mark.kind == "page"]
        self._tables = [mark for mark in marks if mark.kind == "table"]
        self._paths = list(_paths(self._headings))
        self._heading_starts = [mark.start for mark in self._headings]
        self._page_ends = [mark.end for mark in self._pages]
        self._table_ends = [mark.end for mark in self._tables]

    def of(self, start: int, end: int) -> Place:
        """Return where `start:end` stands.

        What begins with headings stands under the last of them, and what reaches into a table is
        the table's.
        """
        return Place(self._path(start, end), self._page(start, end), self._table(start, end))

    def _path(self, start: int, end: int) -> tuple[str, ...]:
        at = bisect_right(self._heading_starts, start) - 1
        if at < 0 or self._headings[at].end <= start:  # it does not begin with a heading
            return self._paths[at] if at >= 0 else ()
        while at + 1 < len(self._headings):
            following = self._headings[at + 1]
            if following.start >= end or following.start - self._headings[at].end > NEAR:
                break
            at += 1
        return self._paths[at]

    def _page(self, start: int, end: int) -> str:
        at = bisect_right(self._page_ends, start)
        labels: list[str] = []
        while at < len(self._pages) and self._pages[at].start < max(end, start + 1):
            labels.append(self._pages[at].label)
            at += 1
        return "-".join(dict.fromkeys([labels[0], labels[-1]])) if labels else ""

    def _table(self, start: int, end: int) -> str:
        at = bisect_right(self._table_ends, start)
        found = at < len(self._tables) and self._tables[at].start < max(end, start + 1)
        return self._tables[at].label if found else ""


def is_heading(passage: Passage, span: Span) -> bool:
    """Tell whether a stretch of a passage is one of the headings that it begins with."""
    return heading_words(passage.sentence(span)) in passage.place.headings


def _paths(headings: Sequence[Mark]) -> Iterator[tuple[str, ...]]:
    """Yield for each heading the labels from the outermost one down to it."""
    above: list[Mark] = []
    for heading in headings:
        while above and above[-1].level >= heading.level:
            above.pop()
        above.append(heading)
        yield tuple(mark.label for mark in above)


def known(place: Place) -> dict[str, Any]:
    """Return what is known of a place, for programs: its fields that are not empty."""
    row = {"page": place.page, "headings": list(place.headings), "table": place.table}
    return {key: value for key, value in row.items() if value}


def spoken(place: Place, title: str = "") -> str:
    """Say a place on one line, for people: `p. 14, Delivery › Returns`; "" where nothing is known.

    What repeats the `title` that is shown beside it is left out.
    """
    path = [*place.headings, *([place.table] if place.table not in place.headings else [])]
    path = [name for name in path if name and name != title]
    many = "-" in place.page and all(part.isdigit() for part in place.page.split("-"))
    page = [f"{'pp.' if many else 'p.'} {place.page}"] if place.page else []
    return ", ".join([*page, *([" › ".join(path)] if path else [])])


def structured(text: str, pieces: Sequence[Piece], marks: Sequence[Mark]) -> tuple[Piece, ...]:
    """Return the pieces with headings and tables where the marks say, and nothing lost.

    A piece that is a heading's line already is left as it is; others are cut where a mark cuts
    through them.
    """
    cuts = [
        Piece(mark.start, mark.end, mark.kind)
        for mark in marks
        if mark.kind in ("heading", "table") and text[mark.start : mark.end].strip()
    ]
    same = {(piece.start, piece.end): piece for piece in pieces}
    own = [
        same.get((cut.start, cut.end), cut) if cut.role == "heading" else cut
        for cut in _apart(sorted(cuts, key=lambda cut: (cut.start, -cut.end)))
    ]
    starts = [cut.start for cut in own]
    found = list(own)
    for piece in pieces:
        start = piece.start
        first = max(0, bisect_left(starts, start) - 1)
        for cut in own[first : bisect_left(starts, piece.end)]:
            if cut.end > start:
                found += _trimmed(text, replace(piece, start=start, end=max(start, cut.start)))
                start = cut.end
        found += _trimmed(text, replace(piece, start=start, end=max(start, piece.end)))
    return tuple(sorted(found, key=lambda piece: piece.start))


def _apart(cuts: Sequence[Piece]) -> Iterator[Piece]:
    """Yield cuts that do not overlap an earlier one."""
    end = 0
    for cut in cuts:
        if cut.start >= end:
            yield cut
            end = cut.end


def _trimmed(text: str, piece: Piece) -> Iterator[Piece]:
    """Yield the piece without white space around it; nothing where it is blank."""
    words = text[piece.start : piece.end]
    if bare := words.strip():
        start = piece.start + len(words) - len(words.lstrip())
        yield replace(piece, start=start, end=start + len(bare))
