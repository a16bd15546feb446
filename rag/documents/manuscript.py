"""A document in the making: its text, and the marks that name the text's structure.

Every loader of a format with headings, pages or tables writes one of these, so that all texts are
laid out alike: paragraphs apart by a blank line, a table one row a line. Knows no format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from rag.documents import tables
from rag.documents.facts import name_words
from rag.documents.loader import content_id
from rag.errors import SourceEmpty
from rag.types import Document, Mark

MAX_LABEL = 160  # characters of a heading or caption that are kept as its name
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff\ufffe\uffff\ud800-\udfff]")
_SPACES = re.compile(r"[^\S\n]+")


class Manuscript:
    """Text and marks, written from the first word to the last."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._marks: list[Mark] = []
        self._page: tuple[str, int | None] | None = None  # its label, and where it starts

    def __len__(self) -> int:
        """Return how many characters are written."""
        return self._length

    def paragraph(self, words: str, *, joined: bool = False) -> None:
        """Write a paragraph; `joined` continues the one before. Its line breaks are kept."""
        if words := clean(words):
            self._write(words, " " if joined else "\n\n")

    def heading(self, words: str, level: int) -> None:
        """Write a heading of a level from 1 (the greatest) to 6."""
        if words := one_line(words):
            start, end = self._write(words, "\n\n")
            self._mark(Mark("heading", start, end, label(words), min(max(level, 1), 6)))

    def table(self, rows: Sequence[tables.Row], name: str = "", headers: int | None = None) -> None:
        """Write a table, a line a row.

        `headers` is how many of the first rows name the columns; None: look. A caption in the
        first row is taken for the `name`. One column is written as paragraphs.
        """
        cells = tables.tidy(rows)
        if len(cells) > 1 and len(cells[0]) > 1 and sum(map(bool, cells[0])) == 1:
            caption = next(cell for cell in cells[0] if cell)
            if cells[0][0] and not tables.value(caption) and not name:
                name, cells = caption, tables.tidy(cells[1:])
                headers = None if not headers else max(headers - 1, 0) or None
                self.paragraph(name)
        if not cells:
            return
        if len(cells[0]) == 1:
            for row in cells:
                self.paragraph(row[0])
            return
        if headers is None:
            headers = int(tables.names_columns(cells))
        if not headers < len(cells):
            headers = 0
        names = tables.joined_names(cells[:headers]) if headers else ()
        self.rows(tables.lines(cells[headers:], names), name)

    def rows(self, lines: Sequence[str], name: str = "") -> None:
        """Write lines as the rows of a table."""
        spans = [
            self._write(words, "\n" if number else "\n\n")
            for number, words in enumerate(filter(None, map(one_line, lines)))
        ]
        if spans:
            self._mark(Mark("table", spans[0][0], spans[-1][1], label(name)))
            for start, end in spans:
                self._mark(Mark("row", start, end))

    def include(self, document: Document) -> None:
        """Write another document's text, with its marks; its headings rank one lower."""
        if document.text:
            self._end_page(self._length)
            start, _ = self._write(document.text, "\n\n")
            for one in document.marks:
                level = min(one.level + 1, 6) if one.kind == "heading" else 0
                self._mark(Mark(one.kind, start + one.start, start + one.end, one.label, level))

    def page(self, name: str) -> None:
        """Begin a page; the one before ends where this one's words start."""
        self._end_page(self._length)
        self._page = (name, None)

    def document(
        self, source: str, title: str = "", metadata: Mapping[str, str] | None = None
    ) -> Document:
        """Return what was written as a document.

        Without a `title` it is the one heading of the first rank, where the text begins with that,
        else made of the file's name.
        Raises `SourceEmpty` when nothing was written.
        """
        self._end_page(self._length)
        text = "".join(self._parts)
        if not text.strip():
            raise SourceEmpty(f"{source} holds no text.")
        marks = tuple(sorted(self._marks, key=lambda mark: (mark.start, -mark.end)))
        marks = tuple(_named(marks, title or name_words(source)))
        headings = [mark for mark in marks if mark.kind == "heading"]
        alone = sum(mark.level == 1 for mark in headings) == 1
        first = next((m.label for m in headings[:1] if alone and m.level == 1), "")
        title = one_line(title) or first or name_words(source)
        found = {key: one_line(words) for key, words in (metadata or {}).items() if words.strip()}
        return Document(content_id(text), text, title, source, found, marks)

    def _write(self, words: str, before: str) -> tuple[int, int]:
        """Add words; return where they stand."""
        if self._parts:
            self._add(before)
        if self._page and self._page[1] is None:
            self._page = (self._page[0], self._length)
        start = self._length
        self._add(words)
        return start, self._length

    def _add(self, words: str) -> None:
        self._parts.append(words)
        self._length += len(words)

    def _mark(self, mark: Mark) -> None:
        self._marks.append(mark)

    def _end_page(self, end: int) -> None:
        if self._page and self._page[1] is not None:
            self._mark(Mark("page", self._page[1], end, self._page[0]))
        self._page = None


def _named(marks: Sequence[Mark], title: str) -> Iterator[Mark]:
    """Yield the marks; a table without a name is called by the heading above it, or the title."""
    above = title
    for mark in marks:
        above = mark.label if mark.kind == "heading" else above
        unnamed = mark.kind == "table" and not mark.label
        yield replace(mark, label=label(above)) if unnamed else mark


def clean(words: str) -> str:
    """Return words without control characters and needless white space; line breaks stay."""
    lines = _SPACES.sub(" ", _CONTROL.sub("", words)).split("\n")
    return "\n".join(line for line in map(str.strip, lines) if line)


def one_line(words: str) -> str:
    """Return words on one line, without control characters and needless white space."""
    return " ".join(_CONTROL.sub("", words).split())


def label(words: str) -> str:
    """Return words as a mark's label: on one line, and cut where they are very long."""
    line = one_line(words)
    return line if len(line) <= MAX_LABEL else f"{line[: MAX_LABEL - 1].rstrip()}…"
