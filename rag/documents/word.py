"""Word documents (`.docx`): headings, paragraphs, lists, tables and notes, in reading order.

Text boxes stand after the paragraph they hang on, and a note after the one that refers to it.
Headers, footers, comments and deleted text are left out.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from rag.documents import archive
from rag.documents.manuscript import Manuscript
from rag.errors import SourceError
from rag.types import Document

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_NOTES = "/footnotes", "/endnotes"
_LISTED = "list"


class Word:
    """Load a Word document as one document."""

    def accepts(self, data: bytes, name: str) -> bool:
        """Accept an archive with a Word document in it, and any archive named `.docx`."""
        found = archive.kind(data)
        named = PurePath(name).suffix.lower() == ".docx" and data.startswith(b"PK")
        return found == "word" or (not found and named)

    def load(self, data: bytes, source: str) -> list[Document]:
        """Return the document's text, with its title, author and date."""
        import docx

        archive.office(data, source)
        try:
            opened = docx.Document(io.BytesIO(data))
        except (KeyError, ValueError) as error:
            raise SourceError(f"{source} is no Word document that can be read.") from error
        manuscript = Manuscript()
        reader = _Reader(opened, manuscript)
        reader.read()
        core = opened.core_properties
        date = core.modified or core.created
        facts = {"author": core.author or "", "date": date.date().isoformat() if date else ""}
        return [manuscript.document(source, core.title or reader.title, facts)]


class _Reader:
    """Walks a document's body and writes it into a manuscript."""

    def __init__(self, document: Any, manuscript: Manuscript) -> None:
        self.document = document
        self.manuscript = manuscript
        self.styles = {style.style_id: style for style in document.styles}
        self.notes = dict(_notes(document.part))
        self.items: list[str] = []  # of the list being read
        self.caption = ""
        self.title = ""

    def read(self) -> None:
        """Write the whole body."""
        for element in _blocks(self.document.element.body):
            if element.tag == f"{_W}tbl":
                self._end_list()
                self._table(element)
            else:
                self._paragraph(element)
        self._end_list()

    def _paragraph(self, element: Any) -> None:
        words = _words(element)
        style = self._style(element)
        level = self._level(element, style)
        name = (style.name or "").lower() if style is not None else ""
        listed = element.find(f"{_W}pPr/{_W}numPr") is not None or name.startswith(_LISTED)
        if words.strip():
            self.caption = ""
        if level and words.strip():
            self._end_list()
            self.title = self.title or (words if name == "title" else "")
            self.manuscript.heading(words, level)
        elif listed and words.strip():
            self.items.append(f"- {' '.join(words.split())}")
        elif words.strip():
            self._end_list()
            self.manuscript.paragraph(words)
            self.caption = words if name == "caption" else ""
        self._beside(element)

    def _beside(self, element: Any) -> None:
        """Write the text boxes and the notes of a paragraph."""
        boxes = [
            _words(inner)
            for box in _outside(element, f"{_W}txbxContent", _FALLBACK)
            for inner in box.iter(f"{_W}p")
        ]
        tags = (f"{_W}footnoteReference", f"{_W}endnoteReference")
        marked = [(one.tag[len(_W) :][:3], one.get(f"{_W}id")) for one in element.iter(*tags)]
        notes = [f"Note: {self.notes[key]}" for key in marked if self.notes.get(key)]
        if boxes or notes:
            self._end_list()
        for words in [*boxes, *notes]:
            self.manuscript.paragraph(words)

    def _end_list(self) -> None:
        self.manuscript.paragraph("\n".join(self.items))
        self.items = []

    def _style(self, element: Any) -> Any:
        given = element.find(f"{_W}pPr/{_W}pStyle")
        return self.styles.get(given.get(f"{_W}val")) if given is not None else None

    def _level(self, element: Any, style: Any) -> int:
        """Return a heading's level, by its outline level or its style's; 0 for other paragraphs."""
        found = element.find(f"{_W}pPr/{_W}outlineLvl")
        while found is None and style is not None:
            name = (style.name or "").lower()
            if name == "title":
                return 1
            if name.startswith("heading ") and name[8:].isdigit():
                return int(name[8:])
            found = style.element.find(f"{_W}pPr/{_W}outlineLvl")
            style = style.base_style
        level = int(found.get(f"{_W}val", "9")) if found is not None else 9
        return level + 1 if level < 6 else 0

    def _table(self, element: Any) -> None:
        """Write a table; cells that go over several columns or rows stand in each of them."""
        rows: list[list[str]] = []
        headers = 0
        for row in element.iter(f"{_W}tr"):
            if next(row.iterancestors(f"{_W}tbl")) is not element:
                continue  # of a table inside a cell, whose words the cell has
            cells: list[str] = []
            for cell in row.iter(f"{_W}tc"):
                if next(cell.iterancestors(f"{_W}tr")) is not row:
                    continue
                words = " ".join(_words(p) for p in cell.iter(f"{_W}p"))
                merged = cell.find(f"{_W}tcPr/{_W}vMerge")
                if merged is not None and merged.get(f"{_W}val") != "restart" and rows:
                    words = rows[-1][len(cells)] if len(cells) < len(rows[-1]) else words
                span = cell.find(f"{_W}tcPr/{_W}gridSpan")
                wide = int(span.get(f"{_W}val", "1")) if span is not None else 1
                cells += [words] * min(max(wide, 1), 100)
            named = row.find(f"{_W}trPr/{_W}tblHeader") is not None
            headers += named and headers == len(rows)
            rows.append(cells)
        if not headers and rows and _bold(element.find(f"{_W}tr")):
            headers = 1
        self.manuscript.table(rows, " ".join(self.caption.split()), headers or None)
        self.caption = ""


