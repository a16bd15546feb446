"""PDF files: the text page by page, with headings and tables; hyphens mended, edges left out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from rag.documents.manuscript import Manuscript
from rag.documents.pdf_blocks import Block, blocks, cells
from rag.documents.pdf_glyphs import Contents, Sheet, contents
from rag.errors import SourceEmpty
from rag.types import Document

LEAST = 20  # characters: a page with a picture and fewer looks scanned
LONGEST = 60  # characters of a word that a hyphen cuts
_DATE = re.compile(r"D:(\d{4})(\d\d)?(\d\d)?")
_HYPHEN = re.compile(r"(\w+)[-\u00ad\u2010]$")
_UNTITLED = re.compile(
    r"\(?(?:untitled|anonymous|unspecified)\)?|microsoft word - .*|.*\.\w{3,4}", re.IGNORECASE
)


class PDF:
    """Load a PDF as one document, its pages marked."""

    def accepts(self, data: bytes, name: str) -> bool:
        """Accept what begins as a PDF does, within the first bytes."""
        return b"%PDF-" in data[:1024]

    def load(self, data: bytes, source: str) -> list[Document]:
        """Return the text of all pages.

        Raises `SourceEmpty` when there is no text, and says so where the pages look scanned.
        """
        found = contents(data, source)
        bare = [sheet for sheet in found.sheets if _letters(sheet) < LEAST and sheet.pictured]
        manuscript = Manuscript()
        _write(blocks(found), found, manuscript)
        if len(manuscript) == 0 and bare:
            raise SourceEmpty(
                f"{source} has no text: {_pages(len(found.sheets))} that look scanned.",
                hint="Run it through a program that recognises text (OCR) first.",
            )
        if len(manuscript) == 0:
            raise SourceEmpty(f"{source} holds no text ({_pages(len(found.sheets))}).")
        date = _DATE.match(found.facts.get("CreationDate", ""))
        title = found.facts.get("Title", "").strip()
        facts = {
            "author": _known(found.facts.get("Author", "")),
            "date": "-".join(filter(None, date.groups())) if date else "",
            "pages": str(len(found.sheets)),
            "scanned_pages": ", ".join(sheet.label for sheet in bare),
        }
        return [manuscript.document(source, _known(title), facts)]


def _known(words: str) -> str:
    """Return what a program wrote into the metadata, unless it is only a placeholder."""
    return "" if _UNTITLED.fullmatch(words.strip()) else words.strip()


def _letters(sheet: Sheet) -> int:
    return sum(len(run.text) for run in sheet.runs)


def _pages(count: int) -> str:
    return f"{count} page{'s' * (count != 1)}"


def _write(found: Sequence[Block], read: Contents, manuscript: Manuscript) -> None:
    """Write the blocks, beginning each page with the first words on it."""
    written = {word for block in found for word in re.findall(r"\w+(?:-\w+)*", block.words)}
    page = -1
    before: Block | None = None
    for block in found:
        for number, part in _by_page(block, written):
            if number != page:
                manuscript.page(read.sheets[number].label)
                page = number
                joined = number != block.lines[0][0]
            else:
                joined = False
            if block.kind == "heading":
                manuscript.heading(part, block.level)
            elif block.kind == "table":
                named = before is not None and re.match(r"tab(?:le|elle)?\b", before.words, re.I)
                name = before.words if before and named and len(before.words) < 200 else ""
                manuscript.table(cells([line for _, line in block.lines]), name)
            else:
                manuscript.paragraph(part, joined=joined)
        before = block


def _by_page(block: Block, written: set[str]) -> Iterator[tuple[int, str]]:
    """Yield the words of a block for each page it is on, hyphens at line ends mended."""
    parts = [
        (number, _unbroken([line.text for _, line in lines], written))
        for number, lines in groupby(block.lines, key=lambda pair: pair[0])
    ]
    for (number, words), following in zip(parts, [*parts[1:], None], strict=True):
        if following and _HYPHEN.search(words, max(0, len(words) - LONGEST)):
            first, _, rest = following[1].partition(" ")
            words = _unbroken([words, first], written)
            parts[parts.index(following)] = (following[0], rest)
        yield number, words


def _unbroken(lines: Sequence[str], written: set[str]) -> str:
    """Join lines; a word cut by a hyphen becomes whole, unless it is written with the hyphen."""
    words = ""
    for line in lines:
        cut = _HYPHEN.search(words, max(0, len(words) - LONGEST))
        if cut is None:
            words = f"{words} {line}".strip()
            continue
        rest = re.match(r"\w+", line)
        soft = words.endswith("\u00ad")
        whole = bool(rest and (soft or line[0].islower()))
        both = f"{cut[1]}-{rest[0]}" if rest else ""
        kept = both in written and f"{cut[1]}{rest[0] if rest else ''}" not in written
        words = words[:-1] + line if whole and not kept else words[:-1] + "-" + line
    return words.replace("\u00ad", "")