def _blocks(body: Any) -> Iterator[Any]:
    """Yield the paragraphs and tables of a body, those in content controls too."""
    for element in body:
        if element.tag in (f"{_W}p", f"{_W}tbl"):
            yield element
        elif element.tag in (f"{_W}sdt", f"{_W}sdtContent", f"{_W}customXml", f"{_W}ins"):
            yield from _blocks(element)


def _words(element: Any) -> str:
    """Return a paragraph's words, without those of the text boxes in it."""
    parts = []
    for one in _outside(element, None, f"{_W}txbxContent"):
        if one.tag == f"{_W}t":
            parts.append(one.text or "")
        elif one.tag in (f"{_W}tab", f"{_W}ptab"):
            parts.append(" ")
        elif one.tag in (f"{_W}br", f"{_W}cr"):
            parts.append("\n")
        elif one.tag == f"{_W}noBreakHyphen":
            parts.append("-")
    return "".join(parts)


def _outside(element: Any, tag: str | None, closed: str) -> Iterator[Any]:
    """Yield the elements under one, in order, but not those inside an element `closed`."""
    for child in element:
        if child.tag == closed and closed != tag:
            continue
        if tag is None or child.tag == tag:
            yield child
        if child.tag != tag and child.tag != f"{_W}pPr":
            yield from _outside(child, tag, closed)


def _bold(row: Any) -> bool:
    """Judge whether all words of a row are bold."""
    runs = [run for run in row.iter(f"{_W}r") if run.find(f"{_W}t") is not None]
    marks = [run.find(f"{_W}rPr/{_W}b") for run in runs]
    off = ("0", "false")
    return bool(runs) and all(m is not None and m.get(f"{_W}val") not in off for m in marks)


def _notes(part: Any) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield the footnotes and endnotes, by the first letters of their kind and their id."""
    for relation in part.rels.values():
        if not relation.is_external and relation.reltype.endswith(_NOTES):
            for note in archive.xml(relation.target_part.blob):
                words = " ".join(_words(p).strip() for p in note.iter(f"{_W}p"))
                if words and note.get(f"{_W}type") is None:
                    yield (note.tag[len(_W) :][:3], note.get(f"{_W}id")), words
